"""The power goes at any moment of a recorded day: what was acknowledged is there, in one chain, and the node starts."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.adapters.sqlite_log import integrity
from sync.adapters.sqlite_log.connection import Connection, look
from sync.kernel.chain import H0, Chain
from sync.kernel.suite import suite1
from tests.adapters.powercut.days import BOX, KEY, open_box, open_hub
from tests.adapters.powercut.replay import SYNC, WRITE, Disk, Event, Files, read_record
from tests.soak import many

STATES = many(20_000, 5_000_000)
SEED = int(os.environ.get("WAYSTATION_SEED", "20261121"))
RECORDINGS = (("hub", 1), ("box", 1), ("old-box", 1), ("hub", 2), ("box", 2))
MADE_BEFORE = {"hub", "old-box"}
DRAWS = 5
DRAWS_OLD, MOMENTS_OLD = 1, many(3, 1)
"""Of a start that writes a file anew, each third moment: many writes, each like the last."""
WHOLE_EVERY = 40
"""Every so many states the node itself starts on it; the others are read as its start-up check reads them."""
HERE = Path(__file__).parent
Place = tuple[int, int, int]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "recorder.c"], check=True
    )
    return library


@pytest.fixture
def root(request: pytest.FixtureRequest) -> Path:
    return request.config.rootpath


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory: a state is written, read once and forgotten."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class Day:
    """`before`: the files at its start."""

    what: str
    before: dict[str, bytes]
    events: list[Event]


def recorded(recorder: Path, folder: Path, what: str, seed: int, root: Path) -> Day:
    data, record = folder / "data", folder / "record"
    data.mkdir(parents=True)
    environ = {**os.environ, "PYTHONPATH": str(root)}
    program = [sys.executable, HERE / "days.py"]
    if what in MADE_BEFORE:
        subprocess.run([*program, f"make-{what}", data, "0"], env=environ, check=True, cwd=root)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    environ |= {"LD_PRELOAD": str(recorder), "POWERCUT_FOLDER": str(data), "POWERCUT_RECORD": str(record)}
    subprocess.run([*program, what, data, str(seed)], env=environ, check=True, cwd=root)
    return Day(what, before, read_record(record))


def cuts(day: Day, rng: random.Random) -> Iterator[tuple[int, Files, dict[Place, bytes]]]:
    """(event, files, what had been acknowledged) for every moment; no state twice of one moment."""
    disk = Disk({name: bytearray(data) for name, data in day.before.items()})
    told = dict(map(acknowledged, day.before.get("told", b"").splitlines()))
    for n, event in enumerate(day.events):
        if event.name == "told":
            if event.op == WRITE:
                place, h = acknowledged(event.data)
                told[place] = h
            continue
        disk.take(event)
        if day.what == "old-box" and n % MOMENTS_OLD:
            continue
        seen = set()
        for files in disk.states(rng, DRAWS_OLD if day.what == "old-box" else DRAWS):
            mark = hash(tuple((name, bytes(data)) for name, data in sorted(files.items())))
            if mark not in seen:
                seen.add(mark)
                yield n, files, told


def acknowledged(line: bytes) -> tuple[Place, bytes]:
    incarnation, lane, seq, h = line.decode().split()
    return (int(incarnation), int(lane), int(seq)), bytes.fromhex(h)


def held(conn: Connection, node: str) -> dict[Place, bytes]:
    """Every fact of a node that is there, by place. The chain must hold from the first on, without a gap."""
    found: dict[Place, bytes] = {}
    last: dict[tuple[int, int], tuple[int, bytes]] = {}
    for incarnation, lane, seq, h, fact in conn.execute(
        "SELECT s.incarnation, s.lane, l.seq, l.h, l.fact FROM log l JOIN stream s ON s.id = l.stream "
        "WHERE s.node = ? ORDER BY l.stream, l.seq",
        (node,),
    ):
        before, prev = last.get((incarnation, lane), (0, H0))
        assert seq == before + 1, "a gap"
        assert Chain(suite1.hasher, node, incarnation, lane).link(seq, prev, suite1.hash(fact)) == h, "a broken link"
        last[incarnation, lane] = (seq, h)
        found[incarnation, lane, seq] = h
    return found


def put(folder: Path, files: Files) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / "node.db"


def check_box(folder: Path, files: Files, told: dict[Place, bytes], whole: bool) -> str:
    path = put(folder, files)
    torn = None
    if "node.db-exchange" in files:
        whole = True
    elif "node.db" in files:
        reason, torn = integrity.examine(path, KEY, BOX, hasher=suite1.hasher)
        assert reason is None, f"a power cut taken for damage: {reason}"
    if whole or torn is not None:
        store = open_box(folder)
        try:
            with store.read() as conn:
                found = held(conn, BOX)
        finally:
            store.close()
    elif "node.db" in files:
        conn = look(path, KEY)
        try:
            found = held(conn, BOX)
        finally:
            conn.close()
    else:
        found = {}
    assert told.items() <= found.items(), "acknowledged and lost"
    return "put back" if torn is not None else "whole" if whole else "read"


def check_hub(folder: Path, files: Files, told: dict[Place, bytes], whole: bool) -> str:
    path = put(folder, files)
    integrity.refuse_damaged(path, KEY)
    if whole:
        hub = open_hub(folder)
        try:
            hub.start_incarnation("test")
            with hub.read() as conn:
                found = held(conn, BOX)
        finally:
            hub.close()
    else:
        conn = look(path, KEY)
        try:
            found = held(conn, BOX)
        finally:
            conn.close()
    assert told.items() <= found.items(), "acknowledged and lost"
    return "whole" if whole else "read"


CHECKS: dict[str, Callable[[Path, Files, dict[Place, bytes], bool], str]] = {
    "box": check_box,
    "old-box": check_box,
    "hub": check_hub,
}


@pytest.mark.row("F10.4")
def test_whatever_the_power_leaves_holds_what_was_acknowledged(
    recorder: Path, tmp_path: Path, quick: Path, root: Path
) -> None:
    rng = random.Random(SEED)
    outcomes: Counter[str] = Counter()
    days = [recorded(recorder, tmp_path / f"{what}-{seed}", what, seed, root) for what, seed in RECORDINGS]
    while outcomes.total() < STATES:
        for day in days:
            for n, files, told in cuts(day, rng):
                whole = outcomes.total() % WHOLE_EVERY == 0
                try:
                    outcomes[f"{day.what} {CHECKS[day.what](quick / 'data', files, told, whole)}"] += 1
                except Exception as fault:
                    where = f"seed {SEED}, {day.what}, cut after event {n} of {len(day.events)}"
                    raise AssertionError(f"{where}: {fault}") from fault
    assert min(outcomes["box read"], outcomes["hub read"]) > STATES // 10, dict(outcomes)
    assert outcomes["box put back"], "no state had a torn commit in it"


def test_a_disk_that_does_not_flush_is_seen(recorder: Path, tmp_path: Path, quick: Path, root: Path) -> None:
    """The judge's own proof: without the flushes of its journal a box loses what it acknowledged."""
    rng = random.Random(SEED)
    day = recorded(recorder, tmp_path / "box", "box", 3, root)
    lying = [event for event in day.events if (event.op, event.name) != (SYNC, "node.db-wal")]
    with pytest.raises(AssertionError, match=r"acknowledged and lost|taken for damage"):
        for _, files, told in cuts(Day("box", day.before, lying), rng):
            if told:
                check_box(quick / "data", files, told, whole=False)
