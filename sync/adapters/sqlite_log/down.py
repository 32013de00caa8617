"""What comes down: feed rounds and repairs, applied so that nobody ever sees half of one.

Source: protocol way/1, sections 3.3, 3.5, 6.3, 6.4, 6.6, 6.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sync.adapters.sqlite_log import copies
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change, Unit, set_meta
from sync.adapters.sqlite_log.order import order_bytes
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import decode, encode
from sync.kernel.chain import annotated_tag, digest, tag, xor
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Annotation, Key
from sync.kernel.ids import FactId
from sync.protocol import feed

ZERO_E = bytes(32)


class Cursor(NamedTuple):
    label: str
    epoch: int
    sseq: int
    e: bytes
    to_repair: bool
    head_at: int


@dataclass(frozen=True, slots=True)
class Tail:
    """Entries of one scope, verified: those after the cursor up to a head."""

    label: str
    epoch: int
    sseq: int
    e: bytes
    entries: Sequence[feed.Entry]


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    applied: int
    ask: tuple[str, ...]
    """Labels whose copy did not fit an entry: they need repair."""


def cursors(store: ApplianceStore) -> list[Cursor]:
    with store.read() as conn:
        rows = conn.execute("SELECT label, epoch, sseq, e, to_repair, head_at FROM cursor ORDER BY label").fetchall()
    return [Cursor(r[0], r[1], r[2], r[3], bool(r[4]), r[5]) for r in rows]


def set_scopes(store: ApplianceStore, version: int, labels: Sequence[str]) -> bool:
    """Hold exactly these scopes; only a higher version counts. Leaving a scope evicts its copies in the same commit."""
    if version <= store.meta_int("scope_version"):
        return False
    with store.write(step="scopes.set") as unit:
        conn = unit.conn
        held = {row[0] for row in conn.execute("SELECT label FROM cursor")}
        for label in sorted(held - set(labels)):
            members = conn.execute("SELECT etype, key FROM member WHERE label = ?", (label,)).fetchall()
            conn.execute("DELETE FROM member WHERE label = ?", (label,))
            conn.execute("DELETE FROM cursor WHERE label = ?", (label,))
            for etype, key in members:
                _leave(store, unit, etype, key)
        for label in sorted(set(labels) - held):
            conn.execute(
                "INSERT INTO cursor (label, epoch, sseq, e, to_repair) VALUES (?, 0, 0, ?, 1)", (label, ZERO_E)
            )
        set_meta(conn, "scope_version", version)
    return True


def apply_round(store: ApplianceStore, tails: Sequence[Tail], hub_ms: int) -> RoundOutcome:
    """All tails of one set of heads in one transaction, evictions last.

    A scope that was taken away while its tail was fetched is left alone: its copies are gone and stay gone.
    """
    ask: set[str] = set()
    applied = 0
    with store.write(step="round.apply") as unit:
        touched: dict[tuple[int, Key], FactId | None] = {}
        leaving: dict[tuple[int, Key], list[str]] = {}
        held = _held_labels(unit.conn)
        for tail in tails:
            if tail.label not in held:
                continue
            for entry in tail.entries:
                applied += 1
                if isinstance(entry, feed.GoneEntry):
                    _forget(unit.conn, entry)
                    touched.pop((entry.etype, entry.key), None)
                    leaving.setdefault((entry.etype, entry.key), []).append(tail.label)
                elif isinstance(entry, feed.EvictEntry):
                    unit.conn.execute(
                        "DELETE FROM member WHERE label = ? AND etype = ? AND key = ?",
                        (tail.label, entry.etype, entry.key),
                    )
                    leaving.setdefault((entry.etype, entry.key), []).append(tail.label)
                elif isinstance(entry, feed.FactEntry):
                    if not _take_fact(unit.conn, tail.label, entry, touched, hub_ms):
                        ask.add(tail.label)
                elif isinstance(entry, feed.StateEntry):
                    _take_state(unit.conn, tail.label, entry, touched, hub_ms, always=False)
            unit.conn.execute(
                "UPDATE cursor SET epoch = ?, sseq = ?, e = ?, checked_at = ?, head_at = ?, "
                "to_repair = max(to_repair, ?) WHERE label = ?",
                (tail.epoch, tail.sseq, tail.e, hub_ms, hub_ms, int(tail.label in ask), tail.label),
            )
        _end_round(store, unit, touched, leaving)
    return RoundOutcome(applied, tuple(sorted(ask)))


def apply_repair(
    store: ApplianceStore,
    label: str,
    epoch: int,
    sseq: int,
    e: bytes,
    members: Iterable[tuple[int, Key, bytes]],
    buckets: frozenset[int],
    checkpoints: Iterable[feed.StateEntry],
    hub_ms: int,
) -> None:
    """The hub's word on the differing buckets: take its checkpoints, drop members it does not list. One commit.

    Nothing happens when the scope was taken away meanwhile.
    """
    with store.write(step="repair.apply") as unit:
        conn = unit.conn
        if label not in _held_labels(conn):
            return
        touched: dict[tuple[int, Key], FactId | None] = {}
        leaving: dict[tuple[int, Key], list[str]] = {}
        listed = {(etype, key) for etype, key, _ in members}
        for etype, key in conn.execute("SELECT etype, key FROM member WHERE label = ?", (label,)).fetchall():
            if feed.bucket_of(etype, key) in buckets and (etype, key) not in listed:
                conn.execute("DELETE FROM member WHERE label = ? AND etype = ? AND key = ?", (label, etype, key))
                leaving[(etype, key)] = [label]
        for etype, key in listed:
            conn.execute("INSERT OR IGNORE INTO member (label, etype, key) VALUES (?, ?, ?)", (label, etype, key))
        for entry in checkpoints:
            _take_state(conn, label, entry, touched, hub_ms, always=True)
        conn.execute(
            "UPDATE cursor SET epoch = ?, sseq = ?, e = ?, to_repair = 0, checked_at = ?, head_at = ? WHERE label = ?",
            (epoch, sseq, e, hub_ms, hub_ms, label),
        )
        _end_round(store, unit, touched, leaving)


def _held_labels(conn: Connection) -> frozenset[str]:
    return frozenset(row[0] for row in conn.execute("SELECT label FROM cursor"))


def bucket_values(store: ApplianceStore, label: str) -> list[bytes]:
    """256 values of 16 bytes over what this node holds of a scope."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT m.etype, m.key, coalesce(e.x, zeroblob(16)) FROM member m LEFT JOIN entity e "
            "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ?",
            (label,),
        ).fetchall()
    return feed.bucket_values((r[0], r[1], r[2]) for r in rows)


def note_checked(store: ApplianceStore, hub_ms: int) -> None:
    """All held scopes were just compared with the hub's set hashes."""
    with store.write(step="sets.checked") as unit:
        set_meta(unit.conn, "sets_checked_ms", hub_ms)


def held_x(store: ApplianceStore, etype: int, key: Key) -> bytes | None:
    with store.read() as conn:
        row = conn.execute("SELECT x FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    return None if row is None else row[0]


def raise_epoch(store: ApplianceStore, epoch: int) -> None:
    """A higher hub epoch: forget all marks and their times, every cursor is to be repaired, frozen streams open.

    Source: protocol way/1, section 5.4.
    """
    with store.write(step="epoch.obey") as unit:
        unit.conn.execute("UPDATE stream SET acked = 0, acked_hlc = 0, safe = 0, state = 0 WHERE own = 1")
        unit.conn.execute("UPDATE cursor SET to_repair = 1")
        unit.conn.execute("DELETE FROM receipt")
        set_meta(unit.conn, "hub_epoch", epoch)


def _forget(conn: Connection, entry: feed.GoneEntry) -> None:
    """The entity is past retention or shredded: it leaves every scope, and stays refused until then."""
    name = (entry.etype, entry.key)
    conn.execute("DELETE FROM member WHERE etype = ? AND key = ?", name)
    conn.execute(
        "INSERT INTO gone (etype, key, until) VALUES (?, ?, ?) "
        "ON CONFLICT (etype, key) DO UPDATE SET until = max(until, excluded.until)",
        (*name, entry.until),
    )


def _is_gone(conn: Connection, name: tuple[int, Key], hub_ms: int) -> bool:
    row = conn.execute("SELECT until FROM gone WHERE etype = ? AND key = ?", name).fetchone()
    return row is not None and row[0] > hub_ms << 16


def _take_fact(
    conn: Connection, label: str, entry: feed.FactEntry, touched: dict[tuple[int, Key], FactId | None], hub_ms: int
) -> bool:
    """Add a confirmed fact. False: it does not follow on what is held, so the scope needs repair."""
    fact = decode_fact(entry.fact)
    if fact.etype not in ENTITY_TYPES:
        return True
    name = (fact.etype, fact.key)
    if _is_gone(conn, name, hub_ms):
        return True
    row = conn.execute("SELECT rev, d, x, last_key FROM entity WHERE etype = ? AND key = ?", name).fetchone()
    conn.execute("INSERT OR IGNORE INTO member (label, etype, key) VALUES (?, ?, ?)", (label, *name))
    rev, d, x = (row[0], row[1], row[2]) if row else (0, copies.ZERO16, copies.ZERO16)
    if entry.rev <= rev:
        return True
    fid = FactId(entry.node, entry.incarnation, entry.lane, entry.seq)
    held_floor = conn.execute("SELECT floor FROM copy WHERE etype = ? AND key = ?", name).fetchone()
    if entry.rev != rev + 1 or (held_floor and order_bytes(entry.order, fid, fact.sort_hlc) <= held_floor[0]):
        return False
    mark = tag(fid, digest(entry.fact))
    conn.execute(
        "INSERT INTO copy_fact (etype, key, rev, node, incarnation, lane, seq, ord, line, seen, fact) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*name, entry.rev, *fid, entry.order, entry.line, entry.seen, entry.fact),
    )
    _set_copy(
        conn,
        name,
        entry.rev,
        xor(d, mark),
        xor(x, annotated_tag(mark, Annotation(entry.order, entry.rev, entry.line, entry.seen))),
    )
    touched[name] = fid
    return True


def _take_state(
    conn: Connection,
    label: str,
    entry: feed.StateEntry,
    touched: dict[tuple[int, Key], FactId | None],
    hub_ms: int,
    *,
    always: bool,
) -> None:
    name = (entry.etype, entry.key)
    if entry.etype not in ENTITY_TYPES or _is_gone(conn, name, hub_ms):
        return
    conn.execute("INSERT OR IGNORE INTO member (label, etype, key) VALUES (?, ?, ?)", (label, *name))
    point = entry.checkpoint
    row = conn.execute(
        "SELECT e.rev, coalesce(c.fold_version, 0) FROM entity e LEFT JOIN copy c ON c.etype = e.etype "
        "AND c.key = e.key WHERE e.etype = ? AND e.key = ?",
        name,
    ).fetchone()
    if row is not None and not always and (point.rev, point.fold_version) <= (row[0], row[1]):
        return
    conn.execute("DELETE FROM copy_fact WHERE etype = ? AND key = ?", name)
    conn.execute(
        "INSERT OR REPLACE INTO copy (etype, key, rev0, floor, seen, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*name, point.rev, point.floor, encode([list(s) for s in point.seen_streams]), point.fold_version, point.state),
    )
    _set_copy(conn, name, point.rev, point.d, point.x)
    touched.setdefault(name, None)


def _set_copy(conn: Connection, name: tuple[int, Key], rev: int, d: bytes, x: bytes) -> None:
    conn.execute(
        "INSERT INTO entity (etype, key, rev, d, x, last_key, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, 0, ?) "
        "ON CONFLICT (etype, key) DO UPDATE SET rev = excluded.rev, d = excluded.d, x = excluded.x",
        (*name, rev, d, x, b"", b""),
    )


def _end_round(
    store: ApplianceStore,
    unit: Unit,
    touched: dict[tuple[int, Key], FactId | None],
    leaving: dict[tuple[int, Key], list[str]],
) -> None:
    """Fold what was touched, drop pending facts that are covered, evict what lost its last scope."""
    conn = unit.conn
    for (etype, key), fid in touched.items():
        _drop_covered(conn, etype, key)
        show(store, unit, etype, key, fid, source="feed")
    for etype, key in leaving:
        _leave(store, unit, etype, key)
    set_meta(conn, "round", store.meta_int("round") + 1)


def _drop_covered(conn: Connection, etype: int, key: Key) -> None:
    """Own facts that the copy holds or its checkpoint covers are no longer pending."""
    waiting = copies.pending(conn, etype, key)
    if not waiting:
        return
    seen_row = conn.execute("SELECT seen FROM copy WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    seen = {(n, i, lane): last for n, i, lane, last in decode(seen_row[0])} if seen_row else {}
    copied = {held.first_id for held in copies.confirmed(conn, etype, key)}
    for held in waiting:
        first = held.first_id
        if first in copied or any(seen.get(fid[:3], 0) >= fid.seq for fid in (held.fid, first)):
            unpend(conn, held.fid)


def unpend(conn: Connection, fid: FactId) -> None:
    """An own fact leaves the overlay: the copy holds it, or it was issued again."""
    conn.execute(
        "DELETE FROM pending WHERE seq = ? AND stream = (SELECT id FROM stream WHERE node = ? AND incarnation = ? "
        "AND lane = ?)",
        (fid.seq, *fid[:3]),
    )


def _leave(store: ApplianceStore, unit: Unit, etype: int, key: Key) -> None:
    """Membership lost: without another scope, and with nothing of our own on it, the copy is deleted."""
    conn = unit.conn
    if conn.execute("SELECT 1 FROM member WHERE etype = ? AND key = ?", (etype, key)).fetchone():
        return
    copies.drop_entity(conn, etype, key)
    conn.execute(
        "DELETE FROM pending WHERE etype = ? AND key = ? AND EXISTS (SELECT 1 FROM stream s "
        "WHERE s.id = pending.stream AND s.acked >= pending.seq)",
        (etype, key),
    )
    show(store, unit, etype, key, None, source="feed")


def show(store: ApplianceStore, unit: Unit, etype: int, key: Key, fid: FactId | None, source: str = "feed") -> None:
    """Refold one entity and put the outcome before people: entity row, projections, change."""
    conn = unit.conn
    if etype not in ENTITY_TYPES:
        return
    shown = copies.refold(conn, etype, key)
    row = conn.execute("SELECT rev, d, x FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    change = Change(etype, key, source, fid)
    unit.changes.append(change)
    if shown is None:
        conn.execute("DELETE FROM entity WHERE etype = ? AND key = ?", (etype, key))
        store.project(conn, None, change)
        return
    rev, d, x = (row[0], row[1], row[2]) if row else (0, copies.ZERO16, copies.ZERO16)
    copies.put_entity(conn, etype, key, rev, d, x, shown)
    store.project(conn, shown.state, change)
