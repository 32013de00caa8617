"""What a status page reads of this box's books: its own streams, the lists it carries, what it refused."""

from __future__ import annotations

from typing import NamedTuple

from sync.adapters.sqlite_log.bootstrap import loading
from sync.adapters.sqlite_log.connection import Connection


class StreamRow(NamedTuple):
    """One own stream. `state`: 0 open, 1 frozen, 2 waits for an operator."""

    incarnation: int
    lane: int
    last: int
    acked: int
    state: int


class FeedRow(NamedTuple):
    """One list this box carries. `head_at_ms` is hub time; 0: never heard.

    Of one that is arriving, `parts` of `parts_all` segments are here; else both are 0.
    """

    label: str
    epoch: int
    sseq: int
    head_at_ms: int
    parts: int = 0
    parts_all: int = 0


def streams(conn: Connection) -> list[StreamRow]:
    """Newest start first."""
    rows = conn.execute(
        "SELECT incarnation, lane, last, acked, state FROM stream WHERE own = 1 ORDER BY id DESC LIMIT 60"
    )
    return [StreamRow(*row) for row in rows]


def feeds(conn: Connection) -> list[FeedRow]:
    arriving = {each.label: (each.segments, each.segments_all) for each in loading(conn)}
    rows = conn.execute("SELECT label, epoch, sseq, head_at FROM cursor ORDER BY label")
    return [FeedRow(row[0], row[1], row[2], row[3], *arriving.get(row[0], (0, 0))) for row in rows]


def tallies(conn: Connection) -> list[tuple[str, int]]:
    """Counted refusals by code."""
    return [(row[0], row[1]) for row in conn.execute("SELECT code, n FROM tally ORDER BY code")]
