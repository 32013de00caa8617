"""What operators ordered of nodes and streams, and what they signed as lost: the hub's rows on it.

Each function works inside the caller's transaction. An order for a stream is told again in every welcome to a node
that still names that stream.
Source: protocol way/1, sections 4.7 and 5.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log import hub_holes
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_inbound import CLOSED, FROZEN
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.fleet.facts import loss_reported
from sync.kernel.fact import Fact
from sync.protocol.notices import DISCARD, FREEZE, REISSUE, TELLING_BYTES, TELLING_MAX, THAW, Order

DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Loss:
    """Facts `first` to `last` of a stream that will never come. `why`: hole, rewound, discarded, closed."""

    node: str
    incarnation: int
    lane: int
    first: int
    last: int
    why: str
    reason: str
    signed_at: int
    signed_by: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A frozen stream: the hub holds it up to `held`, and agrees with what else came up to `good`."""

    incarnation: int
    lane: int
    held: int
    good: int
    told: int


def stopped(conn: Connection, node: str) -> list[Stopped]:
    """Streams of a node that wait for an operator's word on two histories."""
    rows = conn.execute(
        "SELECT s.incarnation, s.lane, s.last, coalesce(f.good, 0), coalesce(t.last, 0) FROM stream s "
        "LEFT JOIN frozen_stream f ON f.stream = s.id LEFT JOIN told_head t ON t.node = s.node "
        "AND t.incarnation = s.incarnation AND t.lane = s.lane WHERE s.node = ? AND s.state = ? ORDER BY s.id",
        (node, FROZEN),
    )
    return [Stopped(*row) for row in rows]


def thaw(unit: Unit, node: str, stream: Stopped, choice: int, actor: str, now_ms: int, reason: str = "") -> None:
    """Close a frozen stream where the hub holds it, and order the node to go on elsewhere.

    DISCARD signs a loss, with a reason, of what the node has told of; what it wrote since nobody knows and nobody gave
    up, so the node issues that again.
    """
    conn = unit.conn
    first, last = stream.good + 1, stream.told
    if choice == DISCARD and first <= last:
        unit.append(loss_reported(node, stream.incarnation, stream.lane, first, last, DISCARDED, reason))
    elif choice == DISCARD:
        choice = REISSUE
    row = conn.execute(
        "SELECT id, head FROM stream WHERE node = ? AND incarnation = ? AND lane = ?",
        (node, stream.incarnation, stream.lane),
    ).fetchone()
    conn.execute("UPDATE stream SET state = ? WHERE id = ?", (CLOSED, row[0]))
    place = (stream.incarnation, stream.lane)
    _give(conn, node, Order(0, THAW, place, stream.good, choice, stream.held, bytes(row[1])), actor, now_ms)


def _telling(conn: Connection, stream: int, held: int) -> bytes:
    """By its hashes each machine finds for itself where its history left the hub's: they may be more than two."""
    told: list[bytes] = []
    for seq, h in conn.execute(
        "SELECT seq, h FROM log WHERE stream = ? AND seq <= ? ORDER BY seq DESC LIMIT ?", (stream, held, TELLING_MAX)
    ):
        if seq != held - len(told):
            break
        told.append(bytes(h)[:TELLING_BYTES])
    return b"".join(reversed(told))


def hold(unit: Unit, node: str, actor: str, now_ms: int, *, freeze: bool) -> Order:
    """Stop a whole node, or let it go on."""
    return _give(unit.conn, node, Order(0, FREEZE if freeze else THAW), actor, now_ms)


def _give(conn: Connection, node: str, order: Order, actor: str, now_ms: int) -> Order:
    number = conn.execute("SELECT coalesce(max(number), 0) + 1 FROM node_order WHERE node = ?", (node,)).fetchone()[0]
    incarnation, lane = order.stream or (0, 0)
    conn.execute(
        "INSERT INTO node_order (node, number, verb, incarnation, lane, upto, held, h, choice, given_at, given_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (node, number, order.verb, incarnation, lane, order.upto, order.held, order.h, order.choice, now_ms, actor),
    )
    return Order(number, order.verb, order.stream, order.upto, order.choice, order.held, order.h)


def due(conn: Connection, node: str, streams: Sequence[tuple[int, int]]) -> list[Order]:
    """Orders on streams that the node still names, by number. Nothing is given up before its loss report was read."""
    rows = conn.execute(
        "SELECT o.number, o.verb, o.incarnation, o.lane, o.upto, o.choice, o.held, o.h, l.last, s.id FROM node_order o "
        "JOIN stream s ON s.node = o.node AND s.incarnation = o.incarnation AND s.lane = o.lane "
        "LEFT JOIN loss l ON l.node = o.node AND l.incarnation = o.incarnation AND l.lane = o.lane "
        "AND l.first = o.upto + 1 WHERE o.node = ? AND s.state = ? ORDER BY o.number",
        (node, CLOSED),
    ).fetchall()
    return [
        Order(
            r[0],
            r[1],
            (r[2], r[3]),
            r[4],
            r[5],
            r[6],
            bytes(r[7]),
            (r[8] or 0) if r[5] == DISCARD else 0,
            _telling(conn, r[9], r[6]),
        )
        for r in rows
        if (r[2], r[3]) in streams and (r[5] != DISCARD or r[8] is not None)
    ]


def lose(conn: Connection, fact: Fact) -> None:
    """A loss report was read in the hub's own log: its facts are missing by an operator's word from now on."""
    incarnation, lane, first, last, why, reason = (fact.body[number] for number in range(1, 7))
    conn.execute(
        "INSERT INTO loss (node, incarnation, lane, first, last, why, reason, signed_at, signed_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (node, incarnation, lane, first) "
        "DO UPDATE SET last = excluded.last WHERE loss.last < excluded.last",
        (fact.key, incarnation, lane, first, last, why, reason, fact.at_ms, fact.actor or ""),
    )
    if why == "hole":
        hub_holes.close(conn, str(fact.key), incarnation, lane)


def losses(conn: Connection, node: str = "") -> list[Loss]:
    """What is missing by an operator's word, of one node or of all."""
    rows = conn.execute(
        "SELECT node, incarnation, lane, first, last, why, reason, signed_at, signed_by FROM loss "
        "WHERE node = ? OR ? = '' ORDER BY node, incarnation, lane, first",
        (node, node),
    )
    return [Loss(*row) for row in rows]


def missing(conn: Connection, node: str, but: Sequence[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """(incarnation, lane, first, last) that hellos told of, that never came and that no loss report names.

    `but`: streams that the node still names, whose facts may yet come.
    """
    rows = conn.execute(
        "SELECT t.incarnation, t.lane, coalesce(s.last, 0), t.last FROM told_head t LEFT JOIN stream s "
        "ON s.node = t.node AND s.incarnation = t.incarnation AND s.lane = t.lane WHERE t.node = ? "
        "AND t.last > coalesce(s.last, 0) AND NOT EXISTS (SELECT 1 FROM loss l WHERE l.node = t.node "
        "AND l.incarnation = t.incarnation AND l.lane = t.lane AND l.last >= t.last) "
        "ORDER BY t.incarnation, t.lane",
        (node,),
    ).fetchall()
    return [(r[0], r[1], r[2] + 1, r[3]) for r in rows if (r[0], r[1]) not in but]
