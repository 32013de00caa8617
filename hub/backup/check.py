"""Whether a database holds what it should: every page readable, every chain whole, every stream as far as was told.

Used on a backup right after it was written, on one that is about to be put back, and on what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.backup.place import StreamEnd
from sync.adapters.sqlite_log import hub_holes
from sync.adapters.sqlite_log.connection import Connection, DatabaseError
from sync.adapters.sqlite_log.meta import kept_suite
from sync.adapters.sqlite_log.streams import ZERO_HASH
from sync.kernel.chain import Chain
from sync.kernel.suite import Hasher

WITHHELD = 2


@dataclass(frozen=True, slots=True)
class Checked:
    """`fault` names the first thing that does not hold: a stream by node, start, lane and seq; never a content."""

    facts: int
    streams: tuple[StreamEnd, ...]
    fault: str | None


def check(conn: Connection, told: Sequence[StreamEnd] | None = None) -> Checked:
    """Every link of every stream recomputed. `told`: how far each stream must go at least."""
    facts, hasher = 0, kept_suite(conn, None).hasher
    ends: list[StreamEnd] = []
    try:
        rows = conn.execute(
            "SELECT id, node, incarnation, lane, last, head FROM stream ORDER BY node, incarnation, lane"
        ).fetchall()
        for stream, node, incarnation, lane, last, head in rows:
            upto, held, fault = _chain(conn, hasher, stream, node, incarnation, lane, last, bytes(head))
            facts += held
            ends.append(StreamEnd(node, incarnation, lane, upto))
            if fault:
                return Checked(facts, tuple(ends), fault)
    except DatabaseError:
        return Checked(facts, tuple(ends), "the file is damaged")
    found = {(each.node, each.incarnation, each.lane): each.upto for each in ends}
    for each in told or ():
        if found.get((each.node, each.incarnation, each.lane), 0) < each.upto:
            return Checked(facts, tuple(ends), f"{_name(each.node, each.incarnation, each.lane)} ends too early")
    return Checked(facts, tuple(ends), None)


def _chain(
    conn: Connection, hasher: Hasher, stream: int, node: str, incarnation: int, lane: int, last: int, head: bytes
) -> tuple[int, int, str | None]:
    """(how far it holds, how many facts that are, the fault). What an operator signed as lost is stepped over."""
    links, prev, seq, held = Chain(hasher, node, incarnation, lane), ZERO_HASH, 0, 0
    for row in conn.execute("SELECT seq, h, status, fact FROM log WHERE stream = ? ORDER BY seq", (stream,)):
        if row[0] > seq + 1 and (over := hub_holes.signed_over(conn, stream, seq + 1, row[0] - 1)) is not None:
            prev, seq = over, row[0] - 1
        d = bytes(row[3]) if row[2] == WITHHELD else links.digest(bytes(row[3]))
        prev = links.link(seq + 1, prev, d)
        if row[0] != seq + 1 or bytes(row[1]) != prev:
            return seq, held, f"{_name(node, incarnation, lane)}/{seq + 1}: the chain does not hold"
        seq, held = seq + 1, held + 1
    ends = None if (seq, prev) == (last, head) else f"{_name(node, incarnation, lane)} ends at {seq}, not {last}"
    return seq, held, ends


def _name(node: str, incarnation: int, lane: int) -> str:
    return f"{node}/{incarnation:016x}/{lane}"
