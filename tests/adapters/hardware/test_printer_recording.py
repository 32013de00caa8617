"""What was recorded at a printer holds nothing that was printed, and plays again into the same driver."""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hardware.codecs import tspl, zpl
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.label_printer import ZplTalk
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.printer_recorder import PrinterRecordings
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import ByteStream, Outcome, PrinterStatus
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.recorded_printer import RecordedPrinter
from hardware.twins.tspl_printer import TsplPrinterTwin
from hardware.twins.zpl_printer import ZplPrinterTwin
from sync.kernel.outcome import PeerFault
from sync.kernel.paper import Label
from tests.adapters.hardware.paper_room import slip_of

NAME, NUMBER = "欧阳静姝 Lan-Anh", "00123456"
LANGUAGES = ("escpos", "zpl", "tspl")
TALKS: dict[str, Callable[..., Any]] = {"escpos": EscposTalk, "zpl": ZplTalk, "tspl": TsplTalk}
WAITS = {"answer_s": 1.0, "silence_s": 3.0}


@dataclass
class Meddled:
    """A line at whose printer somebody does something just before a paper is sent."""

    stream: ByteStream
    meddle: list[Callable[[], object]]

    def read(self, timeout_s: float | None) -> bytes:
        return self.stream.read(timeout_s)

    def write(self, data: bytes) -> None:
        if len(data) > 30 and self.meddle:
            self.meddle.pop()()
        self.stream.write(data)

    def close(self) -> None:
        self.stream.close()


@dataclass
class Desk:
    """A printer's twin, a paper for it, and a driver whose line is written down."""

    language: str
    twin: Any
    paper: bytes
    path: Path
    recordings: PrinterRecordings
    meddle: list[Callable[[], object]] = field(default_factory=list)
    told: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        line = self.recordings.line(
            "shelf 1", self.language, lambda: Meddled(TcpStream("127.0.0.1", self.twin.port), self.meddle)
        )
        talk = TALKS[self.language]
        if self.language == "tspl":
            talk = partial(talk, draw=random.Random(7).random)
        self.printer = LinePrinter(line, talk, **WAITS)

    def look(self) -> PrinterStatus:
        status = self.printer.status()
        self.told.append(status)
        return status

    def print(self, attention: Callable[[str], object] = lambda reason: None) -> Outcome:
        outcome = self.printer.print_job(self.paper, attention)
        self.told.append(outcome)
        return outcome


@pytest.fixture(params=LANGUAGES)
def desk(request: pytest.FixtureRequest, tmp_path: Path, glyphs: Glyphs) -> Iterator[Desk]:
    label = Label(60, 40, (NUMBER, NAME, "2026-11-20"), f"{NUMBER}-2")
    twin, paper = {
        "escpos": lambda: (EscposPrinterTwin(0, tmp_path / "out", 384, glyphs), slip_of(f"{NAME} {NUMBER}", glyphs)),
        "zpl": lambda: (ZplPrinterTwin(0, tmp_path / "out"), zpl.encode_label(label, 203, glyphs.draw)),
        "tspl": lambda: (TsplPrinterTwin(0, tmp_path / "out"), tspl.encode_label(label, 203, glyphs.draw)),
    }[request.param]()
    twin.start()
    folder = tmp_path / "recordings"
    recordings = PrinterRecordings(str(folder), time.monotonic)
    yield Desk(request.param, twin, paper, folder / f"shelf-1.{request.param}.jsonl", recordings)
    recordings.close()
    twin.close()


def a_day(desk: Desk) -> None:
    """Printed, out of paper before and in the middle, and without power before and in the middle."""
    assert desk.look() == PrinterStatus("ready")
    assert desk.print() == Outcome("confirmed")
    desk.twin.paper_out()
    assert desk.look() == PrinterStatus("attention", "paper-out", near_end=desk.language == "escpos")
    desk.twin.load_paper()
    desk.meddle.append(desk.twin.paper_out)
    assert desk.print(lambda reason: desk.twin.load_paper()) == Outcome("confirmed")
    desk.meddle.append(desk.twin.paper_out)
    assert desk.print(lambda reason: desk.twin.power_off()) == Outcome("unknown", "gone")
    assert desk.look() == PrinterStatus("attention", "gone")
    assert desk.print() == Outcome("failed", "gone")


@pytest.mark.row("E05.5")
def test_a_day_plays_again(desk: Desk) -> None:
    a_day(desk)
    replayed = RecordedPrinter(desk.path)
    talk = TALKS[replayed.language]
    if desk.language == "tspl":
        talk = partial(talk, draw=replayed.draw)
    printer = LinePrinter(replayed.open_stream, talk, **WAITS, mono_s=replayed.mono_s)
    began = time.process_time()
    told = [printer.status() if size is None else printer.print_job(bytes(size)) for size in replayed.papers]
    assert told == desk.told[:-1], "the last opening was like the one before it, and is not in the recording"
    assert time.process_time() - began < 1.0


def test_nothing_that_was_printed_is_written(desk: Desk) -> None:
    a_day(desk)
    written = desk.path.read_text("ascii")
    assert desk.path.stat().st_mode & 0o077 == 0
    entries = [json.loads(line) for line in written.splitlines()]
    assert {entry["paper"] for entry in entries if "paper" in entry} == {len(desk.paper)}
    assert {entry["no"] for entry in entries if "paper" in entry} == {1}, "known as the same paper"
    told = b"".join(bytes.fromhex(entry.get("from", "")) for entry in entries)
    assert max(len(bytes.fromhex(entry["to"])) for entry in entries if "to" in entry) < 20
    assert NUMBER.encode() not in told
    for at in range(len(desk.paper) - 8):
        piece = desk.paper[at : at + 8]
        assert set(piece) <= set(b"01,") or (piece not in told and piece.hex() not in written)


def test_a_line_that_echoes_brings_no_paper_in(desk: Desk) -> None:
    """Local echo is how a serial line is often left."""

    class Echo:
        def __init__(self) -> None:
            self.held = b""

        def read(self, timeout_s: float | None) -> bytes:
            piece, self.held = self.held[:5], self.held[5:]
            return piece

        def write(self, data: bytes) -> None:
            self.held += data

        def close(self) -> None:
            pass

    stream = desk.recordings.line("shelf 2", desk.language, Echo)()
    for _ in range(3):
        stream.write({"escpos": b"\x10\x04\x02", "zpl": zpl.ASK_STATUS, "tspl": tspl.ASK_STATUS}[desk.language])
    stream.write(f"{NAME} {NUMBER}".encode("gb18030") + desk.paper)
    while stream.read(0.0):
        pass
    stream.close()
    entries = [json.loads(line) for line in desk.path.with_stem(f"shelf-2.{desk.language}").read_text().splitlines()]
    kept = b"".join(bytes.fromhex(entry.get("from", "")) for entry in entries)
    assert len(kept) <= 4, kept


def test_what_is_asked_otherwise_is_another_recording(desk: Desk) -> None:
    desk.look()
    stream = RecordedPrinter(desk.path).open_stream()
    with pytest.raises(PeerFault, match=r"recording\.order"):
        stream.write(b"?")


def test_a_printer_at_rest_fills_no_disk(desk: Desk) -> None:
    for _ in range(50):
        assert desk.printer.status().state == "ready"
    small = desk.path.stat().st_size
    desk.twin.paper_out()
    assert desk.printer.status().state == "attention"
    assert small < 1000
    told = [json.loads(line).get("same") for line in desk.path.read_text("ascii").splitlines()]
    assert [same for same in told if same] == [49]
