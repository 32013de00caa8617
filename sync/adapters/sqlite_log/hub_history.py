"""A node's own facts as the hub holds them, page by page, for a disk that lost them.

Source: protocol way/1, section 4.8.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.ids import StreamId
from sync.protocol.batch import Item, Withheld
from sync.protocol.history import PAGE_BYTES, Page

WITHHELD = 2
_ROWS = 5000


def page(conn: Connection, stream: StreamId, first: int) -> Page | None:
    """Facts of `stream` from `first` on, with the signed headers of the runs that end among them; None at the end."""
    row = conn.execute(
        "SELECT id FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", tuple(stream)
    ).fetchone()
    if row is None:
        return None
    items: list[Item] = []
    size = 0
    for seq, status, fact in conn.execute(
        "SELECT seq, status, fact FROM log WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?", (row[0], first, _ROWS)
    ):
        size += len(fact)
        if (items and size > PAGE_BYTES) or seq != first + len(items):
            break
        items.append(Withheld(bytes(fact)) if status == WITHHELD else bytes(fact))
    if not items:
        return None
    proofs = conn.execute(
        "SELECT last, header FROM arrival WHERE stream = ? AND last BETWEEN ? AND ? AND header IS NOT NULL "
        "ORDER BY last",
        (row[0], first, first + len(items) - 1),
    ).fetchall()
    return Page(first, tuple(items), tuple((last, bytes(header)) for last, header in proofs))
