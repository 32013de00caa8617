"""A node's own streams: where each lane stands, and the next link of its chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.chain import Chain
from sync.kernel.ids import CONTROL, LANES
from sync.kernel.suite import Hasher

ZERO_HASH = bytes(32)
FOREIGN, OWN, REGAINED = 0, 1, 2
"""Whose a stream is: another node's, written on this disk, or this node's own given back by the hub."""
OPENED = 1
NODE_ETYPE = 1


class Link(NamedTuple):
    """A fact in its stream: `before` and `h` are the chain's hashes on either side of it."""

    stream: int
    seq: int
    before: bytes
    h: bytes
    fact: bytes


@dataclass(frozen=True, slots=True)
class LaneHead:
    """The end of one own stream: its row id, last seq, hash of the last fact, and how the next is made."""

    stream: int
    lane: int
    last: int
    head: bytes
    chain: Chain

    def link(self, d: bytes) -> LaneHead:
        """The head after one more fact of digest `d`."""
        seq = self.last + 1
        return LaneHead(self.stream, self.lane, seq, self.chain.link(seq, self.head, d), self.chain)


def add_stream(conn: Connection, hasher: Hasher, node: str, incarnation: int, lane: int, *, own: int) -> LaneHead:
    """A new stream row at seq 0."""
    row = conn.execute(
        "INSERT INTO stream (node, incarnation, lane, own, head) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (node, incarnation, lane, int(own), ZERO_HASH),
    ).fetchone()
    return LaneHead(row[0], lane, 0, ZERO_HASH, Chain(hasher, node, incarnation, lane))


def own_heads(conn: Connection, hasher: Hasher, node: str, incarnation: int) -> dict[int, LaneHead]:
    """Where the lanes of an own incarnation stand in the database."""
    rows = conn.execute(
        "SELECT id, lane, last, head FROM stream WHERE own = 1 AND node = ? AND incarnation = ? AND last > 0 "
        "ORDER BY id",
        (node, incarnation),
    ).fetchall()
    return {r[1]: LaneHead(r[0], r[1], r[2], r[3], Chain(hasher, node, incarnation, r[1])) for r in rows}


def save_heads(conn: Connection, heads: Iterable[LaneHead], hlc: int) -> None:
    conn.executemany(
        "UPDATE stream SET last = ?, head = ?, hlc = ? WHERE id = ?",
        [(head.last, head.head, hlc, head.stream) for head in heads],
    )


def opening_body(
    conn: Connection, node: str, lane: int, incarnation: int, start_count: int, boot_id: str, software: str, why: str
) -> dict[int, object]:
    """Body of `stream.opened`: lane 0 names the newest stream of each lane on this disk, lanes 1 and 2 only their own.

    Source: protocol way/1, section 1, "Opening".
    """
    lanes = LANES if lane == CONTROL else (lane,)
    heads: list[list[object]] = []
    previous: int | None = None
    for each in lanes:
        row = conn.execute(
            "SELECT incarnation, last, head FROM stream WHERE own = 1 AND node = ? AND lane = ? AND incarnation <> ? "
            "AND last > 0 ORDER BY id DESC LIMIT 1",
            (node, each, incarnation),
        ).fetchone()
        if row is not None:
            heads.append([row[0], each, row[1], row[2]])
            if each == lane:
                previous = row[0]
    body: dict[int, object] = {2: heads, 3: start_count, 4: boot_id, 5: software, 7: why}
    if previous is not None:
        body[1] = previous
    return dict(sorted(body.items()))
