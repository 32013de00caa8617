"""Own facts that this disk does not know any more and the hub still has: which are wanted, and how they come back.

A disk that was put back meets, in the hub's signed word, streams that go further than its own, or that it never heard
of. They are noted in the commit that takes the word, fetched by the next round, and stored as they were: chained,
never written on, with the hub's mark at their end, so they are not sent again while that mark stands. The stamps of
new facts go above theirs.
Source: protocol way/1, sections 4.6 and 4.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log import landing
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import count, set_meta
from sync.adapters.sqlite_log.streams import REGAINED, ZERO_HASH, add_stream
from sync.catalog import ENTITY_TYPES, KINDS, check_fact
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Fact, Key
from sync.kernel.ids import FactId, StreamId
from sync.kernel.outcome import PeerFault
from sync.protocol.batch import Item, Withheld

TAKEN, SET_ASIDE, WITHHELD = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Lost:
    """A stream that the hub holds up to `upto`, and this disk up to `last`, where its chain hash is `h`."""

    stream: StreamId
    last: int
    h: bytes
    upto: int


def note(conn: Connection, incarnation: int, lane: int, upto: int) -> None:
    """The hub signed for more of an own stream than this disk has."""
    conn.execute(
        "INSERT INTO regain (incarnation, lane, upto) VALUES (?, ?, ?) "
        "ON CONFLICT (incarnation, lane) DO UPDATE SET upto = max(upto, excluded.upto)",
        (incarnation, lane, upto),
    )


def lost(store: ApplianceStore) -> list[Lost]:
    """What is wanted back; empty on every disk that was never put back."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT r.incarnation, r.lane, coalesce(s.last, 0), s.head, r.upto FROM regain r LEFT JOIN stream s "
            "ON s.node = ? AND s.incarnation = r.incarnation AND s.lane = r.lane ORDER BY r.incarnation, r.lane",
            (store.node,),
        ).fetchall()
    return [Lost(StreamId(store.node, r[0], r[1]), r[2], r[3] or ZERO_HASH, r[4]) for r in rows]


def take(store: ApplianceStore, gone: Lost, items: Sequence[Item], hashes: Sequence[bytes]) -> Lost | None:
    """Store proven items that follow on `gone.last`, in one commit; what is still wanted, None when all is back."""
    stream, last = gone.stream, gone.last + len(items)
    with store.write(step="history.regain") as unit:
        conn = unit.conn
        row = conn.execute("SELECT id, last FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", stream)
        found = row.fetchone()
        at = found[0] if found else add_stream(conn, store.suite.hasher, *stream, own=REGAINED).stream
        assert (found[1] if found else 0) == gone.last, "one thread brings history back"
        touched: dict[tuple[int, Key], FactId] = {}
        highest = 0
        for seq, (item, h) in enumerate(zip(items, hashes, strict=True), gone.last + 1):
            fact = None if isinstance(item, Withheld) else _read(item, store.role)
            status = WITHHELD if isinstance(item, Withheld) else SET_ASIDE if fact is None else TAKEN
            conn.execute(
                "INSERT INTO log (stream, seq, h, status, fact) VALUES (?, ?, ?, ?, ?)",
                (at, seq, h, status, item.digest if isinstance(item, Withheld) else item),
            )
            if fact is None:
                continue
            highest = max(highest, fact.hlc)
            name = (fact.etype, fact.key)
            if _folds(fact) and not landing.was_forgotten(conn, name, fact.hlc):
                conn.execute("INSERT INTO pending (etype, key, stream, seq) VALUES (?, ?, ?, ?)", (*name, at, seq))
                touched[name] = FactId(*stream, seq)
        conn.execute(
            "UPDATE stream SET last = ?, head = ?, hlc = max(hlc, ?), acked = max(acked, ?), acked_hlc = ? "
            "WHERE id = ?",
            (last, hashes[-1], highest, last, store.floor_ms() << 16, at),
        )
        unit.high = max(unit.high, highest)
        set_meta(conn, "hlc_high", unit.high)
        for (etype, key), fid in touched.items():
            landing.drop_covered(conn, etype, key)
            landing.show(store, unit, etype, key, fid)
        if last >= gone.upto:
            conn.execute("DELETE FROM regain WHERE incarnation = ? AND lane = ?", stream[1:])
            count(conn, "history.regained", store.clock.wall_ms())
    return Lost(stream, last, hashes[-1], gone.upto) if last < gone.upto else None


def give_up(store: ApplianceStore, gone: Lost) -> None:
    """The hub has no more of it than this disk (it was put back itself meanwhile)."""
    with store.write(step="history.regain") as unit:
        unit.conn.execute("DELETE FROM regain WHERE incarnation = ? AND lane = ?", gone.stream[1:])


def other_history(store: ApplianceStore, gone: Lost) -> None:
    """What the hub gives does not follow on what stands here. What waits here is sent, and shows the hub as much."""
    with store.write(step="history.regain") as unit:
        unit.conn.execute("DELETE FROM regain WHERE incarnation = ? AND lane = ?", gone.stream[1:])
        count(unit.conn, "alarm.history.other", store.clock.wall_ms())


def _read(item: bytes, role: str) -> Fact | None:
    """The fact, or None for one that the hub set aside: wrong in form or kind, or not this role's to write."""
    try:
        fact = decode_fact(item)
        check_fact(fact, role)
    except PeerFault:
        return None
    return fact


def _folds(fact: Fact) -> bool:
    kind = KINDS.get(fact.kind)
    return kind is not None and kind.folded and kind.etype == fact.etype and fact.etype in ENTITY_TYPES
