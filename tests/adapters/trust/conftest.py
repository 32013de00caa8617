from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives import serialization
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.web.ports import free_port
from provisioning.trust.broker import Broker
from provisioning.trust.broker_rules import Listener, Rules
from provisioning.trust.ca import Authority, issue, key_pem, make_crl, make_root, make_tls_key
from sync.adapters.clock import SystemClock
from sync.adapters.keys import write_whole

PATIENCE_S = 20.0


class Client:
    """A paho client that writes down what it got; all waiting is bounded."""

    def __init__(self, port: int, tls: ssl.SSLContext, client_id: str) -> None:
        self.got: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.connected = threading.Event()
        self.lost = threading.Event()
        self.answered: queue.Queue[ReasonCode] = queue.Queue()
        self._subscribed = threading.Event()
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self.mqtt.tls_set_context(tls)
        self.mqtt.on_connect = lambda *_: self.connected.set()
        self.mqtt.on_disconnect = lambda *_: self.lost.set()
        self.mqtt.on_message = lambda _c, _u, message: self.got.put((message.topic, message.payload))
        self.mqtt.on_subscribe = lambda *_: self._subscribed.set()
        self.mqtt.on_publish = self._on_publish
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        assert self.connected.wait(PATIENCE_S), "no CONNACK"

    def _on_publish(self, _c: object, _u: object, _mid: int, code: ReasonCode, _p: Properties | None) -> None:
        self.answered.put(code)

    def subscribe(self, topic: str) -> None:
        self._subscribed.clear()
        self.mqtt.subscribe(topic, 1)
        assert self._subscribed.wait(PATIENCE_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> str:
        """The broker's word on it."""
        self.mqtt.publish(topic, payload, 1, retain)
        return str(self.answered.get(timeout=PATIENCE_S))

    def next(self) -> tuple[str, bytes]:
        return self.got.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


@dataclass
class Site:
    """A CA, a broker and the certificates of some machines, all in one temporary folder."""

    folder: Path
    root: Authority
    broker: Broker
    serials: dict[str, int]
    clients: list[Client]

    def tls(self, name: str, root: Authority | None = None) -> ssl.SSLContext:
        key = make_tls_key()
        leaf = issue(root or self.root, key.public_key(), name, SystemClock().wall_ms())
        self.serials[name] = leaf.serial_number
        pem = self.folder / f"{name}.pem"
        write_whole(pem, leaf.public_bytes(serialization.Encoding.PEM) + key_pem(key))
        context = ssl.create_default_context(cadata=self.root.certificate_pem.decode())
        context.load_cert_chain(pem)
        return context

    def client(self, name: str, *, tls: ssl.SSLContext | None = None, client_id: str | None = None) -> Client:
        client = Client(self.broker.port, tls or self.tls(name), name if client_id is None else client_id)
        self.clients.append(client)
        return client

    def withdraw(self, *serials: int) -> None:
        now_ms = SystemClock().wall_ms()
        write_whole(self.broker.listener.crl, make_crl(self.root, [(s, now_ms) for s in serials], 2, now_ms))


HUB = "hub-aaaaaaaa"
WORKER = f"{HUB}.w1"
ONE, TWO = "courier-aaaaaaaa", "courier-bbbbbbbb"
RULES = Rules(
    workers=frozenset({WORKER}),
    scopes={ONE: frozenset({"ward:W12", "site"}), TWO: frozenset({"ward:W7"})},
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    now_ms = SystemClock().wall_ms()
    root = make_root("test", now_ms)
    key = make_tls_key()
    leaf = issue(root, key.public_key(), HUB, now_ms, hosts=["localhost", "127.0.0.1", HUB])
    write_whole(tmp_path / "ca.crt", root.certificate_pem)
    write_whole(tmp_path / "server.crt", leaf.public_bytes(serialization.Encoding.PEM))
    write_whole(tmp_path / "server.key", key_pem(key))
    write_whole(tmp_path / "crl.pem", make_crl(root, [], 1, now_ms))
    listener = Listener(
        folder=tmp_path / "broker",
        ca=tmp_path / "ca.crt",
        certificate=tmp_path / "server.crt",
        key=tmp_path / "server.key",
        crl=tmp_path / "crl.pem",
        port=free_port(),
    )
    broker = Broker(listener, RULES)
    made = Site(tmp_path, root, broker, {}, [])
    broker.start()
    yield made
    for client in made.clients:
        client.close()
    broker.stop()
