"""A passport reader on a serial server: zones line by line, at once, in halves, spoilt."""

import datetime
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from hardware.drivers.identity_reader import ZoneCollector, zone_reader
from hardware.drivers.identity_recorder import add_zone
from hardware.drivers.reading_desk import OPEN, Reading, ReadingDesk
from hardware.drivers.recording_file import RecordingFile
from hardware.ports import Scan
from hardware.transports.tcp import TcpStream
from hardware.twins.hid_gun import HidGunTwin
from hardware.twins.recorded_reader import recorded_zones
from hardware.twins.serial_gun import SerialGunTwin
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0
TODAY = datetime.date(2026, 11, 28)
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\rL898902C36UTO7408122F1204159ZE184226B<<<<<10\r"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\r7408122F1204159UTO<<<<<<<<<<<6\rERIKSSON<<ANNA<MARIA<<<<<<<<<<\r"


class Room:
    """A twin, the driver over it, and the turns of its readings."""

    def __init__(self) -> None:
        self.twin = SerialGunTwin()
        self.twin.start()
        self.changed = threading.Condition()
        self.told: list[tuple[str, str]] = []
        self.desk = ReadingDesk("passports", time.monotonic, self._tell)
        self._reader = zone_reader(lambda: TcpStream("127.0.0.1", self.twin.port), self.desk, lambda: TODAY)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.twin.wait_connected()

    def _tell(self, reading: Reading) -> None:
        with self.changed:
            self.told.append((reading.state, reading.code))
            self.changed.notify_all()

    def _run(self) -> None:
        with pytest.raises(Unavailable):
            self._reader.run(lambda: None)

    def wait_told(self, state: str, code: str) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: (state, code) in self.told, PATIENCE_S)

    def end(self) -> Reading:
        found = self.desk.look("r1", PATIENCE_S)
        assert found is not None and found.state not in OPEN, found
        return found

    def close(self) -> None:
        self._reader.close()
        self._thread.join(PATIENCE_S)
        self.twin.close()


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.close()


@pytest.mark.row("I06.2")
@pytest.mark.parametrize("sent", [TD3, TD1, TD3.replace("\r", "\r\n"), TD3.replace("\r", "") + "\r", TD1.lower()])
def test_a_zone_is_read_as_readers_send_it(room: Room, sent: str) -> None:
    room.desk.ask("r1", "u-wen", PATIENCE_S)
    room.twin.send(sent.encode())
    read = room.end()
    assert read.document is not None and read.document.name == "ERIKSSON ANNA MARIA"
    assert (read.document.source, read.document.birth_on) == ("mrz", datetime.date(1974, 8, 12))


@pytest.mark.row("I06.2")
@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (TD3.replace("L898902C3", "L898902C8"), "identity.check-digit"),
        ("张三\r", "identity.zone-form"),
        (TD3[:30] + "\r" + TD3[30:], "identity.zone-form"),
        ("\xff\x00" * 20 + "\r", "scan.control-characters"),
    ],
)
def test_a_spoilt_zone_is_told_and_the_next_is_read(room: Room, spoilt: str, code: str) -> None:
    room.desk.ask("r1", "u-wen", PATIENCE_S)
    room.twin.send(spoilt.encode())
    assert room.wait_told("waiting", code)
    room.twin.send(TD3.encode())
    assert room.end().state == "done"


def test_lines_of_another_zone_in_front_do_no_harm(room: Room) -> None:
    room.desk.ask("r1", "u-wen", PATIENCE_S)
    room.twin.send((TD1.split("\r")[0] + "\r" + TD3).encode())
    assert room.end().state == "done"


def collector() -> tuple[ZoneCollector, ReadingDesk, list[float]]:
    now = [100.0]
    desk = ReadingDesk("passports", lambda: now[0], lambda reading: None)
    return ZoneCollector(desk, lambda: TODAY, lambda: now[0]), desk, now


def lines_of(zone: str) -> list[Scan]:
    return [Scan(line, line.encode(), "passports", None, True) for line in zone.split("\r") if line]


def test_what_nobody_asked_for_is_let_go() -> None:
    lines, desk, _ = collector()
    for scan in [*lines_of(TD3), *lines_of("x\r")]:
        lines.take(scan)
    desk.ask("r1", "u-wen", PATIENCE_S)
    for scan in lines_of(TD1):
        lines.take(scan)
    read = desk.look("r1")
    assert read is not None and read.document is not None and read.document.edition == "TD1"


def test_a_recording_is_of_nobody_and_plays_again(tmp_path: Path) -> None:
    path, now = tmp_path / "zones.jsonl", [100.0]
    sent = [TD3, TD1, TD3.replace("L898902C3", "L898902C8"), "ANNA\r", TD3.replace("P<UTO", "P<XYZ")]

    def codes(texts: Iterable[str], record: Callable[[Sequence[str], str], None]) -> list[str]:
        found = []
        for text in texts:
            told: list[Reading] = []
            desk = ReadingDesk("passports", lambda: now[0], told.append)
            lines = ZoneCollector(desk, lambda: TODAY, lambda: now[0], record=record)
            desk.ask("r1", "u-wen", PATIENCE_S)
            for scan in lines_of(text):
                lines.take(scan)
            found.append(told[-1].code or told[-1].state)
        return found

    file = RecordingFile(path, lambda: now[0])
    live = codes(sent, partial(add_zone, file))
    file.close()
    assert live == ["done", "done", "identity.check-digit", "identity.zone-form", "identity.country"]
    held = path.read_text()
    assert not any(secret in held for secret in ("ERIKSSON", "ANNA", "L898902", "D231458", "740812", "ZE184226B"))
    assert codes(recorded_zones(path), lambda lines, code: None) == live


def test_half_a_zone_is_forgotten_after_a_while() -> None:
    lines, desk, now = collector()
    desk.ask("r1", "u-wen", PATIENCE_S)
    first, second = lines_of(TD3)
    lines.take(first)
    now[0] += 2.5
    lines.take(second)
    read = desk.look("r1")
    assert read is not None and read.state == "waiting"
    lines.take(first)
    lines.take(second)
    read = desk.look("r1")
    assert read is not None and read.state == "done"


TRIES = 5
LISTENER = """
import datetime, sys, time
from hardware.drivers.identity_reader import zone_reader
from hardware.drivers.identity_recorder import add_zone
from hardware.drivers.recording_file import RecordingFile
from hardware.drivers.reading_desk import ReadingDesk
from hardware.transports.evdev_input import InputStream
from sync.kernel.outcome import Unavailable
def told(reading):
    print(reading.state, reading.document.number if reading.document else reading.code, flush=True)
    if reading.state == "done":
        reader.close()
desk = ReadingDesk("passports", time.monotonic, told)
node = sys.argv[1]
reader = zone_reader(lambda: InputStream(node), desk, lambda: datetime.date(2026, 11, 28), typed=True)
desk.ask("r1", "u-wen", 60.0)
try:
    reader.run(lambda: None)
except Unavailable as fault:
    print(fault.code, flush=True)
"""


@pytest.mark.row("I06.2")
def test_a_reader_that_types_is_grabbed_and_read(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A machine that stands still in mid-line cuts it; then the person lays the passport down once more."""
    listener = tmp_path / "listener.py"
    listener.write_text(LISTENER, encoding="utf-8")
    twin = HidGunTwin(tmp_path / "reader")
    command = twin.command(TD3.strip().split("\r") * TRIES, [sys.executable, str(listener), twin.node])
    environment = {**os.environ, "PYTHONPATH": str(request.config.rootpath)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    first, *stumbled, last, closed = done.stdout.splitlines()
    assert (first, last, closed) == ("waiting ", "done L898902C3", "device.closed"), done.stderr
    assert all(each.startswith("waiting identity.") for each in stumbled) and len(stumbled) < TRIES
