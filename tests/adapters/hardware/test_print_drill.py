"""Exactly-once paper: a box prints while box, printer and print server are killed and paper runs out or jams.

The judge reads what came out of the printers, by the key on each page or slip, and the ledger; nothing else.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hardware.codecs.document_ticket import Ticket
from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom
from sync.adapters.sqlite_log.connection import connect
from tests.adapters.hardware import print_box
from tests.adapters.hardware.document_room import document, print_room, wanted
from tests.adapters.hardware.paper_room import slip_of
from tests.adapters.hardware.print_box import DOCUMENTS, SLIPS
from tests.soak import SOAK, many

FAULTS = int(os.environ.get("WAYSTATION_SOAK_PRINT_FAULTS") or many(10, 200))
"""For each of the two printers."""
SITTING = 25 if SOAK else FAULTS
"""So many faults meet one print room; the next sitting has a fresh one, and a long run can go on where it ended."""
SITTINGS = range(-(-FAULTS // SITTING))
JOBS_EACH = 20 if SOAK else 4
"""One job of so many meets a fault."""
SEED = int(os.environ.get("WAYSTATION_SEED", "20261128"))
PATIENCE_S = 90.0
ENDED = ("confirmed", "failed", "uncertain")


@dataclass
class Box:
    """The program under test; `states` is what it told of its ledger."""

    command: list[str]
    environ: dict[str, str]
    orders: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    device: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Also orders again what the last life did not write down."""
        self.process = subprocess.Popen(
            self.command, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout is not None
        known = json.loads(self.process.stdout.readline())["ledger"]
        with self.changed:
            self.states = dict(known)
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
        for ref in self.orders.keys() - known.keys():
            self._send(ref)

    def _listen(self, told: Iterator[str]) -> None:
        for line in told:
            what = json.loads(line)
            with self.changed:
                if "ref" in what:
                    self.states[what["ref"]] = what["state"]
                else:
                    self.device[what["device"]] = what["reason"]
                self.changed.notify_all()

    def order(self, ref: str, printer: str, file: Path) -> None:
        self.orders[ref] = {"ref": ref, "printer": printer, "file": str(file)}
        self._send(ref)

    def _send(self, ref: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps(self.orders[ref]) + "\n")

    def wait(self, true: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
        with self.changed:
            return self.changed.wait_for(true, within_s)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Told to end, it ends."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)


@dataclass
class Town:
    folder: Path
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
        command = [sys.executable, print_box.__file__, str(tmp_path), room.server, str(belt.port)]
        box = Box(command, {**os.environ, "PYTHONPATH": str(request.config.rootpath)})
        box.start()
        yield Town(tmp_path, box, room, office, belt)
        box.kill()
        belt.close()


class Drill:
    """Orders in handfuls; a fault strikes while one of them prints, at a moment drawn."""

    def __init__(
        self, town: Town, printer: str, rng: random.Random, make: Callable[[str], bytes], job_s: float, faults: int
    ) -> None:
        self._town = town
        self._faults = faults
        self._box = town.box
        self._printer = printer
        self._rng = rng
        self._make = make
        self._job_s = job_s
        self.struck: Counter[str] = Counter()

    def run(self, faults: dict[str, Callable[[], None]]) -> list[str]:
        """Every order, in the end; all of them have come to an end."""
        refs: list[str] = []
        kinds = sorted(faults) * -(-self._faults // len(faults))
        self._rng.shuffle(kinds)
        for n, fault in enumerate(kinds[: self._faults]):
            handful = [f"{self._printer[0]}{n}-{k}" for k in range(JOBS_EACH)]
            for ref in handful:
                file = self._town.folder / ref
                file.write_bytes(self._make(ref))
                self._box.order(ref, self._printer, file)
            self._strike(self._rng.choice(handful), faults[fault])
            self.struck[fault] += 1
            assert self._box.wait(lambda refs=handful: self._all(refs, ENDED)), (
                fault, {ref: self._box.states.get(ref) for ref in handful}, self._box.device,
            )  # fmt: skip
            refs += handful
        return refs

    def _strike(self, victim: str, fault: Callable[[], None]) -> None:
        assert self._box.wait(lambda: self._all([victim], ("sent", *ENDED))), (victim, self._box.device)
        time.sleep(self._rng.uniform(0, self._job_s))  # the moment of the fault, not a wait for anything
        fault()

    def _all(self, refs: list[str], states: tuple[str, ...]) -> bool:
        return all(self._box.states.get(ref) in states for ref in refs)

    def until_told(self, reason: str, mend: Callable[[], None]) -> None:
        """The person comes when the box says what is wrong, or when nothing came of it."""
        self._box.wait(lambda: self._box.device.get(self._printer) == reason, self._job_s * 3)
        mend()

    def kill_box(self) -> None:
        self._box.kill()
        self._box.start()

    def pause(self) -> None:
        time.sleep(self._rng.uniform(0, 0.5))  # how long the switch stays off


def ledger_of(folder: Path) -> dict[str, str]:
    conn = connect(folder / "node.db", print_box.KEY, writes=False)
    try:
        rows = conn.execute("SELECT ref, state FROM print_job WHERE what = 'drill'").fetchall()
    finally:
        conn.close()
    assert len(rows) == len({row[0] for row in rows}), "a job with two rows"
    return {row[0]: row[1] for row in rows}


def judged(ledger: dict[str, str], orders: list[str], want: Callable[[str], list[str]], paper: list[str]) -> int:
    """Fails on a loss or a double; the number of doubts."""
    came = Counter(paper)
    assert sorted(ledger) == sorted(orders), "a job without a row"
    for ref, state in ledger.items():
        wish, got = Counter(want(ref)), Counter({piece: came[piece] for piece in want(ref)})
        assert not got - wish, f"{ref} {state}: came twice: {got - wish}"
        assert state in ("confirmed", "uncertain"), f"{ref} {state}"
        if state == "confirmed":
            assert got == wish, f"{ref}: lost {wish - got}"
    return sum(state == "uncertain" for state in ledger.values())


@dataclass
class Tally:
    """What the sittings of a run came to, kept from one call of pytest to the next while it is a long one."""

    kept: Path | None
    done: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kept is not None and self.kept.exists():
            self.done = [json.loads(line) for line in self.kept.read_text("ascii").splitlines()]
            if all(len(self._of(what)) == len(SITTINGS) for what in (DOCUMENTS, SLIPS)):
                self.kept.unlink()  # a whole run: this is another
                self.done = []

    def has(self, what: str, sitting: int) -> bool:
        return sitting in self._of(what)

    def add(self, what: str, sitting: int, drill: Drill, jobs: int, doubts: int) -> str:
        told = {"what": what, "seed": SEED, "sitting": sitting, "of": len(SITTINGS)}
        self.done.append({**told, "struck": drill.struck, "jobs": jobs, "doubts": doubts})
        if self.kept is not None:
            with self.kept.open("a", encoding="ascii") as file:
                file.write(json.dumps(self.done[-1]) + "\n")
        return self.said(what)

    def said(self, what: str) -> str:
        mine = self._of(what).values()
        struck = sum((Counter(one["struck"]) for one in mine), Counter())
        jobs, doubts = sum(one["jobs"] for one in mine), sum(one["doubts"] for one in mine)
        if len(mine) == len(SITTINGS) and SOAK:
            assert doubts <= 0.02 * jobs, f"{doubts} doubts in {jobs} jobs"
        return (
            f"{what}, sittings {len(mine)}/{len(SITTINGS)}: {jobs} jobs, {struck.total()} faults {dict(struck)}, "
            f"{doubts} doubts ({doubts / jobs:.2%})"
        )

    def _of(self, what: str) -> dict[int, dict[str, Any]]:
        run = {"what": what, "seed": SEED, "of": len(SITTINGS)}
        return {one["sitting"]: one for one in self.done if run.items() <= one.items()}


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.config.rootpath / ".stamps" / "print-drill.jsonl" if SOAK else None)


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

    drill = Drill(town, DOCUMENTS, rng, make, 0.8, faults_of(sitting))
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
    doubts = judged(ledger_of(town.folder), orders, lambda ref: wanted(ref, tickets[ref]), sheets)
    tell(capsys, tally.add(DOCUMENTS, sitting, drill, len(orders), doubts))
    # Only a printer that lost its power can leave a doubt, and that one alone.
    assert doubts <= drill.struck["power"]


@pytest.mark.row("F10.12", "E05.5")
@pytest.mark.parametrize("sitting", SITTINGS)
def test_slips(
    rng: random.Random, town: Town, glyphs: Glyphs, tally: Tally, sitting: int, capsys: pytest.CaptureFixture[str]
) -> None:
    drill = Drill(town, SLIPS, rng, lambda ref: slip_of(ref, glyphs), 0.3, faults_of(sitting))
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
    doubts = judged(ledger_of(town.folder), orders, lambda ref: [ref], came)
    tell(capsys, tally.add(SLIPS, sitting, drill, len(orders), doubts))
    assert doubts <= drill.struck["power"] + drill.struck["box"]


def faults_of(sitting: int) -> int:
    return min(SITTING, FAULTS - sitting * SITTING)


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}")
