"""An appliance's copy of an entity: checkpoint, confirmed facts above it, own pending facts on top.

State shown = fold(checkpoint, confirmed ∪ pending, by order key), a union by fact id: the echo of an own fact may
come before or after its acknowledgement, once or twice. Source: protocol way/1, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.order import BEFORE_ALL, order_bytes
from sync.catalog import ENTITY_TYPES, EntityType, fold_fact
from sync.kernel.canonical import decode, encode
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Annotation, Fact, Key
from sync.kernel.ids import FactId

PENDING_REV = None
ZERO16 = bytes(16)


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
    row = conn.execute("SELECT rev0, floor, seen, state FROM copy WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    facts = confirmed(conn, etype, key)
    top = max([f.annotation.rev or 0 for f in facts], default=row[0] if row else 0)
    waiting = pending(conn, etype, key)
    if row is None and not facts and not waiting:
        return None
    covered = {f.first_id for f in facts}
    seen = {(n, i, lane): last for n, i, lane, last in decode(row[2])} if row else {}
    for held in waiting:
        first = held.first_id
        if first not in covered and all(seen.get(fid[:3], 0) < fid.seq for fid in (held.fid, first)):
            facts.append(held)
    return _fold(kind, row[3] if row else None, row[1] if row else BEFORE_ALL, facts, top)


def _fold(kind: EntityType, checkpoint: bytes | None, floor: bytes, facts: list[Held], rev: int) -> Shown:
    state = kind.initial() if checkpoint is None else kind.load(decode(checkpoint))
    last = floor
    for held in sorted(facts, key=lambda h: h.order):
        state = fold_fact(kind.number, state, held.fact, held.fid, held.annotation)
        last = max(last, held.order)
    return Shown(state, last, rev)


def put_entity(conn: Connection, etype: int, key: Key, rev: int, d: bytes, x: bytes, shown: Shown) -> None:
    kind = ENTITY_TYPES[etype]
    conn.execute(
        "INSERT OR REPLACE INTO entity (etype, key, rev, d, x, last_key, fold_version, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (etype, key, rev, d, x, shown.last_key, kind.fold_version, encode(kind.dump(shown.state))),
    )


def drop_entity(conn: Connection, etype: int, key: Key) -> None:
    """The copy goes, the facts this node wrote itself stay in its log."""
    for table in ("copy", "copy_fact", "entity"):
        conn.execute(f"DELETE FROM {table} WHERE etype = ? AND key = ?", (etype, key))
