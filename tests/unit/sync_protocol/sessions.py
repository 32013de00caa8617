"""What a session is told in its tests, and sessions brought as far as a test needs them."""

from collections.abc import Mapping
from typing import Any

from sync.kernel.limits import (
    CREDIT_BATCHES,
    CREDIT_BYTES,
    CREDIT_GOOD_S,
)
from sync.protocol import events as do
from sync.protocol import message, states
from sync.protocol.ack import Ack, Credit, StreamAck
from sync.protocol.config import Config
from sync.protocol.hello import Welcome
from sync.protocol.session import Session

HUB, ME = "hub-b4l8r3yz", 7
H = bytes(32)


def said(kind: int, body: Mapping[int, Any], epoch: int = 1) -> do.Received:
    read = {number: _as_wire(value) for number, value in body.items()}
    return do.Received(message.Message(kind, HUB, "courier-a3k7q2xw", bytes(8), epoch, read), b"raw")


def _as_wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {number: _as_wire(item) for number, item in value.items()}
    return [_as_wire(item) for item in value] if isinstance(value, list | tuple) else value


def welcome(number: int, *, epoch: int = 1, **fields: Any) -> do.Received:
    ack = fields.pop("ack", Ack((), 5))
    return said(message.WELCOME, Welcome((ME, number), ack, **fields).body(), epoch)


def ack(*streams: StreamAck, epoch: int = 1) -> do.Received:
    return said(message.ACK, Ack(streams, 5).body(), epoch)


def fresh(*carriers: str, streams: tuple[do.OwnStream, ...] = (), epoch: int = 1) -> Session:
    session = Session(Config(ME, carriers or ("mqtt", "https"), lambda: 0.5, backoff_s_max=60.0))
    session.on(do.Started(streams, epoch), 0.0)
    return session


def greeted(*carriers: str, **how: Any) -> Session:
    session = fresh(*carriers, **how)
    assert session.on(do.Tick(), 0.25)[-1] == do.Connect(session.carrier)
    assert session.on(do.CarrierUp(session.carrier), 0.3)[-1] == do.SendHello(session.carrier, 1)
    return session


def talking(*carriers: str, credit: Credit | None = None, **how: Any) -> Session:
    session = greeted(*carriers, **how)
    session.on(welcome(1, ack=Ack((), 5, credit)), 0.5)
    assert session.state == states.TALKING
    return session


GRANTED = Credit(CREDIT_BYTES, CREDIT_BATCHES, 0, CREDIT_GOOD_S)


def of(effects: list[do.Effect], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]
