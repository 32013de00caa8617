"""A box's file from a release whose files kept their free pages: written anew once, with nothing changed in it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import connection, repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import connect
from sync.adapters.sqlite_log.integrity import examine, salt_of
from sync.kernel.suite import suite1
from tests.adapters.store.test_golden_databases import BOXES, KEY, SCHEMAS, copy_of, rows

NAME = BOXES[0]
BALLAST_BYTES = 8 * 1024 * 1024
KILLS = 3
AUTO_VACUUM = "PRAGMA auto_vacuum"
INCREMENTAL = [(2,)]


def make(path: Path) -> ApplianceStore:
    return ApplianceStore(path, KEY, node=NAME, role="courier", clock=SystemClock(), entropy=SeededEntropy(NAME))


def opened(path: Path) -> ApplianceStore:
    return repair.open_box(path, KEY, NAME, make, 0, hasher=suite1.hasher)


def filled(path: Path, size: int) -> None:
    """Rows of nobody's, which a box that lacks room would let go."""
    conn = connect(path, KEY, writes=True)
    conn.execute("CREATE TABLE ballast (n INTEGER PRIMARY KEY, bytes BLOB)")
    conn.execute("BEGIN")
    conn.executemany("INSERT INTO ballast (bytes) VALUES (?)", [(random.randbytes(4000),) for _ in range(size // 4000)])
    conn.execute("COMMIT")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    conn.close()


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    held = {name: rows(path, f'SELECT * FROM "{name}" ORDER BY 1, 2') for name in tables if name[:7] != "sqlite_"}
    return {**held, "schema": rows(path, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2")}


@pytest.mark.row("F10.20")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_of_an_older_release_gives_room_back_after_one_start(schema: int, tmp_path: Path) -> None:
    path = copy_of(schema, NAME, tmp_path)
    filled(path, 2_000_000)
    assert rows(path, AUTO_VACUUM) == [(0,)], "or nothing is proved here"
    make(path).close()
    before = contents(path)
    store = opened(path)
    assert rows(path, AUTO_VACUUM) == INCREMENTAL and contents(path) == before
    assert repair.last_repair(store) is None
    salt, size = salt_of(path).read_bytes(), path.stat().st_size
    with store.write() as unit:
        unit.conn.execute("DELETE FROM ballast")
    store.give_back()
    assert size - path.stat().st_size > 1_500_000
    store.close()
    assert salt == path.read_bytes()[:16]
    assert examine(path, KEY, NAME, hasher=suite1.hasher) == (None, None)


@pytest.mark.parametrize(("limit", "value"), [("REWRITTEN_BYTES_MAX", 1), ("BESIDE_BYTES", 2**62)])
def test_without_room_or_too_large_it_stays_as_it_is_and_works(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy_of(SCHEMAS[-1], NAME, tmp_path)
    monkeypatch.setattr(connection, limit, value)
    store = opened(path)
    repair.begin(store, "test")
    store.give_back()
    store.close()
    assert rows(path, AUTO_VACUUM) == [(0,)]
    monkeypatch.undo()
    opened(path).close()
    assert rows(path, AUTO_VACUUM) == INCREMENTAL


def test_a_process_killed_while_it_writes_the_file_anew_has_changed_nothing(tmp_path: Path) -> None:
    path = copy_of(SCHEMAS[-1], NAME, tmp_path)
    filled(path, BALLAST_BYTES)
    make(path).close()
    before, wal = contents(path), path.with_name(f"{path.name}-wal")
    root = Path(__file__).parents[3]
    amid = 0
    for n in range(KILLS):
        child = subprocess.Popen([sys.executable, __file__, path], env={**os.environ, "PYTHONPATH": str(root)})
        while child.poll() is None and not (wal.exists() and wal.stat().st_size > n * BALLAST_BYTES // KILLS):
            time.sleep(0.0005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        amid += rows(path, AUTO_VACUUM) == [(0,)]
        assert contents(path) == before
    assert amid, "not one was killed amid it"
    store = opened(path)
    assert repair.last_repair(store) is None, "a cut is no damage"
    store.close()
    assert rows(path, AUTO_VACUUM) == INCREMENTAL and contents(path) == before


if __name__ == "__main__":
    opened(Path(sys.argv[1])).close()
