"""An appliance's copy of an entity: checkpoint, confirmed facts above it, own pending facts on top.

State shown = fold(checkpoint, confirmed ∪ pending, by order key), a union by fact id: the echo of an own fact may
come before or after its acknowledgement, once or twice. Source: protocol way/1, section 3.3.

As long as nothing lies on top of a checkpoint, what it holds is what is shown, and a whole ward begins that way. Then
the entity's own row is the checkpoint and there is no second one: `IS_CHECKPOINT`. Whoever is about to change such a
row, or to put a fact on top of it, calls `lift` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.order import BEFORE_ALL, order_bytes
from sync.catalog import ENTITY_TYPES, EntityType, fold_fact
from sync.kernel.canonical import decode, encode
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Annotation, Fact, Key
from sync.kernel.ids import FactId

PENDING_REV = None
ZERO16 = bytes(16)
NONE_SEEN = encode([])

IS_CHECKPOINT = (
    "e.rev > 0 AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.etype = e.etype AND c.key = e.key) "
    "AND NOT EXISTS (SELECT 1 FROM copy_fact f WHERE f.etype = e.etype AND f.key = e.key)"
)
"""Of a row `e` of `entity`: it is its own checkpoint, and no fact of this node is in it."""


class Checkpoint(NamedTuple):
    """The hub's word on an entity, or what own facts that were dropped had made of it (`rev` 0).

    `seen`: canonical list of [node, incarnation, lane, highest seq] of the streams inside; only this node's matter.
    """

    rev: int
    floor: bytes
    seen: bytes
    fold_version: int
    state: bytes

    def covers(self, *fids: FactId) -> bool:
        """Whether it holds an own fact, by any of its ids."""
        ends = {(node, incarnation, lane): seq for node, incarnation, lane, seq in decode(self.seen)}
        return any(ends.get(fid[:3], 0) >= fid.seq for fid in fids)


@dataclass(frozen=True, slots=True)
class Held:
    """One fact of a copy with what fold may use of it."""

    fid: FactId
    fact: Fact
    annotation: Annotation

    @property
    def first_id(self) -> FactId:
        return self.fact.first_id(self.fid)

    @property
    def order(self) -> bytes:
        return order_bytes(self.annotation.order, self.fid, self.fact.sort_hlc)


@dataclass(frozen=True, slots=True)
class Shown:
    """The outcome of a refold: the state, and the order key of the newest fact in it."""

    state: Any
    last_key: bytes
    rev: int


def checkpoint(conn: Connection, etype: int, key: Key) -> Checkpoint | None:
    """What lies below all facts of the entity here."""
    row = conn.execute(
        "SELECT rev0, floor, seen, fold_version, state FROM copy WHERE etype = ? AND key = ? UNION ALL "
        "SELECT e.rev, e.last_key, ?, e.fold_version, e.state FROM entity e WHERE e.etype = ? AND e.key = ? "
        f"AND {IS_CHECKPOINT}",
        (etype, key, NONE_SEEN, etype, key),
    ).fetchone()
    return None if row is None else Checkpoint(*row)


def lift(conn: Connection, etype: int, key: Key) -> None:
    """Where the entity's row is its own checkpoint, write that down beside it: the row is about to change."""
    conn.execute(
        "INSERT INTO copy (etype, key, rev0, floor, seen, fold_version, state) "
        "SELECT e.etype, e.key, e.rev, e.last_key, ?, e.fold_version, e.state FROM entity e "
        f"WHERE e.etype = ? AND e.key = ? AND {IS_CHECKPOINT}",
        (NONE_SEEN, etype, key),
    )


def put_checkpoint(conn: Connection, etype: int, key: Key, point: Checkpoint) -> None:
    """In the place of an older one."""
    conn.execute(
        "INSERT OR REPLACE INTO copy (etype, key, rev0, floor, seen, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (etype, key, *point),
    )


def is_member(conn: Connection, etype: int, key: Key) -> bool:
    """Whether a held scope has the entity."""
    row = conn.execute(
        "SELECT 1 FROM member WHERE label IN (SELECT label FROM cursor) AND etype = ? AND key = ? LIMIT 1", (etype, key)
    ).fetchone()
    return row is not None


def confirmed(conn: Connection, etype: int, key: Key) -> list[Held]:
    rows = conn.execute(
        "SELECT node, incarnation, lane, seq, ord, rev, line, seen, fact FROM copy_fact WHERE etype = ? AND key = ?",
        (etype, key),
    )
    return [Held(FactId(r[0], r[1], r[2], r[3]), decode_fact(r[8]), Annotation(r[4], r[5], r[6], r[7])) for r in rows]


def pending(conn: Connection, etype: int, key: Key) -> list[Held]:
    rows = conn.execute(
        "SELECT s.node, s.incarnation, s.lane, p.seq, s.line, l.fact FROM pending p JOIN stream s ON s.id = p.stream "
        "JOIN log l ON l.stream = p.stream AND l.seq = p.seq WHERE p.etype = ? AND p.key = ? AND l.status = 0",
        (etype, key),
    )
    held = []
    for r in rows:
        fact = decode_fact(r[5])
        held.append(Held(FactId(r[0], r[1], r[2], r[3]), fact, pending_annotation(fact, r[4])))
    return held


def pending_annotation(fact: Fact, line: int) -> Annotation:
    """Own hlc, arriving last, own line, what the writer's base says it saw."""
    return Annotation(fact.sort_hlc, PENDING_REV, line, fact.base[0] if fact.base else 0)


def refold(conn: Connection, etype: int, key: Key) -> Shown | None:
    """Fold the copy and what is pending on it. None when nothing is left of the entity."""
    kind = ENTITY_TYPES[etype]
    point = checkpoint(conn, etype, key)
    facts = confirmed(conn, etype, key)
    top = max([f.annotation.rev or 0 for f in facts], default=point.rev if point else 0)
    waiting = pending(conn, etype, key)
    if point is None and not facts and not waiting:
        return None
    covered = {f.first_id for f in facts}
    for held in waiting:
        first = held.first_id
        if first not in covered and not (point and point.covers(held.fid, first)):
            facts.append(held)
    return _fold(kind, point, facts, top)


def _fold(kind: EntityType, point: Checkpoint | None, facts: list[Held], rev: int) -> Shown:
    state = kind.initial() if point is None else kind.load(decode(point.state))
    last = BEFORE_ALL if point is None else point.floor
    for held in sorted(facts, key=lambda h: h.order):
        state = fold_fact(kind.number, state, held.fact, held.fid, held.annotation)
        last = max(last, held.order)
    return Shown(state, last, rev)


def put_entity(conn: Connection, etype: int, key: Key, rev: int, d: bytes, x: bytes, shown: Shown) -> None:
    kind = ENTITY_TYPES[etype]
    if rev:
        lift(conn, etype, key)
    conn.execute(
        "INSERT OR REPLACE INTO entity (etype, key, rev, d, x, last_key, fold_version, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (etype, key, rev, d, x, shown.last_key, kind.fold_version, encode(kind.dump(shown.state))),
    )


def drop_entity(conn: Connection, etype: int, key: Key) -> None:
    """The copy goes, the facts this node wrote itself stay in its log."""
    for table in ("copy", "copy_fact", "entity"):
        conn.execute(f"DELETE FROM {table} WHERE etype = ? AND key = ?", (etype, key))
