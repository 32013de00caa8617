"""Facts that their node wrote a second time under another place: each counts once, whichever of the two came first.

Source: protocol way/1, section 2 (field 13) and 4.7.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.ids import FactId

FirstPlace = tuple[int, int, int, bytes, int]
"""(incarnation, lane, seq, h, hlc) of the first writing, as in field 13."""


def take(conn: Connection, fid: FactId, first: FirstPlace) -> bool:
    """Whether the fact at `fid`, issued again, is to be folded: its first writing is not here, and no other second."""
    incarnation, lane, seq, h, _ = first
    held = conn.execute(
        "SELECT l.h, l.status FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? AND s.incarnation = ? "
        "AND s.lane = ? AND l.seq = ?",
        (fid.node, incarnation, lane, seq),
    ).fetchone()
    if held is not None and bytes(held[0]) == h and held[1] == 0:
        return False
    done = conn.execute(
        "INSERT INTO reissued (node, incarnation, lane, seq, h, by_incarnation, by_lane, by_seq) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (node, incarnation, lane, seq, h) DO NOTHING",
        (fid.node, incarnation, lane, seq, h, *fid[1:]),
    )
    return bool(done.rowcount)


def among(conn: Connection, node: str, incarnation: int, lane: int, first: int, last: int) -> set[tuple[int, bytes]]:
    """(seq, h) of facts in this run of a stream that were taken before under another place."""
    rows = conn.execute(
        "SELECT seq, h FROM reissued WHERE node = ? AND incarnation = ? AND lane = ? AND seq BETWEEN ? AND ?",
        (node, incarnation, lane, first, last),
    )
    return {(row[0], bytes(row[1])) for row in rows}
