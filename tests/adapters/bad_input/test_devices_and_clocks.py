"""A running box: what a gun, a socket or a wrong clock can bring, and the next good scan that must still be heard."""

from __future__ import annotations

import os
import random
import select
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliance.boot import Box
from hardware.twins.serial_gun import SerialGunTwin
from provisioning.bench import box as made
from sync.adapters.clock import SystemClock
from sync.domain.tracking import facts
from sync.kernel.codec import decode_fact
from tests.adapters.bad_input.hostile import SCANS

PATIENCE_S = 60.0


class Running:
    """A box in mid-round with its gun and its beeper."""

    def __init__(self, folder: Path, **settings: dict[str, Any]) -> None:
        os.mkfifo(folder / "tone", 0o600)
        self._tone = os.open(folder / "tone", os.O_RDWR | os.O_NONBLOCK)
        self.gun = SerialGunTwin()
        self.gun.start()
        made.make_box(folder, records=10, guns=[self.gun.url], tone=str(folder / "tone"), **settings)
        self.box = Box(folder, {})
        self.base_url = self.box.start()
        assert isinstance(self.box.collecting.open_round(made.WARD, made.COURIER), str)
        assert self.gun.wait_connected(PATIENCE_S)

    def until_heard(self, word: str) -> list[str]:
        """Every tone up to and with `word`."""
        words: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while word not in words:
            assert time.monotonic() < deadline, f"never heard {word}, only {words}"
            select.select([self._tone], [], [], 0.1)
            try:
                words += os.read(self._tone, 65536).decode().split()
            except BlockingIOError:
                continue
        return words

    def facts(self) -> int:
        with self.box.store.read() as conn:
            return int(conn.execute("SELECT count(*) FROM log").fetchone()[0])

    def newest(self) -> Any:
        with self.box.store.read() as conn:
            rows = conn.execute("SELECT fact FROM log WHERE status = 0").fetchall()
        return max((fact for row in rows if (fact := decode_fact(row[0])).kind == facts.COLLECTED), key=lambda f: f.hlc)

    def tallied(self) -> int:
        with self.box.store.read() as conn:
            return int(conn.execute("SELECT coalesce(sum(n), 0) FROM tally").fetchone()[0])

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=PATIENCE_S) as answer:
            return bool(answer.status == 200)

    def close(self) -> None:
        self.box.close()
        self.gun.close()
        os.close(self._tone)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    made_: list[Running] = []

    def make(**settings: dict[str, Any]) -> Running:
        made_.append(Running(tmp_path, **settings))
        return made_[-1]

    yield make
    for one in made_:
        one.close()


@pytest.mark.row("A05.10")
def test_nothing_of_a_bad_scan_stays_but_a_number(running: Callable[..., Running]) -> None:
    site = running()
    before, tallied = site.facts(), site.tallied()
    for raw in SCANS:
        site.gun.send(raw + b"\r")
    site.gun.scan(made.record_no(0))
    heard = site.until_heard("one-high")
    assert heard[-1] == "one-high" and set(heard[:-1]) <= {"three-low"}
    assert site.facts() - before <= 2, "the live lane's opening and the one good scan"
    assert site.tallied() - tallied >= len(SCANS) // 2, "refusals are counted"
    with site.box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM custody_taken").fetchone()[0] == 1
    assert site.healthy()


@pytest.mark.row("H35.8")
@pytest.mark.parametrize("year", [1970, 2100])
def test_a_wrong_clock_refuses_no_scan(running: Callable[..., Running], year: int) -> None:
    # 2100 is where no stamp may go any more; sixty days lie well within either year.
    wanted_ms = int(datetime(year, 3, 1, tzinfo=UTC).timestamp() * 1000)
    site = running(node={"clock_offset_s": (wanted_ms - SystemClock().wall_ms()) / 1000})
    for n in range(3):
        site.gun.scan(made.record_no(n))
        site.until_heard("one-high")
    fact = site.newest()
    assert fact.clock == 0, "marked: this clock is not believed"
    assert fact.at_ms < 2**47 and site.healthy()
    with site.box.store.read() as conn:
        stamps = [row[0] for row in conn.execute("SELECT hlc FROM stream WHERE own = 1 AND lane = 1")]
    assert stamps and all(0 < stamp < 2**63 for stamp in stamps), "stamps rise from what this box believed last"


@contextmanager
def line_to(site: Running) -> Iterator[socket.socket]:
    parts = urlsplit(site.base_url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=PATIENCE_S) as line:
        yield line


def test_noise_on_the_screens_port_costs_only_its_own_line(running: Callable[..., Running]) -> None:
    site, rng = running(), random.Random(7)
    noise = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(500),
        rng.randbytes(4096),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"/" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n{",
        b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: nonsense\r\n\r\n{",
        b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\r\n" * 1000,
        b"",
    ]
    for raw in noise:
        with line_to(site) as line:
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while more := line.recv(65536):
                    answer += more
            except ConnectionResetError:
                pass  # a line may end in the middle of nonsense
        # 505 is the standard's own answer to a version that nobody speaks (RFC 9110, 15.6.6).
        assert not answer.startswith(b"HTTP/1.1 5") or answer.startswith(b"HTTP/1.1 505"), (raw[:60], answer[:200])
        assert b"Traceback" not in answer
    assert site.healthy()
