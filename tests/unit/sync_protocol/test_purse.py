"""Bulk facts wait for the hub's credit, live ones never; who was told when to come again comes again then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.kernel import canonical
from sync.kernel.ids import BULK, LIVE
from sync.kernel.limits import CREDIT_ASK_S, CREDIT_BATCHES, CREDIT_BYTES
from sync.protocol import events as do
from sync.protocol import message, states
from sync.protocol.ack import Ack, Credit
from sync.protocol.config import Config
from sync.protocol.hello import Welcome
from sync.protocol.session import Session

ME = 7
HUB_MS = 1_763_600_000_000
BACKLOG = (do.OwnStream(3, BULK, 5000, 0),)


def heard(kind: int, body: Mapping[int, Any]) -> do.Received:
    said = canonical.decode(canonical.encode(body))
    return do.Received(message.Message(kind, "hub-b4l8r3yz", "courier-a3k7q2xw", bytes(8), 1, said), b"raw")


def credit(batches: int, wait_ms: int = 0, good_for_s: int = 60) -> Credit:
    return Credit(CREDIT_BYTES if batches else 0, batches, HUB_MS + wait_ms, good_for_s)


def ack(told: Credit | None, hub_ms: int = HUB_MS) -> do.Received:
    return heard(message.ACK, Ack((), hub_ms << 16, told).body())


def welcome(number: int, told: Credit | None) -> do.Received:
    return heard(message.WELCOME, Welcome((ME, number), Ack((), HUB_MS << 16, told)).body())


def welcomed(told: Credit | None, streams: tuple[do.OwnStream, ...] = BACKLOG) -> tuple[Session, list[do.Effect]]:
    session = Session(Config(ME, ("mqtt",), lambda: 0.5))
    session.on(do.Started(streams, 1), 0.0)
    session.on(do.Tick(), 0.3)
    session.on(do.CarrierUp("mqtt"), 0.3)
    effects = session.on(welcome(1, told), 1.0)
    assert session.state == states.TALKING
    return session, effects


def cuts(session: Session, effects: list[do.Effect], at_s: float, size: int = 20_000) -> int:
    """How many batches leave when each has `size` bytes."""
    count = 0
    while found := [effect for effect in effects if isinstance(effect, do.CutAndSend)]:
        cut = found[0]
        count += 1
        effects = session.on(do.BatchCut(cut.incarnation, cut.lane, cut.first, cut.first + 499, size), at_s)
    return count


def test_bulk_facts_leave_by_credit_and_no_further() -> None:
    session, effects = welcomed(credit(CREDIT_BATCHES))
    assert cuts(session, effects, 1.0) == CREDIT_BATCHES


def test_bytes_bound_what_is_on_the_way_as_batches_do() -> None:
    session, effects = welcomed(credit(64))
    assert cuts(session, effects, 1.0, size=CREDIT_BYTES // 2 + 1) == 2


def test_who_is_told_to_wait_asks_at_that_time_and_a_little_later() -> None:
    session, effects = welcomed(credit(0, wait_ms=10_000))
    assert cuts(session, effects, 1.0) == 0
    assert session.wakes_at_s == 12.0, "10 s and half of the fifth that jitter may add"
    assert [type(effect) for effect in session.on(do.Tick(), 12.0)] == [do.SendHello]


def test_a_turn_that_comes_earlier_is_taken_at_once() -> None:
    session, _ = welcomed(credit(0, wait_ms=10_000))
    assert cuts(session, session.on(ack(credit(CREDIT_BATCHES), HUB_MS + 50), 1.1), 1.1) == CREDIT_BATCHES


def test_an_older_word_does_not_take_the_turn_back() -> None:
    session, _ = welcomed(None)
    session.on(ack(credit(0, wait_ms=5_000), HUB_MS - 1), 1.1)
    assert cuts(session, session.on(ack(credit(2), HUB_MS + 50), 1.2), 1.2) == 2
    assert cuts(session, session.on(ack(credit(0), HUB_MS + 40), 1.3), 1.3) == 0
    assert session.wakes_at_s > 1.3, "two are on the way and the newest word stands"


def test_credit_that_was_not_used_in_time_is_asked_for_again() -> None:
    session, _ = welcomed(credit(CREDIT_BATCHES, good_for_s=60), streams=())
    session.on(do.FactCommitted(ME, BULK, 1), 70.0)
    assert [type(effect) for effect in session.on(do.Tick(), 70.2)] == [do.SendHello]


def test_a_hub_that_says_nothing_is_asked_again_later_and_not_in_a_loop() -> None:
    session, effects = welcomed(None)
    assert [effect.number for effect in effects if isinstance(effect, do.SendHello)] == [2]
    session.on(welcome(2, None), 1.5)
    assert session.wakes_at_s == 1.0 + CREDIT_ASK_S


def test_a_live_fact_never_waits_for_credit() -> None:
    session, _ = welcomed(credit(0, wait_ms=60_000))
    effects = session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    assert [effect.lane for effect in effects if isinstance(effect, do.CutAndSend)] == [LIVE]


def test_a_cut_line_is_called_again_at_the_hubs_time_unless_a_live_fact_waits() -> None:
    session, _ = welcomed(credit(0, wait_ms=10_000))
    session.on(do.CarrierDown("mqtt"), 2.0)
    assert session.wakes_at_s == 12.0
    assert session.on(do.Tick(), 3.0) == []
    effects = session.on(do.FactCommitted(ME, LIVE, 1), 4.0)
    assert do.Connect("mqtt") in effects
