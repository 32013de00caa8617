"""One repair at a time: what is set aside, what is put back, what a power cut in the middle leaves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log import down, outbox, repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.integrity import examine, refuse_damaged, wal_of
from sync.adapters.sqlite_log.node_store import set_meta
from sync.adapters.sqlite_log.pages import (
    FRAME_BYTES,
    PAGE_BYTES,
    SALT_BYTES,
    WAL_HEADER_BYTES,
    PageReader,
    Pages,
    frames,
    records,
)
from sync.domain.tracking import facts
from sync.kernel.codec import decode_fact
from sync.kernel.ids import LIVE
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

KEY = bytes(range(32))
NODE = "courier-aaaaaaaa"
NOW_MS = 1795000000000


def make(path: Path) -> ApplianceStore:
    return ApplianceStore(path, KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SystemEntropy())


def open_box(path: Path) -> ApplianceStore:
    store = repair.open_box(path, KEY, NODE, make, NOW_MS, hasher=suite1.hasher)
    repair.begin(store, "test")
    return store


def scan(store: ApplianceStore, n: int) -> None:
    with store.write() as unit:
        unit.append(
            facts.collected(
                f"{10_000_000 + n}-1", round_key=f"{NODE}.00000001", ward="W01", verdict="good", how="gun",
                read_no=f"{10_000_000 + n}", at_ms=1000 + n, list_as_of_ms=0,
            )
        )  # fmt: skip


def scans(store: ApplianceStore) -> int:
    with store.read() as conn:
        return int(conn.execute("SELECT count(*) FROM entity WHERE etype = ?", (facts.STAY,)).fetchone()[0])


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The database of a box that lost power after thirty scans, ten of them checkpointed."""
    live = tmp_path / "live"
    live.mkdir()
    store = open_box(live / "node.db")
    for n in range(10):
        scan(store, n)
    store.close()
    store = open_box(live / "node.db")
    for n in range(10, 30):
        scan(store, n)
    shutil.copytree(live, tmp_path / "left", ignore=shutil.ignore_patterns("*-shm"))
    store.close()
    return tmp_path / "left" / "node.db"


def spoil(path: Path, at: int, data: bytes) -> None:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(data)] = data
    path.write_bytes(raw)


def settled_page(db: Path) -> int:
    """A page, from 0, that the journal does not hold anew."""
    anew = {frame.number - 1 for frame in frames(wal_of(db).read_bytes())}
    return next(n for n in range(1, db.stat().st_size // PAGE_BYTES) if n not in anew)


def test_a_sound_database_is_left_alone(left: Path) -> None:
    before = {path.name: path.read_bytes() for path in left.parent.iterdir()}
    assert examine(left, KEY, NODE, hasher=suite1.hasher) == (None, None)
    assert {path.name: path.read_bytes() for path in left.parent.iterdir() if path.name in before} == before
    store = open_box(left)
    assert repair.last_repair(store) is None and scans(store) == 30
    store.close()


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda db: spoil(db, 0, b"\xff" * 16), "page"),
        (lambda db: spoil(db, settled_page(db) * PAGE_BYTES, bytes(PAGE_BYTES)), "page"),
        (lambda db: spoil(wal_of(db), 0, bytes(WAL_HEADER_BYTES)), "journal"),
        (lambda db: spoil(wal_of(db), WAL_HEADER_BYTES + 9 * FRAME_BYTES, b"\xff" * 99), "journal"),
        (lambda db: db.unlink(), "missing"),
        (lambda db: db.write_bytes(b""), "missing"),
    ],
    ids=["salt", "page", "journal-header", "frame", "gone", "emptied"],
)
def test_damage_is_named_and_the_old_files_are_kept(left: Path, spoilt: Callable[[Path], None], reason: str) -> None:
    spoilt(left)
    old = {path.name: path.read_bytes() for path in (left, wal_of(left)) if path.exists()}
    store = open_box(left)
    mended = repair.last_repair(store)
    assert mended is not None and mended.reason == reason
    folder = left.parent / "quarantine" / mended.folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == old
    # What had been checkpointed lay in the main file alone.
    assert scans(store) == 30 if reason != "missing" else scans(store) >= 20
    store.close()
    again = open_box(left)
    assert repair.last_repair(again) == mended, "mended once"
    again.close()


def test_a_national_box_is_mended_with_its_own_hashes(tmp_path: Path) -> None:
    suite = suite_of(2)

    def made(path: Path) -> ApplianceStore:
        return ApplianceStore(
            path, KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SystemEntropy(), suite=suite
        )

    def opened() -> ApplianceStore:
        store = repair.open_box(tmp_path / "node.db", KEY, NODE, made, NOW_MS, hasher=suite.hasher)
        repair.begin(store, "test")
        return store

    store = opened()
    for n in range(12):
        scan(store, n)
    store.close()
    path = tmp_path / "node.db"
    spoil(path, 0, b"\xff" * SALT_BYTES)
    store = opened()
    found = repair.last_repair(store)
    assert found is not None and (found.reason, found.lost) == ("page", 0) and scans(store) == 12
    store.close()
    assert examine(path, KEY, NODE, hasher=suite.hasher) == (None, None)


def test_a_stream_goes_on_under_its_old_numbers(left: Path) -> None:
    spoil(left, 0, bytes(PAGE_BYTES))
    store = open_box(left)
    kept = [s for s in outbox.own_streams(store) if s.incarnation != store.incarnation and s.lane == LIVE]
    assert sorted(s.last for s in kept) == [11, 21], "an opening and the scans of each start"
    store.close()


def test_what_a_box_counts_goes_on(left: Path) -> None:
    spoil(left, 0, bytes(PAGE_BYTES))
    store = open_box(left)
    assert store.meta_int("start_count") == 3
    with store.read() as conn:
        old, new = conn.execute("SELECT max(hlc) FROM stream WHERE own = 1 GROUP BY incarnation = ? ORDER BY 1",
                                (store.incarnation,)).fetchall()  # fmt: skip
    assert new[0] > old[0]
    store.close()


def test_facts_behind_a_lost_one_are_issued_again(left: Path) -> None:
    """A stream that lies on several pages loses the one with its twentieth fact."""
    store = open_box(left)
    for n in range(30, 130):
        scan(store, n)
    before = scans(store)
    store.close()
    reader, raw = PageReader(KEY, left.read_bytes()[:SALT_BYTES]), left.read_bytes()
    stream = max(s.stream for s in outbox_of(left))
    holders = {number: [row[1] for row in records(number, page, {}) if row[:1] == [stream] and len(row) == 5]
               for number, page in Pages(reader, raw, b"").versions()}  # fmt: skip
    page, gone = next((number, seqs) for number, seqs in holders.items() if 20 in seqs)
    spoil(left, (page - 1) * PAGE_BYTES, bytes(PAGE_BYTES))
    store = open_box(left)
    mended = repair.last_repair(store)
    assert mended is not None and mended.lost == len(gone) and mended.orphans > 10
    assert scans(store) == before - len(gone)
    with store.read() as conn:
        again = [decode_fact(r[0]) for r in conn.execute("SELECT fact FROM log ORDER BY stream, seq")]
    assert sum(1 for fact in again if fact.reissue_of) == mended.orphans
    store.close()


def dropped(store: ApplianceStore) -> None:
    """As the retention rule leaves a log: signed for, its first facts gone, the anchor kept; then a restored hub."""
    with store.write(step="log.prune") as unit:
        for stream, last in unit.conn.execute("SELECT id, last FROM stream WHERE own = 1 AND lane = 1").fetchall():
            unit.conn.execute("DELETE FROM log WHERE stream = ? AND seq < ?", (stream, last - 3))
            unit.conn.execute("DELETE FROM pending WHERE stream = ? AND seq < ?", (stream, last - 3))
            set_meta(unit.conn, f"pruned.{stream}", last - 3)
    down.raise_epoch(store, 2)


@pytest.mark.parametrize("hurt", [False, True])
def test_a_log_that_dropped_its_first_facts_is_sound_and_is_mended(left: Path, hurt: bool) -> None:
    store = open_box(left)
    dropped(store)
    held = [(s.incarnation, s.lane, s.oldest_kept, s.last) for s in outbox.own_streams(store)]
    store.close()
    if hurt:
        spoil(left, 0, bytes(PAGE_BYTES))
    store = open_box(left)
    mended = repair.last_repair(store)
    assert (mended is not None) is hurt
    assert mended is None or (mended.lost, mended.orphans) == (0, 0)
    again = [(s.incarnation, s.lane, s.oldest_kept, s.last) for s in outbox.own_streams(store)]
    assert [row for row in again if row[0] != store.incarnation] == held
    store.close()
    assert examine(left, KEY, NODE, hasher=suite1.hasher) == (None, None)


def outbox_of(db: Path) -> list[outbox.OwnStream]:
    store = make(db)
    try:
        return outbox.own_streams(store)
    finally:
        store.close()


def test_facts_of_a_torn_last_write_are_put_back(left: Path, tmp_path: Path) -> None:
    """Damage to the newest transaction, of which a person has heard, looks like a power cut in mid-commit.

    Whichever of its pages is hit: the fact is there again, or its own page was the one and the loss is told.
    """
    every = list(frames(wal_of(left).read_bytes()))
    begins = max(n for n, frame in enumerate(every[:-1]) if frame.pages) + 1
    outcomes = set()
    for n in range(begins, len(every)):
        shutil.copytree(left.parent, tmp_path / f"{n}")
        db = tmp_path / f"{n}" / "node.db"
        spoil(wal_of(db), WAL_HEADER_BYTES + n * FRAME_BYTES + 100, b"\xff" * 50)
        store = open_box(db)
        mended = repair.last_repair(store)
        assert mended is not None and mended.reason == "torn" and not mended.folder
        assert scans(store) + mended.lost == 30
        outcomes.add(mended.lost)
        store.close()
        assert examine(db, KEY, NODE, hasher=suite1.hasher) == (None, None)
    assert outcomes == {0, 1}


def test_a_frame_that_names_no_page_stops_nobody(left: Path) -> None:
    """Half a frame's head on disk: its salts, and zeros where its page's number would stand."""
    wal = wal_of(left)
    last = (wal.stat().st_size - WAL_HEADER_BYTES) // FRAME_BYTES - 1
    spoil(wal, WAL_HEADER_BYTES + last * FRAME_BYTES, bytes(8))
    refuse_damaged(left, KEY)
    store = open_box(left)
    mended = repair.last_repair(store)
    assert mended is not None and mended.reason == "torn"
    store.close()


def test_an_exchange_cut_at_any_step_is_finished_at_the_next_start(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(left, 0, bytes(PAGE_BYTES))
    real, moved = repair.os.replace, 0

    class Cut(BaseException):
        pass

    def cut_at(n: int) -> Callable[[Path, Path], None]:
        def replace(old: Path, new: Path) -> None:
            nonlocal moved
            if moved == n:
                raise Cut
            moved += 1
            real(old, new)

        return replace

    for n in range(3):
        moved = 0
        monkeypatch.setattr(repair.os, "replace", cut_at(n))
        with pytest.raises(Cut):
            repair.open_box(left, KEY, NODE, make, NOW_MS, hasher=suite1.hasher)
    monkeypatch.undo()
    store = open_box(left)
    assert scans(store) == 30
    store.close()
    kept = [path.name for path in left.parent.rglob("quarantine/*/*")]
    assert sorted(kept) == ["node.db", "node.db-wal"]


def test_another_key_is_not_damage(left: Path) -> None:
    with pytest.raises(Unavailable, match=r"store\.locked"):
        repair.open_box(left, bytes(32), NODE, make, NOW_MS, hasher=suite1.hasher)
    assert not (left.parent / "quarantine").exists()


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda db: spoil(db, settled_page(db) * PAGE_BYTES, bytes(PAGE_BYTES)),
        lambda db: spoil(db, 0, b"\xff" * 16),
        lambda db: spoil(wal_of(db), WAL_HEADER_BYTES + 9 * FRAME_BYTES, b"\xff" * 99),
    ],
    ids=["page", "salt", "frame"],
)
def test_a_hub_does_not_start_on_a_damaged_file_and_leaves_it_as_it_is(
    left: Path, spoilt: Callable[[Path], None]
) -> None:
    refuse_damaged(left, KEY)
    spoilt(left)
    old = {path.name: path.read_bytes() for path in (left, wal_of(left))}
    with pytest.raises(Unavailable, match=r"store\.damaged"):
        refuse_damaged(left, KEY)
    assert {path.name: path.read_bytes() for path in (left, wal_of(left))} == old


def test_a_hub_with_another_key_is_not_called_damaged(left: Path) -> None:
    with pytest.raises(Unavailable, match=r"store\.locked"):
        refuse_damaged(left, bytes(32))
