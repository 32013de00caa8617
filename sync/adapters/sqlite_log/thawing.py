"""An operator's word on a stream that was stopped: what lies beyond its last good fact is issued again, or given up.

The stream ends at its last good fact and is complete. What lay beyond moves aside, whole, as evidence; in the same
commit it leaves the overlay and is written anew in the running incarnation. So does a fact that the hub had set aside:
only a hub that was put back since lets it lie there, and that one has not judged it.
Source: protocol way/1, section 4.7.
"""

from __future__ import annotations

from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.landing import show, unpend
from sync.adapters.sqlite_log.node_store import count
from sync.adapters.sqlite_log.streams import ZERO_HASH
from sync.domain.fleet.facts import STREAM_OPENED
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Key
from sync.kernel.ids import FactId
from sync.protocol.notices import REISSUE, Order

OPEN, WITHHELD = 0, 2


def obey(store: ApplianceStore, order: Order) -> int | None:
    """Close the stream that a thaw names. How many facts were beyond its end; None when it has no such stream.

    A stream of the running incarnation ends with it: the node begins a new one first. Doing it again finds nothing.
    """
    assert order.stream is not None
    incarnation, lane = order.stream
    with store.read() as conn:
        known = conn.execute(
            "SELECT 1 FROM stream WHERE own > 0 AND incarnation = ? AND lane = ?", (incarnation, lane)
        ).fetchone()
    if known is None:
        return None
    if incarnation == store.incarnation:
        store.begin_again("thawed")
    with store.write(step="stream.thaw") as unit:
        conn = unit.conn
        stream, dropped = conn.execute(
            "SELECT s.id, coalesce((SELECT nullif(min(l.seq), 1) FROM log l WHERE l.stream = s.id), 0) FROM stream s "
            "WHERE s.own > 0 AND s.incarnation = ? AND s.lane = ?",
            (incarnation, lane),
        ).fetchone()

        def hash_at(seq: int) -> bytes | None:
            row = conn.execute("SELECT h FROM log WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
            return None if row is None else bytes(row[0])

        one_history = hash_at(order.held) == order.h
        # Not what was once acknowledged: a hub that was put back unnoticed holds another fact at its number.
        good = max(dropped, order.held if one_history else order.agreed(hash_at))
        rows = conn.execute(
            "SELECT seq, h, status, fact FROM log WHERE stream = ? AND seq > ? ORDER BY seq", (stream, good)
        ).fetchall()
        touched: dict[tuple[int, Key], FactId] = {}
        for seq, h, status, raw in rows:
            first = FactId(store.node, incarnation, lane, seq)
            unpend(conn, first)
            if status == WITHHELD:
                continue
            fact = decode_fact(raw)
            fid = first
            if (order.choice == REISSUE or not order.upto < seq <= order.lost) and fact.kind != STREAM_OPENED:
                fid = store.issue_again(unit, first, bytes(h), bytes(raw), same=one_history)
            touched[(fact.etype, fact.key)] = fid
        conn.executemany(
            "INSERT INTO behind (stream, seq, h, status, fact) VALUES (?, ?, ?, ?, ?)",
            [(stream, *row) for row in rows],
        )
        conn.execute("DELETE FROM log WHERE stream = ? AND seq > ?", (stream, good))
        end = conn.execute("SELECT h FROM log WHERE stream = ? AND seq = ?", (stream, good)).fetchone()
        conn.execute(
            "UPDATE stream SET last = ?, head = ?, acked = ?, state = ? WHERE id = ?",
            (good, ZERO_HASH if end is None else end[0], good, OPEN, stream),
        )
        for (etype, key), fid in touched.items():
            show(store, unit, etype, key, fid)
        count(conn, "stream.thawed", store.clock.wall_ms())
    return len(rows)
