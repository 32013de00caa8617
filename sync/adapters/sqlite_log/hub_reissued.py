"""Facts that their node wrote a second time under another place: each counts once, whichever of the two came first.

A chain hash names one fact with all that went before it, so it says which fact is meant even where two histories bear
the same number, and where two machines hold one disk and both write it again.
Source: protocol way/1, section 2 (field 13) and 4.7.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.fact import Key
from sync.kernel.ids import FactId

FirstPlace = tuple[int, int, int, bytes, int]
"""(incarnation, lane, seq, h, hlc) of the first writing, as in field 13."""
SeenStream = tuple[str, int, int, int]
"""(node, incarnation, lane, highest seq), as a checkpoint tells it."""


def take(conn: Connection, fid: FactId, first: FirstPlace) -> bool:
    """Whether the fact at `fid`, issued again, is to be folded: its first writing is not here, and no other second."""
    incarnation, lane, seq, h, _ = first
    if _held(conn, fid.node, first) or (seq, h) in among(conn, fid.node, lane, seq, seq):
        return False
    conn.execute(
        "INSERT INTO reissued (node, incarnation, lane, seq, h, by_incarnation, by_lane, by_seq) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (fid.node, incarnation, lane, seq, h, *fid[1:]),
    )
    return True


def _held(conn: Connection, node: str, first: FirstPlace) -> bool:
    """Whether the first writing counts here. A name made of a hash (`fact.apart`) says nothing of its stream."""
    incarnation, lane, seq, h, _ = first
    known = conn.execute(
        "SELECT 1 FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", (node, incarnation, lane)
    ).fetchone()
    held = conn.execute(
        "SELECT 1 FROM stream s JOIN log l ON l.stream = s.id AND l.seq = ? "
        "WHERE s.node = ? AND s.lane = ? AND (s.incarnation = ? OR ? = 0) AND l.h = ? AND l.status = 0",
        (seq, node, lane, incarnation, 0 if known is None else 1, h),
    ).fetchone()
    return held is not None


def among(conn: Connection, node: str, lane: int, first: int, last: int) -> set[tuple[int, bytes]]:
    """(seq, h) of facts in this run of a stream that were taken before under another place."""
    rows = conn.execute(
        "SELECT seq, h FROM reissued WHERE node = ? AND lane = ? AND seq BETWEEN ? AND ?", (node, lane, first, last)
    )
    return {(row[0], bytes(row[1])) for row in rows}


def first_places(conn: Connection, etype: int, key: Key) -> list[SeenStream]:
    """Streams of first writings inside an entity's state: a node that has one of them waiting sees that it counts."""
    rows = conn.execute(
        "SELECT r.node, r.incarnation, r.lane, max(r.seq) FROM entity_fact f JOIN stream s ON s.id = f.stream "
        "JOIN reissued r ON r.node = s.node AND r.by_incarnation = s.incarnation AND r.by_lane = s.lane "
        "AND r.by_seq = f.seq WHERE f.etype = ? AND f.key = ? GROUP BY r.node, r.incarnation, r.lane",
        (etype, key),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def first_places_in(conn: Connection, label: str) -> list[tuple[int, Key, SeenStream]]:
    """The same for every entity of a scope."""
    if conn.execute("SELECT 1 FROM reissued LIMIT 1").fetchone() is None:
        return []
    rows = conn.execute(
        "SELECT f.etype, f.key, r.node, r.incarnation, r.lane, max(r.seq) FROM reissued r "
        "JOIN stream s ON s.node = r.node AND s.incarnation = r.by_incarnation AND s.lane = r.by_lane "
        "JOIN entity_fact f ON f.stream = s.id AND f.seq = r.by_seq "
        "JOIN feed_member m ON m.label = ? AND m.etype = f.etype AND m.key = f.key "
        "GROUP BY f.etype, f.key, r.node, r.incarnation, r.lane",
        (label,),
    )
    return [(row[0], row[1], (row[2], row[3], row[4], row[5])) for row in rows]


def together(*lists: list[SeenStream]) -> tuple[SeenStream, ...]:
    """Each stream once, as far as any of the lists goes."""
    ends: dict[tuple[str, int, int], int] = {}
    for node, incarnation, lane, seq in (one for each in lists for one in each):
        ends[node, incarnation, lane] = max(ends.get((node, incarnation, lane), 0), seq)
    return tuple((*stream, seq) for stream, seq in sorted(ends.items()))
