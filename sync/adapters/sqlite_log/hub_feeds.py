"""Per-scope feeds: their own gapless sequence, an entry chain, floors, set hashes, immutable signed segments.

One `Feeds` a hub process. What it keeps in memory (positions, bucket values) is a cache of the tables and is
dropped when a transaction fails. Source: protocol way/1, sections 3.5, 6.2-6.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log import hub_reissued
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.adapters.sqlite_log.order import BEFORE_ALL
from sync.kernel.chain import xor
from sync.kernel.fact import Key
from sync.kernel.limits import SEGMENT_BYTES, SEGMENT_ENTRIES
from sync.protocol import feed

ZERO_E = bytes(32)


@dataclass(frozen=True, slots=True)
class Point:
    """An entity as it stands: what a checkpoint is made of."""

    state: bytes
    rev: int
    last_key: bytes
    d: bytes
    x: bytes
    fold_version: int


@dataclass(slots=True)
class _Scope:
    sseq: int
    e: bytes
    values: list[bytes]


@dataclass(frozen=True, slots=True)
class HeadRow:
    label: str
    sseq: int
    e: bytes
    root: bytes


class Feeds:
    """Writes entries inside a unit; answers heads, tails and repairs."""

    def __init__(self, store: HubStore) -> None:
        self._store = store
        self._hasher = store.suite.hasher
        self._read: dict[str, tuple[int, tuple[bytes, ...]]] = {}
        self._scopes: dict[str, _Scope] = {}
        self._dirty: set[str] = set()
        self._held: set[str] = set()
        self._turn = 0

    def take_turn(self, turn: int) -> None:
        """Forget what another worker may have changed since this one digested last."""
        if turn != self._turn:
            self.forget()
            self._turn = turn

    def forget(self) -> None:
        self._scopes.clear()
        self._dirty.clear()
        self._held.clear()

    def labels_of(self, conn: Connection, etype: int, key: Key) -> frozenset[str]:
        rows = conn.execute("SELECT label FROM feed_member WHERE etype = ? AND key = ?", (etype, key))
        return frozenset(r[0] for r in rows)

    def enter(self, unit: Unit, label: str, etype: int, key: Key, entry: feed.FactEntry | None, point: Point) -> None:
        """A new entity enters by its first fact; one that moves in enters by its state, which raises the floor."""
        floor = BEFORE_ALL if entry is not None else point.last_key
        unit.conn.execute(
            "INSERT INTO feed_member (label, etype, key, floor) VALUES (?, ?, ?, ?)", (label, etype, key, floor)
        )
        self._put(unit, label, entry or self._state_entry(unit.conn, etype, key, point))
        self._swap(label, etype, key, None, point.x)

    def follow(
        self,
        unit: Unit,
        label: str,
        etype: int,
        key: Key,
        entry: feed.FactEntry,
        order: bytes,
        x_before: bytes,
        point: Point,
    ) -> None:
        """The next fact of an entity already there: as a fact above the floor, else as a fresh checkpoint."""
        row = unit.conn.execute(
            "SELECT floor FROM feed_member WHERE label = ? AND etype = ? AND key = ?", (label, etype, key)
        ).fetchone()
        if order > row[0]:
            self._put(unit, label, entry)
        else:
            self.restate(unit, label, etype, key, point)
        self._swap(label, etype, key, x_before, point.x)

    def restate(self, unit: Unit, label: str, etype: int, key: Key, point: Point) -> None:
        """A fresh checkpoint of an entity that is there already."""
        self._put(unit, label, self._state_entry(unit.conn, etype, key, point))
        self._raise_floor(unit.conn, label, etype, key, point.last_key)

    def evict(self, unit: Unit, label: str, etype: int, key: Key, x_before: bytes) -> None:
        self._put(unit, label, feed.EvictEntry(etype, key))
        unit.conn.execute("DELETE FROM feed_member WHERE label = ? AND etype = ? AND key = ?", (label, etype, key))
        self._swap(label, etype, key, x_before, None)

    def gone(self, unit: Unit, label: str, etype: int, key: Key, x_before: bytes, until: int) -> None:
        """The entity leaves the scope, and whoever holds a copy deletes it and takes none before `until`."""
        self._put(unit, label, feed.GoneEntry(etype, key, until))
        unit.conn.execute("DELETE FROM feed_member WHERE label = ? AND etype = ? AND key = ?", (label, etype, key))
        self._swap(label, etype, key, x_before, None)

    def flush(self, unit: Unit) -> frozenset[str]:
        """Write the positions of the scopes this unit touched; returns their labels."""
        for label in sorted(self._dirty):
            scope = self._scopes[label]
            unit.conn.execute(
                "INSERT INTO feed (label, sseq, e) VALUES (?, ?, ?) "
                "ON CONFLICT (label) DO UPDATE SET sseq = excluded.sseq, e = excluded.e",
                (label, scope.sseq, scope.e),
            )
        dirty, self._dirty = frozenset(self._dirty), set()
        self._held.clear()
        return dirty

    def heads(self, conn: Connection, labels: Sequence[str]) -> list[HeadRow]:
        """Positions and roots of scopes as of this connection's snapshot."""
        found = []
        for label in sorted(labels):
            row = conn.execute("SELECT sseq, e FROM feed WHERE label = ?", (label,)).fetchone()
            sseq, e = (row[0], row[1]) if row else (0, ZERO_E)
            found.append(HeadRow(label, sseq, e, feed.root_of(self._hasher, self.values(conn, label, sseq))))
        return found

    def values(self, conn: Connection, label: str, sseq: int) -> list[bytes]:
        cached = self._scopes.get(label)
        if cached is not None:
            # The writer raises sseq before it touches values, so an unchanged sseq after the copy proves the copy.
            copied = list(cached.values)
            if cached.sseq == sseq:
                return copied
        read = self._read.get(label)
        if read is None or read[0] != sseq:
            # A committed position never gets another content while this process runs: a database put back restarts it.
            read = self._read[label] = (sseq, tuple(self._values_from(conn, label)))
        return list(read[1])

    def tail(
        self, label: str, first: int, sign: Callable[[int, int, bytes, bytes, list[bytes]], bytes]
    ) -> bytes | None:
        """The signed segment that starts at `first`; None when there is nothing, or no more. Full ones are kept.

        `sign(first, last, prev_e, head_e, entries)` returns the segment's bytes.
        """
        store = self._store
        with store.read() as conn:
            kept = conn.execute(
                "SELECT raw FROM segment WHERE label = ? AND epoch = ? AND first = ?", (label, store.epoch, first)
            ).fetchone()
            if kept is not None:
                return bytes(kept[0])
            prev = conn.execute("SELECT e FROM feed_entry WHERE label = ? AND sseq = ?", (label, first - 1)).fetchone()
            border = (first - 1) // SEGMENT_ENTRIES * SEGMENT_ENTRIES + SEGMENT_ENTRIES
            rows = conn.execute(
                "SELECT sseq, e, entry FROM feed_entry WHERE label = ? AND sseq BETWEEN ? AND ? ORDER BY sseq",
                (label, first, border),
            ).fetchall()
        entries: list[bytes] = []
        size = 0
        for _, _, entry in rows:
            if entries and size + len(entry) > SEGMENT_BYTES - 4096:
                break
            entries.append(entry)
            size += len(entry) + 5
        if not entries or (first > 1 and prev is None):
            return None
        last = first + len(entries) - 1
        raw = sign(first, last, prev[0] if prev else ZERO_E, rows[len(entries) - 1][1], entries)
        if last == border:
            with store.write(step="segment.keep") as unit:
                unit.conn.execute(
                    "INSERT INTO segment (label, epoch, first, last, raw) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    (label, store.epoch, first, last, raw),
                )
        return raw

    def members(self, conn: Connection, label: str, buckets: frozenset[int]) -> list[tuple[int, Key, bytes]]:
        """(etype, key, X) of all members in the given buckets, as of this snapshot."""
        rows = conn.execute(
            "SELECT m.etype, m.key, e.x FROM feed_member m JOIN entity e ON e.etype = m.etype "
            "AND e.key = m.key WHERE m.label = ? ORDER BY m.etype, m.key",
            (label,),
        )
        return [(r[0], r[1], r[2]) for r in rows if feed.bucket_of(self._hasher, r[0], r[1]) in buckets]

    def checkpoints(self, label: str, wanted: Sequence[tuple[int, Key]]) -> list[feed.StateEntry]:
        """Fresh checkpoints for a repair; publishing one raises the entity's floor in this scope."""
        entries = []
        with self._store.write(step="checkpoint.publish") as unit:
            hold_scope(unit.conn, label)
            for etype, key in wanted:
                row = unit.conn.execute(
                    "SELECT e.state, e.rev, e.last_key, e.d, e.x, e.fold_version FROM entity e "
                    "JOIN feed_member m ON m.etype = e.etype AND m.key = e.key AND m.label = ? "
                    "WHERE e.etype = ? AND e.key = ?",
                    (label, etype, key),
                ).fetchone()
                if row is None:
                    continue
                point = Point(*row)
                entries.append(self._state_entry(unit.conn, etype, key, point))
                self._raise_floor(unit.conn, label, etype, key, point.last_key)
        return entries

    def _state_entry(self, conn: Connection, etype: int, key: Key, point: Point) -> feed.StateEntry:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, max(f.seq) FROM entity_fact f JOIN stream s "
            "ON s.id = f.stream WHERE f.etype = ? AND f.key = ? GROUP BY s.id",
            (etype, key),
        )
        own = [(r[0], r[1], r[2], r[3]) for r in rows]
        seen = hub_reissued.together(own, hub_reissued.first_places(conn, etype, key))
        return feed.StateEntry(
            etype,
            key,
            feed.Checkpoint(point.state, point.rev, point.last_key, seen, point.d, point.x, point.fold_version),
        )

    def _raise_floor(self, conn: Connection, label: str, etype: int, key: Key, floor: bytes) -> None:
        conn.execute(
            "UPDATE feed_member SET floor = ? WHERE label = ? AND etype = ? AND key = ? AND floor < ?",
            (floor, label, etype, key, floor),
        )

    def _put(self, unit: Unit, label: str, entry: feed.Entry) -> None:
        scope = self._scopes[label]
        raw = feed.encode_entry(entry)
        scope.sseq += 1
        scope.e = feed.next_e(self._hasher, label, scope.sseq, scope.e, raw)
        unit.conn.execute(
            "INSERT INTO feed_entry (label, sseq, epoch, e, entry) VALUES (?, ?, ?, ?, ?)",
            (label, scope.sseq, self._store.epoch, scope.e, raw),
        )
        self._dirty.add(label)

    def load(self, conn: Connection, labels: frozenset[str]) -> None:
        """Bring scopes into memory as they are now: before the unit changes an entity or a member of theirs.

        Their rows are the unit's until its commit.
        """
        for label in sorted(labels - self._held):
            hold_scope(conn, label)
        self._held |= labels
        for label in labels - self._scopes.keys():
            row = conn.execute("SELECT sseq, e FROM feed WHERE label = ?", (label,)).fetchone()
            self._scopes[label] = _Scope(
                row[0] if row else 0, row[1] if row else ZERO_E, self._values_from(conn, label)
            )

    def _values_from(self, conn: Connection, label: str) -> list[bytes]:
        rows = conn.execute(
            "SELECT m.etype, m.key, e.x FROM feed_member m JOIN entity e ON e.etype = m.etype "
            "AND e.key = m.key WHERE m.label = ?",
            (label,),
        )
        return feed.bucket_values(self._hasher, ((r[0], r[1], r[2]) for r in rows))

    def _swap(self, label: str, etype: int, key: Key, old_x: bytes | None, new_x: bytes | None) -> None:
        values = self._scopes[label].values
        at = feed.bucket_of(self._hasher, etype, key)
        for x in (old_x, new_x):
            if x is not None:
                values[at] = xor(values[at], feed.set_item(self._hasher, etype, key, x))


def hold_scope(conn: Connection, label: str) -> None:
    """The scope's row is ours until the commit: what is decided by its floors and written to its feed is one step.

    The digest alone holds several, and only one worker digests; everybody else holds one, so nobody waits in a circle.
    """
    if not conn.for_update:
        return
    conn.execute("INSERT INTO feed (label, sseq, e) VALUES (?, 0, ?) ON CONFLICT DO NOTHING", (label, ZERO_E))
    conn.execute(f"SELECT sseq FROM feed WHERE label = ?{conn.for_update}", (label,))
