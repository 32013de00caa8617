"""The broker goes in the middle of a drain: restarted, killed, wiped, replaced. Nothing of it was ever counted on."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from hub.link.mqtt_ingest import MqttIngest
from provisioning.trust.broker import Broker
from provisioning.trust.ca import issue, key_pem, make_tls_key
from sync.adapters.clock import SystemClock
from sync.adapters.keys import write_whole
from sync.kernel.fact import NewFact
from tests.adapters.links.conftest import HUB, World, free_port
from tests.waiting import until

FACTS = 4000
PATIENCE_S = 60.0
PIECE_BYTES, PIECE_EVERY_S = 4 * 1024, 0.04
"""100 kB/s up: slow enough that a drain has a middle."""


class Switch:
    """A port that leads to whatever broker there is now."""

    def __init__(self, port: int) -> None:
        self.to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                for a, b, slow_s in ((near, far, PIECE_EVERY_S), (far, near, 0.0)):
                    threading.Thread(target=self._pump, args=(a, b, slow_s), daemon=True).start()

    def _pump(self, a: socket.socket, b: socket.socket, slow_s: float) -> None:
        with contextlib.suppress(OSError):
            while piece := a.recv(PIECE_BYTES):
                b.sendall(piece)
                time.sleep(slow_s * len(piece) / PIECE_BYTES)
        for each in (a, b):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()


class Keeping(Broker):
    """A broker that somebody told to keep things on its disk."""

    def _write_files(self) -> None:
        super()._write_files()
        kept = f"persistence true\npersistence_location {self.store}/\nautosave_interval 1"
        self.store.mkdir(exist_ok=True, mode=0o700)
        write_whole(self._conf, self._conf.read_text().replace("persistence false", kept).encode())

    @property
    def store(self) -> Path:
        return self.listener.folder / "kept"


def kill(broker: Broker) -> None:
    assert broker._process is not None
    os.kill(broker._process.pid, signal.SIGKILL)
    broker._process.wait()


def another(world: World, like: Broker) -> Broker:
    """One with another key, another certificate of the same authority, another port and nothing on its disk."""
    folder = world.folder / "other-broker"
    folder.mkdir()
    key = make_tls_key()
    leaf = issue(world.root, key.public_key(), HUB, SystemClock().wall_ms(), hosts=["localhost", "127.0.0.1", HUB])
    write_whole(folder / "server.crt", leaf.public_bytes(serialization.Encoding.PEM))
    write_whole(folder / "server.key", key_pem(key))
    listener = replace(
        like.listener, folder=folder, certificate=folder / "server.crt", key=folder / "server.key", port=free_port()
    )
    made = Broker(listener, like.rules)
    world.closers.append(made.stop)
    return made


@pytest.mark.row("F10.14")
def test_a_drain_survives_its_broker_again_and_again(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.broker.stop()
    broker = Keeping(replace(world.broker.listener, folder=world.folder / "keeping"), world.broker.rules)
    broker.start()
    world.closers.append(broker.stop)
    world.broker = broker
    switch = Switch(broker.port)
    world.closers.append(switch.close)
    world.ingest.stop()
    worker = f"{HUB}.w1"
    world.ingest = MqttIngest(
        worker, "127.0.0.1", switch.port, world.tls(worker),
        door=world.door, voice=world.voice, post=world.post, digester=world.digester,
    )  # fmt: skip
    world.ingest.start()
    box = world.box_at(switch.port)
    until(box.drained)
    node, draw = box.machine.node, random.Random(1)
    with box.store.write() as unit:
        for _ in range(FACTS):
            unit.append(NewFact(120, 50, node, {1: f"note.{draw.randbytes(12).hex()}", 5: True}))

    def restart() -> None:
        broker.restart()

    def kill_and_start() -> None:
        kill(broker)
        assert broker.keep_running()

    def wipe() -> None:
        kill(broker)
        shutil.rmtree(broker.store)
        assert broker.keep_running()

    def swap() -> None:
        other = another(world, broker)
        broker.stop()
        switch.to = other.port
        other.start()

    acts: list[tuple[str, Callable[[], None]]] = [
        ("restarted", restart), ("killed", kill_and_start), ("wiped", wipe), ("swapped", swap),
    ]  # fmt: skip
    told = []
    for n, (name, act) in enumerate(acts, 1):
        until(lambda n=n: world.facts_held(node) >= n * FACTS // 6, PATIENCE_S)
        act()
        held, began = world.facts_held(node), time.monotonic()
        assert held < FACTS, f"{name}: it was to happen in the middle"
        until(lambda held=held: world.facts_held(node) > held, PATIENCE_S)
        told.append(f"{name} {time.monotonic() - began:.1f} s")
    until(box.drained, PATIENCE_S)
    written, signed = box.ledger()
    assert written == signed == FACTS + 1
    with world.hub.read() as conn:
        rows = conn.execute("SELECT l.seq FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ?", (node,))
        assert sorted(seq for (seq,) in rows.fetchall()) == list(range(1, FACTS + 2)), "each once"
        assert conn.execute("SELECT count(*) FROM stream WHERE state <> 0").fetchone()[0] == 0
    with box.store.write() as unit:
        unit.append(NewFact(120, 50, node, {1: "note.last", 5: True}))
    until(box.drained, PATIENCE_S)
    with capfd.disabled():
        print(f"\n  facts go on after the broker was {', '.join(told)}", end="")
    assert "bug in" not in capfd.readouterr().err
