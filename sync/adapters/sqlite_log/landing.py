"""Feed entries landing on a box's copies: what one entry does, and what ends a transaction that took some.

Source: protocol way/1, sections 3.3, 3.5, 6.3, 6.4.
"""

from __future__ import annotations

from sync.adapters.sqlite_log import copies
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Unit, set_meta
from sync.adapters.sqlite_log.order import order_bytes
from sync.catalog import ENTITY_TYPES, UNREAD
from sync.kernel.canonical import encode
from sync.kernel.chain import annotated_tag, tag, xor
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Annotation, Key
from sync.kernel.ids import FactId
from sync.protocol import feed

Name = tuple[int, Key]


class Landing:
    """The entries of one transaction. Evictions are judged at its end: what a later entry undid stays."""

    def __init__(self, store: NodeStore, unit: Unit, hub_ms: int) -> None:
        self._store = store
        self._hasher = store.suite.hasher
        self._unit = unit
        self._hub_ms = hub_ms
        self._touched: dict[Name, FactId | None] = {}
        self._leaving: dict[Name, None] = {}

    def take(self, label: str, entry: feed.Entry) -> bool:
        """False: it does not follow on what is held, so the scope needs repair."""
        if isinstance(entry, feed.FactEntry):
            return self._take_fact(label, entry)
        if isinstance(entry, feed.StateEntry):
            self.take_state(label, entry, always=False)
        elif isinstance(entry, feed.EvictEntry):
            self.leave(label, (entry.etype, entry.key))
        else:
            self._forget(entry)
        return True

    def leave(self, label: str, name: Name) -> None:
        """The entity is no longer in this scope."""
        self._unit.conn.execute("DELETE FROM member WHERE label = ? AND etype = ? AND key = ?", (label, *name))
        self._leaving[name] = None

    def join(self, label: str, name: Name) -> None:
        """The entity is in this scope."""
        self._unit.conn.execute(
            "INSERT INTO member (label, etype, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (label, *name)
        )

    def take_state(self, label: str, entry: feed.StateEntry, *, always: bool) -> None:
        """`always`: the hub's answer to a repair counts even where its rev is lower."""
        conn, name, point = self._unit.conn, (entry.etype, entry.key), entry.checkpoint
        if self._is_gone(name):
            return
        self.join(label, name)
        row = conn.execute("SELECT rev FROM entity WHERE etype = ? AND key = ?", name).fetchone()
        if row is not None and not always:
            held = copies.checkpoint(conn, *name)
            if (point.rev, point.fold_version) <= (row[0], held.fold_version if held else 0):
                return
        conn.execute("DELETE FROM copy_fact WHERE etype = ? AND key = ?", name)
        seen = encode([list(one) for one in point.seen_streams])
        copies.put_checkpoint(
            conn, *name, copies.Checkpoint(point.rev, point.floor, seen, point.fold_version, point.state)
        )
        _set_copy(conn, name, point.rev, point.d, point.x)
        self._touched.setdefault(name, None)

    def end(self) -> None:
        """Fold what was touched, drop pending facts that are covered, evict what lost its last scope."""
        for name, fid in self._touched.items():
            drop_covered(self._unit.conn, *name)
            show(self._store, self._unit, *name, fid, source="feed")
        for name in self._leaving:
            leave(self._store, self._unit, *name)
        set_meta(self._unit.conn, "round", self._store.meta_int("round") + 1)

    def _take_fact(self, label: str, entry: feed.FactEntry) -> bool:
        conn = self._unit.conn
        fact = decode_fact(entry.fact)
        name = (fact.etype, fact.key)
        if self._is_gone(name):
            return True
        row = conn.execute("SELECT rev, d, x FROM entity WHERE etype = ? AND key = ?", name).fetchone()
        self.join(label, name)
        rev, d, x = (row[0], row[1], row[2]) if row else (0, copies.ZERO16, copies.ZERO16)
        if entry.rev <= rev:
            return True
        fid = FactId(entry.node, entry.incarnation, entry.lane, entry.seq)
        point = copies.checkpoint(conn, *name)
        if entry.rev != rev + 1 or (point and order_bytes(entry.order, fid, fact.sort_hlc) <= point.floor):
            return False
        copies.lift(conn, *name)
        mark = tag(self._hasher, fid, self._hasher(entry.fact).digest())
        conn.execute(
            "INSERT INTO copy_fact (etype, key, rev, node, incarnation, lane, seq, ord, line, seen, fact) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*name, entry.rev, *fid, entry.order, entry.line, entry.seen, entry.fact),
        )
        note = Annotation(entry.order, entry.rev, entry.line, entry.seen)
        _set_copy(conn, name, entry.rev, xor(d, mark), xor(x, annotated_tag(self._hasher, mark, note)))
        self._touched[name] = fid
        return True

    def _forget(self, entry: feed.GoneEntry) -> None:
        """Past retention or shredded: it leaves every scope, and stays refused until then."""
        name = (entry.etype, entry.key)
        self._unit.conn.execute(
            "DELETE FROM member WHERE label IN (SELECT label FROM cursor) AND etype = ? AND key = ?", name
        )
        self._unit.conn.execute(
            "INSERT INTO gone (etype, key, until) VALUES (?, ?, ?) "
            "ON CONFLICT (etype, key) DO UPDATE SET until = max(until, excluded.until)",
            (*name, entry.until),
        )
        self._touched.pop(name, None)
        self._leaving[name] = None

    def _is_gone(self, name: Name) -> bool:
        return was_forgotten(self._unit.conn, name, self._hub_ms << 16)


def was_forgotten(conn: Connection, name: Name, hlc: int) -> bool:
    """Whether what was written at this instant is about an entity that was then to stay forgotten."""
    row = conn.execute("SELECT until FROM gone WHERE etype = ? AND key = ?", name).fetchone()
    return row is not None and row[0] > hlc


def _set_copy(conn: Connection, name: tuple[int, Key], rev: int, d: bytes, x: bytes) -> None:
    conn.execute(
        "INSERT INTO entity (etype, key, rev, d, x, last_key, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, 0, ?) "
        "ON CONFLICT (etype, key) DO UPDATE SET rev = excluded.rev, d = excluded.d, x = excluded.x",
        (*name, rev, d, x, b"", b""),
    )


def drop_covered(conn: Connection, etype: int, key: Key) -> None:
    """Own facts that the copy holds or its checkpoint covers are no longer pending."""
    waiting = copies.pending(conn, etype, key)
    if not waiting:
        return
    point = copies.checkpoint(conn, etype, key)
    copied = {held.first_id for held in copies.confirmed(conn, etype, key)}
    for held in waiting:
        first = held.first_id
        if first in copied or (point and point.covers(held.fid, first)):
            unpend(conn, held.fid)


def unpend(conn: Connection, fid: FactId) -> None:
    """An own fact leaves the overlay: the copy holds it, or it was issued again."""
    conn.execute(
        "DELETE FROM pending WHERE seq = ? AND stream = (SELECT id FROM stream WHERE node = ? AND incarnation = ? "
        "AND lane = ?)",
        (fid.seq, *fid[:3]),
    )


def leave(store: NodeStore, unit: Unit, etype: int, key: Key) -> None:
    """Membership lost: without another scope, and with nothing of our own on it, the copy is deleted."""
    conn = unit.conn
    if copies.is_member(conn, etype, key):
        return
    copies.drop_entity(conn, etype, key)
    conn.execute(
        "DELETE FROM pending WHERE etype = ? AND key = ? AND EXISTS (SELECT 1 FROM stream s "
        "WHERE s.id = pending.stream AND s.acked >= pending.seq)",
        (etype, key),
    )
    show(store, unit, etype, key, None, source="feed")


def show(store: NodeStore, unit: Unit, etype: int, key: Key, fid: FactId | None, source: str = "feed") -> None:
    """Refold one entity and put the outcome before people: entity row, projections, change."""
    conn = unit.conn
    if etype not in ENTITY_TYPES:
        # A newer release that ran here before may have folded it, and will have to again.
        copies.lift(conn, etype, key)
        conn.execute("UPDATE entity SET fold_version = ? WHERE etype = ? AND key = ?", (UNREAD, etype, key))
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
