"""Up to where the streams of a machine that was shut out count, and what came of it afterwards.

The marks are set in the transaction that shuts the machine out, with its row in hand: a batch is wholly before, or
wholly after it. An operator may raise one; what lies below it is then taken out of the evidence as if it came now.
Source: protocol way/1, section 4.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.ids import StreamId
from sync.kernel.outcome import PeerFault
from sync.protocol.long_header import FACTS, PROOF_BYTES, Header, parse

SHUT_OUT = "node-shut-out"


@dataclass(frozen=True, slots=True)
class Late:
    """What came of one stream after its machine was shut out: batches that follow on what is held, up to `last`."""

    incarnation: int
    lane: int
    held: int
    last: int
    batches: int


def set_from_held(conn: Connection, node: str) -> list[tuple[int, int, int]]:
    """Every stream counts up to what is held now. Returns (incarnation, lane, seq) of those that hold anything."""
    rows = conn.execute(
        "SELECT incarnation, lane, last FROM stream WHERE node = ? AND last > 0 ORDER BY id", (node,)
    ).fetchall()
    for row in rows:
        set_mark(conn, node, *row)
    return [(row[0], row[1], row[2]) for row in rows]


def set_mark(conn: Connection, node: str, incarnation: int, lane: int, seq: int) -> None:
    """A mark only rises."""
    conn.execute(
        "INSERT INTO last_good (node, incarnation, lane, seq) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (node, incarnation, lane) DO UPDATE SET seq = excluded.seq WHERE last_good.seq < excluded.seq",
        (node, incarnation, lane, seq),
    )


def marks(conn: Connection, node: str) -> list[tuple[int, int, int]]:
    """(incarnation, lane, seq) of a machine that was shut out."""
    rows = conn.execute(
        "SELECT incarnation, lane, seq FROM last_good WHERE node = ? ORDER BY incarnation, lane", (node,)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def counts_up_to(conn: Connection, stream: StreamId) -> int:
    """The mark of a stream; 0 where it has none."""
    row = conn.execute(
        "SELECT seq FROM last_good WHERE node = ? AND incarnation = ? AND lane = ?", tuple(stream)
    ).fetchone()
    return 0 if row is None else int(row[0])


def late(conn: Connection, node: str) -> list[Late]:
    """What an operator may still let count: by stream, as far as the evidence follows on without a gap."""
    found: dict[tuple[int, int], list[Header]] = {}
    for _, header in _evidence(conn, node):
        found.setdefault((header.incarnation, header.lane), []).append(header)
    told = []
    for (incarnation, lane), headers in sorted(found.items()):
        held = upto = _held(conn, node, incarnation, lane)
        n = 0
        for header in sorted(headers, key=lambda one: (one.first, one.last)):
            if header.first <= upto + 1 and header.last > upto:
                upto, n = header.last, n + 1
        if upto > held:
            told.append(Late(incarnation, lane, held, upto, n))
    return told


def batches(conn: Connection, node: str, incarnation: int, lane: int, upto: int) -> list[bytes]:
    """The kept batches of one stream that lie below a mark, in order."""
    chosen = [
        (header.first, number)
        for number, header in _evidence(conn, node)
        if (header.incarnation, header.lane) == (incarnation, lane) and header.last <= upto
    ]
    return [
        bytes(conn.execute("SELECT raw FROM evidence WHERE id = ?", (number,)).fetchone()[0])
        for _, number in sorted(chosen)
    ]


def drop(conn: Connection, node: str, incarnation: int, lane: int) -> None:
    """What the log holds now is no evidence any more."""
    held = _held(conn, node, incarnation, lane)
    for number, header in _evidence(conn, node):
        if (header.incarnation, header.lane) == (incarnation, lane) and header.last <= held:
            conn.execute("DELETE FROM evidence WHERE id = ?", (number,))


def _held(conn: Connection, node: str, incarnation: int, lane: int) -> int:
    row = conn.execute(
        "SELECT last FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", (node, incarnation, lane)
    ).fetchone()
    return 0 if row is None else int(row[0])


def _evidence(conn: Connection, node: str) -> Sequence[tuple[int, Header]]:
    rows = conn.execute(
        "SELECT id, substr(raw, 1, ?) FROM evidence WHERE node = ? AND code = ? ORDER BY id",
        (PROOF_BYTES, node, SHUT_OUT),
    ).fetchall()
    found = []
    for number, head in rows:
        try:
            found.append((number, parse(bytes(head), FACTS, with_body=False)))
        except PeerFault:
            continue
    return found
