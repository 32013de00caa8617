"""A box's database that is not as the box wrote it: set aside whole, replaced, filled with what still proves itself.

The new file is complete before the old one moves, and a note beside them says how far the exchange is, so a power cut
in the middle is finished at the next start. Source: protocol way/1, section 1 (a new incarnation, the same keys).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sync.adapters.keys import sync_folder, write_whole
from sync.adapters.sqlite_log import landing
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.integrity import examine, keep_salt, read_if_there, reader_of, salt_of, wal_of
from sync.adapters.sqlite_log.node_store import Unit, set_meta
from sync.adapters.sqlite_log.pages import Pages
from sync.adapters.sqlite_log.salvage import ANCHOR, Keepsake, Salvage, SavedStream, salvage
from sync.catalog import ENTITY_TYPES, KINDS
from sync.domain.fleet import facts as fleet
from sync.kernel.chain import H0
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Key
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import Hasher

QUARANTINE = "quarantine"
MakeStore = Callable[[Path], ApplianceStore]


@dataclass(frozen=True, slots=True)
class Repair:
    """What a start had to mend. `reason`: page, journal, structure, chain, missing; `torn`: the file itself was kept.

    `kept` facts are in their places again; `orphans` lay behind a lost one and were issued again; `lost` were found
    nowhere. `refilled`: what comes down from the hub has come again.
    """

    reason: str
    at_ms: int
    folder: str
    kept: int
    orphans: int
    lost: int
    refilled: bool = True


def open_box(
    path: Path, key32: bytes, node: str, make: MakeStore, now_ms: int, keepsakes: Sequence[Keepsake] = (), *,
    hasher: Hasher,
) -> ApplianceStore:  # fmt: skip
    """The store at `path`, mended first where that is needed. `now_ms`: the wall clock, for the quarantine's name.

    `hasher`: of the site's suite; a damaged file cannot say which it was.
    """
    _finish_exchange(path)
    if not path.exists() and not salt_of(path).exists():
        _fresh(path, make).close()
        _exchange(path, "")
    reason, torn = examine(path, key32, node, hasher)
    if reason is not None:
        _replace(path, key32, node, hasher, make, now_ms, reason, keepsakes)
    store = make(path)
    if torn is not None:
        put_back(store, torn, Repair("torn", now_ms, "", torn.facts, torn.orphans, torn.lost))
    store.make_shrinkable()
    keep_salt(path, path)
    return store


def last_repair(store: ApplianceStore) -> Repair | None:
    """The newest repair of this database, for the screen."""
    raw = store.meta("repair")
    if raw is None:
        return None
    with store.read() as conn:
        waits = conn.execute("SELECT count(*) = 0 OR max(to_repair) = 1 FROM cursor").fetchone()[0]
    return replace(Repair(**json.loads(raw)), refilled=not waits)


def begin(store: ApplianceStore, software: str) -> None:
    """Open the new incarnation.

    After a repair the opening says so, one line of the audit list follows, and facts that their stream cannot carry
    any more are issued again.
    """
    repair = last_repair(store) if store.meta_int("repair_untold") else None
    why = "start" if repair is None else "repaired"
    try:
        store.start_incarnation(software, why)
    except Unavailable as fault:
        if fault.code != "store.full":
            raise
        store.incarnation = 0  # nothing of it was kept, and the reserve has been given up meanwhile
        store.start_incarnation(software, why)
    if repair is None:
        return
    counts = f"{repair.reason}: kept {repair.kept}, issued again {repair.orphans}, lost {repair.lost}"
    with store.write(step="repair.told") as unit:
        unit.append(fleet.noted(store.node, "store.repaired", detail=counts, ok=not repair.lost))
        for name, value in unit.conn.execute(
            "SELECT name, value FROM meta WHERE name LIKE 'orphan.%' ORDER BY name"
        ).fetchall():
            _, _, incarnation, lane, seq = name.split(".")
            first = FactId(store.node, int(incarnation), int(lane), int(seq))
            store.issue_again(unit, first, value[: len(H0)], value[len(H0) :])
        unit.conn.execute("DELETE FROM meta WHERE name LIKE 'orphan.%'")
        set_meta(unit.conn, "repair_untold", 0)


def _replace(
    path: Path, key32: bytes, node: str, hasher: Hasher, make: MakeStore, now_ms: int, reason: str,
    keepsakes: Sequence[Keepsake],
) -> None:  # fmt: skip
    main, wal = read_if_there(path), read_if_there(wal_of(path))
    found = salvage(Pages(reader_of(path, key32, main), main, wal).rows(), node, hasher, keepsakes)
    folder = _quarantine_folder(path, now_ms, reason)
    store = _fresh(path, make)
    try:
        put_back(store, found, Repair(reason, now_ms, folder.name, found.facts, found.orphans, found.lost), keepsakes)
    finally:
        store.close()
    _exchange(path, folder.name)


def _fresh(path: Path, make: MakeStore) -> ApplianceStore:
    """A new database beside `path`. Until it is exchanged it counts for nothing: a half-made one is made again."""
    fresh = _fresh_of(path)
    for each in (fresh, wal_of(fresh), _index_of(fresh), fresh.with_name(f"{fresh.name}-journal")):
        each.unlink(missing_ok=True)
    return make(fresh)


def _exchange(path: Path, folder: str) -> None:
    assert not read_if_there(wal_of(_fresh_of(path))), "a closed database has no journal"
    write_whole(_note_of(path), folder.encode())
    _finish_exchange(path)


def _fresh_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-new")


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-exchange")


def _index_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-shm")


def _quarantine_folder(path: Path, now_ms: int, reason: str) -> Path:
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(max(0, now_ms) // 1000))
    base = path.parent / QUARANTINE
    base.mkdir(mode=0o700, exist_ok=True)
    n = sum(1 for _ in base.iterdir()) + 1
    folder = base / f"{n:04d}-{at}-{reason}"
    folder.mkdir(mode=0o700)
    sync_folder(base)
    return folder


def _finish_exchange(path: Path) -> None:
    """Old files into the quarantine, the new one into their place. Doing it again from any point ends the same."""
    note, fresh = _note_of(path), _fresh_of(path)
    if not note.exists():
        return
    if fresh.exists():
        folder = path.parent / QUARANTINE / note.read_text("utf-8")
        for old in (path, wal_of(path)):
            if old.exists():
                os.replace(old, folder / old.name)
                sync_folder(folder)
        _index_of(path).unlink(missing_ok=True)
        keep_salt(path, fresh)
        os.replace(fresh, path)
        sync_folder(path.parent)
    note.unlink()
    sync_folder(path.parent)


def put_back(store: ApplianceStore, found: Salvage, repair: Repair, keepsakes: Sequence[Keepsake] = ()) -> None:
    """Facts into the log under their own ids, and what they say before people again. One commit.

    They were never anywhere else, so no number is used twice: a stream that is cut short is sent as far as it goes.
    What is there already is left alone.
    """
    with store.write(step="salvage.put") as unit:
        conn = unit.conn
        touched: dict[tuple[int, Key], FactId] = {}
        for saved in found.streams:
            if saved.rows:
                _put_stream(conn, store.node, saved)
                _put_rows(store, unit, saved, touched)
            for seq, row in saved.orphans.items():
                place = f"{saved.stream:010d}.{saved.standing.incarnation}.{saved.standing.lane}.{seq:012d}"
                set_meta(conn, f"orphan.{place}", row.h + row.fact)
        for (etype, key), fid in touched.items():
            landing.show(store, unit, etype, key, fid)
        for name, value in found.meta.items():
            set_meta(conn, name, max(value, store.meta_int(name)))
        for name, fact in found.withheld.items():
            set_meta(conn, name, fact)
        for each in keepsakes:
            marks = ", ".join("?" * len(each.columns))
            for _, held in sorted(found.kept.get(each.table, {}).items()):
                conn.execute(f"INSERT INTO {each.table} ({', '.join(each.columns)}) VALUES ({marks})", tuple(held))
        high = conn.execute("SELECT max(hlc) FROM stream WHERE own > 0").fetchone()[0] or 0
        unit.high = max(unit.high, high)
        set_meta(conn, "hlc_high", max(high, store.meta_int("hlc_high")))
        set_meta(conn, "repair", json.dumps({f: getattr(repair, f) for f in Repair.__slots__}).encode())
        set_meta(conn, "repair_untold", 1)


def _put_stream(conn: Connection, node: str, saved: SavedStream) -> None:
    at = saved.standing
    if saved.first > 1:
        set_meta(conn, f"{ANCHOR}{saved.stream}", saved.first)
    newest = max((decode_fact(row.fact).hlc for row in saved.rows if row.status == 0), default=0)
    conn.execute(
        "INSERT INTO stream (id, node, incarnation, lane, own, last, head, hlc, acked, acked_hlc, safe, state, line) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET last = excluded.last, "
        "head = excluded.head, hlc = max(hlc, excluded.hlc) WHERE excluded.last > last",
        (saved.stream, node, at.incarnation, at.lane, at.own, saved.last, saved.rows[-1].h,
         newest, min(at.acked, saved.last), at.acked_hlc, at.safe, at.state, at.line),
    )  # fmt: skip


def _put_rows(store: ApplianceStore, unit: Unit, saved: SavedStream, touched: dict[tuple[int, Key], FactId]) -> None:
    conn = unit.conn
    for seq, row in enumerate(saved.rows, saved.first):
        put = conn.execute(
            "INSERT INTO log (stream, seq, h, status, fact) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (saved.stream, seq, row.h, row.status, row.fact),
        )
        if not put.rowcount or row.status != 0:
            continue
        try:
            fact = decode_fact(row.fact)
        except PeerFault:
            continue
        kind = KINDS.get(fact.kind)
        if kind is not None and kind.folded and fact.etype in ENTITY_TYPES:
            conn.execute(
                "INSERT INTO pending (etype, key, stream, seq) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (fact.etype, fact.key, saved.stream, seq),
            )
            touched[fact.etype, fact.key] = FactId(store.node, saved.standing.incarnation, saved.standing.lane, seq)
