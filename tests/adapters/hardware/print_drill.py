"""A box under test that is killed and started again, handfuls of orders, and a judge of what came out of the printers.

The judge reads what came out, by the key on each page, slip or label, and the ledger; nothing else.
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync.adapters.sqlite_log.connection import connect
from tests.adapters.hardware import print_box
from tests.soak import SOAK, many

FAULTS = int(os.environ.get("WAYSTATION_SOAK_PRINT_FAULTS") or many(10, 200))
"""For each kind of printer."""
SITTING = 25 if SOAK else FAULTS
"""So many faults meet one room of printers; the next sitting has a fresh one, and a long run goes on where it ended."""
SITTINGS = range(-(-FAULTS // SITTING))
JOBS_EACH = 20 if SOAK else 4
"""One job of so many meets a fault."""
JUDGED_JOBS = 500
"""Of fewer a share of doubts says nothing."""
SEED = int(os.environ.get("WAYSTATION_SEED", "20261128"))
PATIENCE_S = 90.0
ENDED = ("confirmed", "failed", "uncertain")


@dataclass
class Box:
    """The program under test; `states` is what it told of its ledger."""

    folder: Path
    printers: dict[str, str]
    root: Path
    orders: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    device: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    process: subprocess.Popen[str] | None = None
    listener: threading.Thread | None = None

    def start(self) -> None:
        """Also orders again what the last life did not write down."""
        self.process = subprocess.Popen(
            [sys.executable, print_box.__file__, str(self.folder), json.dumps(self.printers)],
            env={**os.environ, "PYTHONPATH": str(self.root)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1,
        )  # fmt: skip
        assert self.process.stdout is not None
        known = json.loads(self.process.stdout.readline())["ledger"]
        with self.changed:
            self.states = dict(known)
        self.listener = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self.listener.start()
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
        """What it told before is heard to its end, lest it be taken for what its next life tells."""
        assert self.process is not None and self.listener is not None
        self.process.kill()
        self.process.wait()
        self.listener.join()

    def close(self) -> None:
        """Told to end, it ends."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)


class Drill:
    """Orders in handfuls; a fault strikes while one of them prints, at a moment drawn."""

    def __init__(
        self,
        box: Box,
        printer: str,
        rng: random.Random,
        make: Callable[[str], bytes],
        job_s: float,
        faults: int,
        each: int = JOBS_EACH,
    ) -> None:
        self._faults, self._each = faults, each
        self._box = box
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
            handful = [f"{self._printer[0]}{n}-{k}" for k in range(self._each)]
            for ref in handful:
                file = self._box.folder / ref
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
    kinds: Sequence[str]
    done: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kept is not None and self.kept.exists():
            self.done = [json.loads(line) for line in self.kept.read_text("ascii").splitlines()]
            if all(len(self._of(what)) == len(SITTINGS) for what in self.kinds):
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
        if len(mine) == len(SITTINGS) and jobs >= JUDGED_JOBS:
            assert doubts <= 0.02 * jobs, f"{doubts} doubts in {jobs} jobs"
        return (
            f"{what}, sittings {len(mine)}/{len(SITTINGS)}: {jobs} jobs, {struck.total()} faults {dict(struck)}, "
            f"{doubts} doubts ({doubts / jobs:.2%})"
        )

    def _of(self, what: str) -> dict[int, dict[str, Any]]:
        run = {"what": what, "seed": SEED, "of": len(SITTINGS)}
        return {one["sitting"]: one for one in self.done if run.items() <= one.items()}


def faults_of(sitting: int) -> int:
    return min(SITTING, FAULTS - sitting * SITTING)


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}")
