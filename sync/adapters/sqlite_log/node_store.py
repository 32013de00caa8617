"""What every node's store does: one writer, gapless streams, facts in the same commit as what they change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from sync.adapters.clock import Clock
from sync.adapters.idgen import Entropy
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Connection, Database, Readers
from sync.adapters.sqlite_log.entities import entity_row
from sync.adapters.sqlite_log.entities import load_state as load_state
from sync.adapters.sqlite_log.meta import count as count
from sync.adapters.sqlite_log.meta import kept_suite
from sync.adapters.sqlite_log.meta import set_meta as set_meta
from sync.adapters.sqlite_log.steps import LETTING_GO, Point, nothing
from sync.adapters.sqlite_log.streams import (
    NODE_ETYPE,
    OPENED,
    OWN,
    LaneHead,
    Link,
    add_stream,
    opening_body,
    own_heads,
    save_heads,
)
from sync.catalog import ENTITY_TYPES, KINDS, check_fact
from sync.kernel import hlc
from sync.kernel.codec import decode_fact, encode_fact
from sync.kernel.fact import Fact, Key, NewFact, apart
from sync.kernel.ids import CONTROL, FactId, incarnation_from
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Suite

BUILD_MS = 1793491200000
"""2026-11-01 UTC: a wall clock before it is not believed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entity's new state, told after the commit. `source`: own (written here), feed, hub (digested at the hub).

    Source `snapshot`: many entities of the type at once, without a key.
    """

    etype: int
    key: Key
    source: str
    fid: FactId | None = None
    fact: Fact | None = None


class Projector(Protocol):
    """Query tables of one feature: dropped and rebuilt at will, written in the transaction of the change.

    One that also has an attribute `derived` names there the tables that follow from folded states alone. One with a
    method `project_fresh(conn, etype, keys, states)` takes many entities that its tables do not hold, states as dumped.
    """

    etypes: frozenset[int]
    schema_sql: str

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None: ...


class Unit:
    """One transaction. What it appends, projects and enqueues is durable together, or not at all."""

    def __init__(self, store: NodeStore, conn: Connection, actor: str | None, device: str | None) -> None:
        self.conn = conn
        self.actor = actor
        self.device = device
        self.changes: list[Change] = []
        self.heads: dict[int, LaneHead] = {}
        self.written: list[Link] = []
        self.high = store.high
        self.suite = store.suite
        self._store = store
        self._after: list[Callable[[], None]] = []

    def append(self, new: NewFact, *, scopes: Sequence[str] = (), lane: int | None = None) -> FactId:
        """Write one fact at the end of its lane and fold it. Returns its id."""
        return self._store.append_in(self, new, tuple(sorted(set(scopes))), lane)

    def state(self, etype: int, key: Key) -> Any | None:
        return load_state(self.conn, etype, key)

    def on_commit(self, call: Callable[[], None]) -> None:
        """Called after the commit, outside the writer's lock."""
        self._after.append(call)

    def run_after(self) -> None:
        for call in self._after:
            call()


class NodeStore:
    """The base of both nodes. `start_incarnation` must run before anything is appended."""

    schemas: tuple[str, ...] = ("schema_node.sql",)
    source = "own"

    def __init__(
        self,
        path: Path,
        key32: bytes,
        *,
        node: str,
        role: str,
        clock: Clock,
        entropy: Entropy,
        projectors: Sequence[Projector] = (),
        point: Point = nothing,
        database: Database | None = None,
        suite: Suite | None = None,
    ) -> None:
        """`database`: where the tables lie when it is not the file at `path` under `key32`.

        `suite`: its site's; None for the one that the tables were begun with. Raises Unavailable `store.suite` when
        they were begun with another: a stream keeps its hash.
        """
        self.path = path
        self.point = point
        self.node = node
        self.role = role
        self.clock = clock
        self.entropy = entropy
        self.incarnation = 0
        self.high = 0
        self._key32 = key32
        self._database = database or SqlcipherFile(path, key32)
        self._lock = threading.RLock()
        self._unit: Unit | None = None
        self._heads: dict[int, LaneHead] = {}
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self.when_full: Callable[[], object] = lambda: None  # deletes what may go, in units of steps LETTING_GO
        self.projectors = tuple(projectors)
        self._by_etype: dict[int, tuple[Projector, ...]] = {
            number: tuple(p for p in projectors if number in p.etypes) for number in ENTITY_TYPES
        }
        self._start_count = 0
        self._software = ""
        self._why = "start"
        self._conn = self._database.writer()
        self.readers = Readers(self._database)
        here = resources.files("sync.adapters.sqlite_log")
        texts = [(here / name).read_text("utf-8") for name in self.schemas]
        self._database.prepare(self._conn, [*texts, *(p.schema_sql for p in self.projectors)])
        self.suite = kept_suite(self._conn, suite)
        self._load()

    def _load(self) -> None:
        """Subclasses read what they keep in memory."""
        # Streams up to an amended clock bear stamps that hub time had not reached; they bind nobody any more.
        row = self._conn.execute(
            "SELECT max(hlc) FROM stream WHERE own > 0 AND id > ?", (self.meta_int("amended_after"),)
        ).fetchone()
        self.high = max(row[0] or 0, self.meta_int("hlc_high"))

    def start_incarnation(self, software: str, why: str = "start", high: int | None = None) -> None:
        """Draw 63 random bits and commit `stream.opened` as seq 1 of lane 0. Source: protocol way/1, section 1.

        `high`: the stamp to go on from, where a clock was amended; no stamp of an earlier stream counts any more then.
        """
        assert self.incarnation == 0
        self._software, self._why = software, why
        self.incarnation = incarnation_from(self.entropy.bytes(8))
        with self.write(step="start") as unit:
            self._start_count = self.meta_int("start_count") + 1
            set_meta(unit.conn, "start_count", self._start_count)
            set_meta(unit.conn, "suite", self.suite.number)
            if high is not None:
                unit.high = high
                last = unit.conn.execute("SELECT coalesce(max(id), 0) FROM stream").fetchone()[0]
                set_meta(unit.conn, "hlc_high", high)
                set_meta(unit.conn, "amended_after", last)
            self._head_of(unit, CONTROL)

    @contextmanager
    def write(self, *, actor: str | None = None, device: str | None = None, step: str = "act") -> Iterator[Unit]:
        """One durable transaction; others wait. Nesting is refused: a unit is short and whole. `step`: as in `steps`.

        Raises Unavailable `store.write` when the disk does not take the commit, `store.full` when it has no room;
        nothing of the unit is kept then.
        """
        with self._lock:
            assert self._unit is None, "a unit of work is open already"
            self._database.admit(step)
            conn = self._writer()
            unit = Unit(self, conn, actor, device)
            self._unit = unit
            try:
                conn.execute("BEGIN IMMEDIATE")
                yield unit
                if unit.heads:
                    save_heads(conn, unit.heads.values(), unit.high)
                self._committing(unit)
                self.point(f"{step}:before")
                conn.execute("COMMIT")
            except BaseException as fault:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                self._rolled_back()
                told = self._database.unavailable(conn, fault)
                if told is not None:
                    self._unit = None
                    if told.code == "store.full" and step not in LETTING_GO:
                        with suppress(Unavailable):
                            self.when_full()
                    raise told from fault
                raise
            finally:
                self._unit = None
            self.point(f"{step}:after")
            self._heads.update(unit.heads)
            self.high = unit.high
            self._committed(unit)
        unit.run_after()
        if unit.changes:
            for listen in self._listeners:
                listen(unit.changes)

    def _writer(self) -> Connection:
        """The writing connection. When one broke, maybe in a commit, what it left is read back."""
        if self._database.is_lost(self._conn):
            self._conn = self._database.writer()
            self._heads = own_heads(self._conn, self.suite.hasher, self.node, self.incarnation)
            self.high = max(
                self.high, self._conn.execute("SELECT max(hlc) FROM stream WHERE own > 0").fetchone()[0] or 0
            )
        return self._conn

    def _committing(self, unit: Unit) -> None:
        """All of the unit is said and nothing of it is durable: its commit, which comes next, may fail."""

    def _committed(self, unit: Unit) -> None:
        """Still inside the writer's lock: subclasses note what became durable."""

    def _rolled_back(self) -> None:
        """Subclasses drop what they kept in memory for the unit that failed."""

    def read(self) -> AbstractContextManager[Connection]:
        return self.readers.use()

    def listen(self, call: Callable[[Sequence[Change]], None]) -> None:
        """`call` hears every commit's changes, in the committing thread, after the lock is free."""
        self._listeners.append(call)

    def lasts(self) -> dict[int, int]:
        """Lane -> seq of the last committed fact of this process; a lane without one is not there."""
        return {lane: head.last for lane, head in sorted(self._heads.items())}

    def state(self, etype: int, key: Key) -> Any | None:
        with self.read() as conn:
            return load_state(conn, etype, key)

    def meta_int(self, name: str) -> int:
        with self._lock:
            row = self._writer().execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def meta(self, name: str) -> bytes | None:
        with self.read() as conn:
            row = conn.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def believed_wall_ms(self) -> int | None:
        """The wall clock where it can be true, else None. Source: protocol way/1, section 2, "HLC on a node"."""
        wall = self.clock.wall_ms()
        return wall if hlc.believed(wall, BUILD_MS, self.floor_ms()) else None

    def floor_ms(self) -> int:
        return 0

    def clock_quality(self, believed: bool) -> int:
        return 1 if believed else 0

    def tally(self, code: str) -> None:
        """Count one thing worth a number. Nothing of what caused it is kept."""
        now = self.clock.wall_ms()
        with self.write(step="tally") as unit:
            count(unit.conn, code, now)

    def _head_of(self, unit: Unit, lane: int) -> LaneHead:
        head = unit.heads.get(lane) or self._heads.get(lane)
        if head is None:
            assert self.incarnation, "start_incarnation first"
            head = add_stream(unit.conn, self.suite.hasher, self.node, self.incarnation, lane, own=OWN)
            body = opening_body(
                unit.conn,
                self.node,
                lane,
                self.incarnation,
                self._start_count,
                self.clock.boot_id(),
                self._software,
                self._why,
            )
            head, *_ = self._write_fact(unit, head, NewFact(OPENED, NODE_ETYPE, self.node, body), ())
        unit.heads[lane] = head
        return head

    def _write_fact(
        self, unit: Unit, head: LaneHead, new: NewFact, scopes: tuple[str, ...]
    ) -> tuple[LaneHead, FactId, Fact, bytes]:
        stamp, clock = self._next_stamp(unit)
        kind = KINDS.get(new.kind)
        row = entity_row(unit.conn, new.etype, new.key)
        fact = Fact(
            new.kind,
            kind.version if kind else 1,
            new.etype,
            new.key,
            new.body,
            stamp,
            clock,
            unit.actor,
            unit.device,
            scopes,
            None if row is None or row[0] == 0 else (row[0], row[1][:8]),
            new.lease,
        )
        return self._add(unit, head, fact, row)

    def _next_stamp(self, unit: Unit) -> tuple[int, int]:
        """(HLC of the next fact, quality of the clock it was read from)."""
        wall = self.believed_wall_ms()
        unit.high = hlc.next_stamp(unit.high, wall)
        return unit.high, self.clock_quality(wall is not None)

    def _add(
        self, unit: Unit, head: LaneHead, fact: Fact, row: Sequence[Any] | None
    ) -> tuple[LaneHead, FactId, Fact, bytes]:
        """`row`: of the fact's entity as it stands before."""
        raw = encode_fact(fact)
        before, head = head.head, head.link(head.chain.digest(raw))
        unit.conn.execute(
            "INSERT INTO log (stream, seq, h, fact) VALUES (?, ?, ?, ?)", (head.stream, head.last, head.head, raw)
        )
        unit.written.append(Link(head.stream, head.last, before, head.head, raw))
        unit.heads[head.lane] = head
        fid = FactId(self.node, self.incarnation, head.lane, head.last)
        self.after_fact(unit, head, fid, fact, row)
        return head, fid, fact, raw

    def append_in(self, unit: Unit, new: NewFact, scopes: tuple[str, ...], lane: int | None) -> FactId:
        kind = KINDS[new.kind]
        head = self._head_of(unit, kind.lane if lane is None else lane)
        _, fid, fact, _ = self._write_fact(unit, head, new, scopes)
        check_fact(fact, self.role)
        return fid

    def issue_again(self, unit: Unit, first: FactId, h: bytes, raw: bytes, *, same: bool = True) -> FactId:
        """Write an own fact of another stream again, at the end of its lane in the running incarnation.

        `h`: its chain hash there. It keeps its first id and stamp (field 13), so it counts once. Not `same`: another
        fact may bear its number at the hub, so its first id is one that only its hash makes.
        """
        old = decode_fact(raw)
        place = first[1:] if same else (apart(h), *first[2:])
        origin = old.reissue_of or (*place, h, old.hlc)
        head = self._head_of(unit, first.lane)  # may write the lane's opening, which must be stamped before
        stamp, clock = self._next_stamp(unit)
        fact = replace(old, hlc=stamp, clock=clock, reissue_of=origin)
        return self._add(unit, head, fact, entity_row(unit.conn, fact.etype, fact.key))[1]

    def after_fact(self, unit: Unit, head: LaneHead, fid: FactId, fact: Fact, row: Sequence[Any] | None) -> None:
        raise AssertionError("a node is an appliance or a hub")

    def project(self, conn: Connection, state: Any, change: Change) -> None:
        for projector in self._by_etype.get(change.etype, ()):
            projector.project(conn, change.etype, change.key, state, change)

    def project_fresh(self, conn: Connection, etype: int, keys: Sequence[Key], states: Sequence[Any]) -> None:
        """Project entities that no table holds yet, from their dumped states, together where the projector can."""
        for projector in self._by_etype.get(etype, ()):
            together = getattr(projector, "project_fresh", None)
            if together is not None:
                together(conn, etype, keys, states)
                continue
            for key, kept in zip(keys, states, strict=True):
                state = ENTITY_TYPES[etype].load(kept)
                projector.project(conn, etype, key, state, Change(etype, key, "snapshot"))

    def close(self) -> None:
        with self._lock:
            self.readers.close()
            self._conn.close()
