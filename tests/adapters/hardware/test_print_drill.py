"""Exactly-once paper: a box prints while box, printer and print server are killed and paper runs out or jams."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.codecs.document_ticket import Ticket
from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom
from tests.adapters.hardware.document_room import document, print_room, wanted
from tests.adapters.hardware.paper_room import slip_of
from tests.adapters.hardware.print_box import DOCUMENTS, SLIPS
from tests.adapters.hardware.print_drill import (
    SEED,
    SITTINGS,
    Box,
    Drill,
    Tally,
    faults_of,
    judged,
    ledger_of,
    tell,
)
from tests.soak import SOAK


@dataclass
class Town:
    box: Box
    room: PrintRoom
    office: PaperPrinter
    belt: EscposPrinterTwin


@pytest.fixture
def town(tmp_path: Path, glyphs: Glyphs, request: pytest.FixtureRequest) -> Iterator[Town]:
    with print_room() as room:
        office = room.add_printer("office", side_s=0.03)
        room.add_queue("office", office)
        belt = EscposPrinterTwin(0, tmp_path / "belt", 384, glyphs)
        belt.start()
        lines = {DOCUMENTS: room.server, SLIPS: f"socket://127.0.0.1:{belt.port}"}
        box = Box(tmp_path, lines, request.config.rootpath)
        box.start()
        yield Town(box, room, office, belt)
        box.kill()
        belt.close()


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.config.rootpath / ".stamps" / "print-drill.jsonl" if SOAK else None, (DOCUMENTS, SLIPS))


@pytest.fixture
def rng(request: pytest.FixtureRequest, tally: Tally, sitting: int) -> random.Random:
    """Asked for before the town is built, which is spared where the sitting was had before."""
    if tally.has(request.function.__name__.removeprefix("test_"), sitting):
        pytest.skip("done in an earlier call")
    return random.Random(SEED + 1000 * sitting)


@pytest.mark.row("F11.1", "E05.5")
@pytest.mark.parametrize("sitting", SITTINGS)
def test_documents(
    rng: random.Random, town: Town, tally: Tally, sitting: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tickets: dict[str, Ticket] = {}

    def make(ref: str) -> bytes:
        pages = rng.randint(1, 5)
        sides = rng.choice(["one-sided", "one-sided", "two-sided-long-edge"])
        tickets[ref] = Ticket(pages, copies=rng.choice([1, 1, 1, 2]), sides=sides)
        return document(ref, tickets[ref])

    drill = Drill(town.box, DOCUMENTS, rng, make, 0.8, faults_of(sitting))
    office, room = town.office, town.room

    def power() -> None:
        office.power_off()
        drill.pause()
        office.power_on()

    def server() -> None:
        room.kill_server()
        drill.pause()
        room.start_server()

    def paper() -> None:
        office.paper_out(rng.randint(0, 1))
        drill.until_told("paper-out", office.load_paper)

    def jam() -> None:
        office.jam(rng.randint(0, 1))
        drill.until_told("jam", office.clear_jam)

    orders = drill.run({"box": drill.kill_box, "power": power, "server": server, "paper": paper, "jam": jam})
    town.box.close()
    sheets = [side for sheet in office.sheets for side in sheet["sides"] if side]
    doubts = judged(ledger_of(town.box.folder), orders, lambda ref: wanted(ref, tickets[ref]), sheets)
    tell(capsys, tally.add(DOCUMENTS, sitting, drill, len(orders), doubts))
    # Only a printer that lost its power can leave a doubt, and that one alone.
    assert doubts <= drill.struck["power"]


@pytest.mark.row("F10.12", "E05.5")
@pytest.mark.parametrize("sitting", SITTINGS)
def test_slips(
    rng: random.Random, town: Town, glyphs: Glyphs, tally: Tally, sitting: int, capsys: pytest.CaptureFixture[str]
) -> None:
    drill = Drill(town.box, SLIPS, rng, lambda ref: slip_of(ref, glyphs), 0.3, faults_of(sitting))
    belt = town.belt

    def power() -> None:
        belt.power_off()
        drill.pause()
        belt.power_on()

    def paper() -> None:
        belt.paper_out(rng.randint(0, 200))
        drill.until_told("paper-out", belt.load_paper)

    def cover() -> None:
        belt.cover_open()
        drill.until_told("cover-open", belt.cover_close)

    def jam() -> None:
        belt.jam()
        drill.until_told("cutter", belt.clear_jam)

    orders = drill.run({"box": drill.kill_box, "power": power, "paper": paper, "cover": cover, "jam": jam})
    town.box.close()
    came = [slip["text_lines"][0] for slip in belt.slips if slip["text_lines"]]
    doubts = judged(ledger_of(town.box.folder), orders, lambda ref: [ref], came)
    tell(capsys, tally.add(SLIPS, sitting, drill, len(orders), doubts))
    assert doubts <= drill.struck["power"] + drill.struck["box"]
