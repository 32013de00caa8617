"""Streams with a hole: the node has dropped what the hub no longer holds. They wait until a person signs the loss.

Both are right by themselves: the node dropped what two backups held, and the hub was put back to before them. After the
loss report the stream goes on from the first fact that the node still chains.
Source: protocol way/1, section 5.5, and 9, "Inbound stream".
"""

from __future__ import annotations

from collections.abc import Sequence

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.streams import FOREIGN, ZERO_HASH
from sync.protocol.hello import HelloStream

OPEN, WAITING = 0, 2


def note(conn: Connection, node: str, streams: Sequence[HelloStream]) -> None:
    """Compare what a hello says is kept with what is held; holes open and close."""
    for one in streams:
        if one.oldest_kept > 1:
            _compare(conn, node, one)


def _compare(conn: Connection, node: str, one: HelloStream) -> None:
    place = (node, one.incarnation, one.lane)
    row = conn.execute(
        "SELECT id, last, state FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", place
    ).fetchone()
    last, state = (row[1], row[2]) if row else (0, OPEN)
    # Of the oldest fact that is kept the hash alone counts: what it follows on is gone, so it cannot be sent.
    hole = one.oldest_kept > last and not covered(conn, *place, last + 1, one.oldest_kept)
    if hole and row is None:
        conn.execute(
            "INSERT INTO stream (node, incarnation, lane, own, head, state) VALUES (?, ?, ?, ?, ?, ?)",
            (*place, FOREIGN, ZERO_HASH, WAITING),
        )
        row = conn.execute("SELECT id FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", place).fetchone()
    if row is None or state not in (OPEN, WAITING):
        return
    if hole:
        conn.execute(
            "INSERT INTO hole (stream, oldest) VALUES (?, ?) "
            "ON CONFLICT (stream) DO UPDATE SET oldest = excluded.oldest",
            (row[0], one.oldest_kept),
        )
    else:
        conn.execute("DELETE FROM hole WHERE stream = ?", (row[0],))
    conn.execute("UPDATE stream SET state = ? WHERE id = ?", (WAITING if hole else OPEN, row[0]))


def holes(conn: Connection, node: str) -> list[tuple[int, int, int, int]]:
    """(incarnation, lane, first, last) of what a node has dropped and the hub does not hold.

    The last is the oldest fact that the node still has: its hash is where the chain goes on, so it cannot come either.
    """
    rows = conn.execute(
        "SELECT s.incarnation, s.lane, s.last + 1, h.oldest FROM hole h JOIN stream s ON s.id = h.stream "
        "WHERE s.node = ? AND s.state = ? ORDER BY s.id",
        (node, WAITING),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def covered(conn: Connection, node: str, incarnation: int, lane: int, first: int, last: int) -> bool:
    """Whether one loss report names all of these."""
    found = conn.execute(
        "SELECT 1 FROM loss WHERE node = ? AND incarnation = ? AND lane = ? AND first <= ? AND last >= ?",
        (node, incarnation, lane, first, last),
    ).fetchone()
    return found is not None


def close(conn: Connection, node: str, incarnation: int, lane: int) -> None:
    """The loss was signed: the stream goes on."""
    row = conn.execute(
        "SELECT id FROM stream WHERE node = ? AND incarnation = ? AND lane = ? AND state = ?",
        (node, incarnation, lane, WAITING),
    ).fetchone()
    if row is not None:
        conn.execute("UPDATE stream SET state = ? WHERE id = ?", (OPEN, row[0]))
        conn.execute("DELETE FROM hole WHERE stream = ?", (row[0],))


def step_over(conn: Connection, stream: int, seq: int, h: bytes) -> None:
    """What comes next follows on `seq`, whose hash is the node's signed word."""
    conn.execute(
        "INSERT INTO anchor (stream, seq, h) VALUES (?, ?, ?) ON CONFLICT (stream, seq) DO NOTHING", (stream, seq, h)
    )


def signed_over(conn: Connection, stream: int, first: int, last: int) -> bytes | None:
    """The hash at which a stream goes on behind facts that an operator signed as lost; None where nobody did."""
    if not conn.has_table("anchor"):
        return None
    row = conn.execute(
        "SELECT a.h FROM anchor a JOIN stream s ON s.id = a.stream JOIN loss l ON l.node = s.node "
        "AND l.incarnation = s.incarnation AND l.lane = s.lane WHERE a.stream = ? AND a.seq = ? AND l.first <= ? "
        "AND l.last >= ?",
        (stream, last, first, last),
    ).fetchone()
    return None if row is None else bytes(row[0])
