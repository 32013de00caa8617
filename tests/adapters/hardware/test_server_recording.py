"""What was recorded of printers behind a real cupsd holds nothing that was printed, and plays into the same driver."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hardware.codecs.document_ticket import Ticket
from hardware.drivers.cups_client import CupsClient, PrintServer
from hardware.drivers.document_printer import DocumentPrinter
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.printer_recorder import PrinterRecordings
from hardware.ports import Job, Outcome, PrinterStatus, TracedPrinter
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom
from hardware.twins.recorded_server import RecordedServer
from sync.kernel.outcome import PeerFault
from tests.adapters.hardware.document_room import came_out, document, print_room, wall_ms
from tests.adapters.hardware.paper_room import slip_of, titles

NAME, NUMBER = "欧阳静姝", "00123456"
PATIENCE_S = 30.0


@dataclass
class House:
    room: PrintRoom
    office: PaperPrinter
    belt: EscposPrinterTwin


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, glyphs: Glyphs) -> Iterator[House]:
    belt = EscposPrinterTwin(0, tmp_path_factory.mktemp("belt"), 384, glyphs)
    belt.start()
    with print_room() as room:
        office = room.add_printer("office", side_s=0.02)
        room.add_queue("office", office)
        room.add_raw_queue("belt", f"once:/socket://127.0.0.1:{belt.port}/?waiteof=false")
        yield House(room, office, belt)
    belt.close()


@dataclass
class Desk:
    """A printer whose talk is written down, and what its driver told."""

    path: Path
    recordings: PrinterRecordings
    printer: TracedPrinter
    told: list[tuple[str, ...]] = field(default_factory=list)

    def look(self) -> PrinterStatus:
        status = self.printer.status()
        self.told.append((status.state, status.reason))
        return status

    def print(self, job: Job, attention: Callable[[str], object] = lambda reason: None) -> Outcome:
        outcome = self.printer.print_traced(job, attention, lambda trail: None)
        self.told.append((outcome.kind, outcome.reason))
        return outcome

    def written(self) -> str:
        self.recordings.close()
        return self.path.read_text("ascii")


def desk_at(room: PrintRoom, folder: Path, queue: str, *, raw: bool) -> Desk:
    def make(server: PrintServer) -> DocumentPrinter:
        return DocumentPrinter(server, queue, counts=not raw, raw=raw, wall_ms=wall_ms, look_s=0.05)

    recordings = PrinterRecordings(str(folder), time.monotonic)
    client = CupsClient(room.server)
    printer = recordings.server(queue, client, make, counts=not raw, raw=raw, wall_ms=wall_ms())
    return Desk(folder / f"{queue}.cups.jsonl", recordings, printer)


def play(path: Path) -> list[tuple[str, ...]]:
    """What the driver says to the recording."""
    server = RecordedServer(path)
    printer = DocumentPrinter(
        server, path.name.partition(".")[0], counts=server.counts, raw=server.raw, wall_ms=server.wall_ms, look_s=0.0
    )
    told: list[tuple[str, ...]] = []
    for call in server.calls:
        if call.job is None:
            status = printer.status()
            told.append((status.state, status.reason))
        else:
            outcome = printer.print_traced(call.job, lambda reason: None, lambda trail: None)
            told.append((outcome.kind, outcome.reason))
    return told


@pytest.mark.row("E05.5")
def test_a_raw_queue_is_written_down_and_plays_again(house: House, tmp_path: Path, glyphs: Glyphs) -> None:
    desk = desk_at(house.room, tmp_path / "recordings", "belt", raw=True)
    slip = slip_of(f"{NAME} {NUMBER}", glyphs)
    house.belt.paper_out()
    told: list[str] = []
    assert desk.look() == PrinterStatus("ready")
    loads = threading.Timer(0.7, house.belt.load_paper)
    loads.start()
    assert desk.print(Job("j1", "belt", slip), told.append) == Outcome("confirmed", "handed-over")
    loads.join()
    house.room.kill_server()
    assert desk.look() == PrinterStatus("attention", "server-gone")
    house.room.start_server()
    assert desk.print(Job("j2", "belt", slip)) == Outcome("confirmed", "handed-over")
    assert house.belt.wait_slips(2, PATIENCE_S) and titles(house.belt) == [f"{NAME} {NUMBER}"] * 2
    written = desk.written()
    entries = [json.loads(line) for line in written.splitlines()]
    assert [(entry["paper"], entry["no"]) for entry in entries if "paper" in entry] == [(len(slip), 1)] * 2
    assert NUMBER not in written and "127.0.0.1" not in written
    for at in range(0, len(slip) - 8, 4):
        assert slip[at : at + 8].hex() not in written
    assert desk.path.stat().st_mode & 0o077 == 0
    began = time.process_time()
    assert play(desk.path) == desk.told
    assert time.process_time() - began < 1.0


@pytest.mark.row("E05.5")
def test_a_document_that_ran_out_of_paper_plays_again(house: House, tmp_path: Path) -> None:
    desk = desk_at(house.room, tmp_path / "recordings", "office", raw=False)
    key = f"{NUMBER}x"
    ticket = Ticket(3, ranges=((1, 1), (3, 3)), copies=2)
    house.office.paper_out(1)

    def attention(reason: str) -> None:
        if reason == "paper-out":
            house.office.load_paper()

    assert desk.look() == PrinterStatus("ready")
    assert desk.print(Job("d1", "office", document(key, ticket)), attention) == Outcome("confirmed")
    assert len(came_out(house.office, key)) == 4
    written = desk.written()
    assert NUMBER not in written and "localhost" not in written
    assert play(desk.path) == desk.told


def test_a_printer_at_rest_fills_no_disk(house: House, tmp_path: Path) -> None:
    desk = desk_at(house.room, tmp_path / "recordings", "office", raw=False)
    for _ in range(30):
        assert desk.look() == PrinterStatus("ready")
    written = desk.written()
    assert [entry["same"] for entry in map(json.loads, written.splitlines()) if "same" in entry] in ([29], [28])
    assert len(written) < 2000
    assert play(desk.path) == desk.told


def test_what_is_asked_otherwise_is_another_recording(house: House, tmp_path: Path) -> None:
    desk = desk_at(house.room, tmp_path / "recordings", "belt", raw=True)
    desk.look()
    desk.written()
    with pytest.raises(PeerFault, match=r"recording\.order"):
        RecordedServer(desk.path).ask("queue", queue="office")
