"""What waits for the hub's signature, and what an acknowledgement does to it.

Nothing frees a fact but a signed, cumulative acknowledgement of this hub epoch. Source: protocol way/1, 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sync.adapters.sqlite_log import regained
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Unit, count, set_meta
from sync.adapters.sqlite_log.pruning import DAY_MS, note_mark
from sync.kernel.ids import FactId, StreamId
from sync.kernel.limits import KEEP_ACKED_DAYS

OPEN, FROZEN, WAITING = 0, 1, 2

SAMPLE_FACTS = 100
"""Facts of a stream that are measured to tell how long its backlog is."""


class OwnStream(NamedTuple):
    """Where an own stream stands: written up to `last`, signed for up to `acked`. state: 0 open, 1 frozen, 2 waits."""

    stream: int
    incarnation: int
    lane: int
    last: int
    acked: int
    acked_h: bytes
    oldest_kept: int
    state: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A run of facts ready to be a batch. `items` are fact bytes, or the 32-byte digest of a withheld one."""

    stream: StreamId
    first: int
    prev_hash: bytes
    items: tuple[bytes, ...]
    withheld: frozenset[int]
    head_hash: bytes
    backlog: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One stream of an acknowledgement, as the wire told it."""

    incarnation: int
    lane: int
    upto: int
    h: bytes
    state: int
    rejects: Sequence[tuple[int, str, int]]
    safe: int


@dataclass(frozen=True, slots=True)
class MarkOutcome:
    """`moved` facts newly signed for; `trouble`: None, `behind`, `unknown-stream`, `rewound`, or another history.

    Of that, `other-history` says that the hub stopped the stream for it, `parted` that it has not met this one yet.
    """

    incarnation: int
    lane: int
    moved: int
    trouble: str | None


def own_streams(store: ApplianceStore, *, only_open: bool = False) -> list[OwnStream]:
    """Own streams that wait for something, and the current ones; oldest first."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT s.id, s.incarnation, s.lane, s.last, s.acked, coalesce(l.h, zeroblob(32)), "
            "coalesce((SELECT min(k.seq) FROM log k WHERE k.stream = s.id), 1), s.state "
            "FROM stream s LEFT JOIN log l ON l.stream = s.id AND l.seq = s.acked "
            "WHERE s.own > 0 AND (s.acked < s.last OR s.incarnation = ?) ORDER BY s.id",
            (store.incarnation,),
        ).fetchall()
    streams = [OwnStream(*row) for row in rows]
    return [s for s in streams if s.state == OPEN] if only_open else streams


def newest_start(store: ApplianceStore) -> int | None:
    """The incarnation of the last process that began on this disk; None where none did."""
    with store.read() as conn:
        row = conn.execute("SELECT incarnation FROM stream WHERE own = 1 ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def ended_unsafe(store: ApplianceStore, most: int) -> list[OwnStream]:
    """Complete streams of earlier starts that only wait to hear that they may be dropped; the oldest first.

    Nobody speaks of them any more, so the hello names a few: the welcome then says how far they are safe.
    """
    with store.read() as conn:
        rows = conn.execute(
            "SELECT s.id, s.incarnation, s.lane, s.last, s.acked, l.h, "
            "(SELECT min(k.seq) FROM log k WHERE k.stream = s.id), s.state FROM stream s "
            "JOIN log l ON l.stream = s.id AND l.seq = s.last "
            "WHERE s.own = 1 AND s.acked = s.last AND s.incarnation <> ? AND s.state = ? AND s.safe < s.last "
            "AND NOT EXISTS (SELECT 1 FROM mark m WHERE m.stream = s.id AND m.at_ms > ?) ORDER BY s.id LIMIT ?",
            (store.incarnation, OPEN, store.floor_ms() - KEEP_ACKED_DAYS * DAY_MS, most),
        ).fetchall()
    return [OwnStream(*row) for row in rows]


def cut(store: ApplianceStore, stream: OwnStream, first: int, *, facts_max: int, bytes_max: int) -> Cut | None:
    """Facts from `first` on, at least one if there is one; None when nothing is left to send.

    Of `stream` only the names count, so one that was read long ago is as good.
    """
    newest = store.newest(stream.stream, first, facts_max)
    if newest:
        prev_hash, rows = newest[0].before, [(link.seq, link.h, 0, link.fact) for link in newest]
    else:
        prev_hash, rows = _logged(store, stream.stream, first, facts_max)
    if not rows or rows[0][0] != first:
        return None  # dropped: the hub has it, and is about to say so
    size, head = 0, b""
    items: list[bytes] = []
    held_back: set[int] = set()
    for _, h, status, fact in rows:
        if items and size + len(fact) > bytes_max:
            break
        if status == 2:
            held_back.add(len(items))
        items.append(fact)
        size += len(fact) + 3
        head = h
    return Cut(
        StreamId(store.node, stream.incarnation, stream.lane),
        first,
        prev_hash,
        tuple(items),
        frozenset(held_back),
        head,
        stream.incarnation != store.incarnation,
    )


def _logged(
    store: ApplianceStore, stream: int, first: int, most: int
) -> tuple[bytes, list[tuple[int, bytes, int, bytes]]]:
    """The hash before a run of the log, and (seq, h, status, fact) of each of it."""
    with store.read() as conn:
        # With the link before `first`: it is a neighbour, and a walk of its own would read its pages again.
        rows = conn.execute(
            "SELECT seq, h, status, fact FROM log WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (stream, first - 1, most + 1),
        ).fetchall()
    before = rows.pop(0)[1] if rows and rows[0][0] == first - 1 else bytes(32)
    return before, rows[:most]


def apply_marks(
    store: ApplianceStore,
    marks: Sequence[Mark],
    hub_ms: int,
    raw: bytes,
    *,
    welcome: bool,
    look: Callable[[Connection], None] = lambda conn: None,
) -> list[MarkOutcome]:
    """Take the hub's word: raise marks, free what it signed for, notice histories that do not agree. One commit.

    `look` reads what this commit holds, before it is one.
    """
    with store.write(step="ack.apply") as unit:
        if welcome:
            _open_others(unit.conn, marks)
        outcomes = [_apply_mark(store, unit, mark, hub_ms, raw, welcome) for mark in marks]
        if hub_ms:
            store.heard_hub_time(hub_ms)
            set_meta(unit.conn, "hub_time_ms", store.floor_ms())
        look(unit.conn)
    return outcomes


def _open_others(conn: Connection, marks: Sequence[Mark]) -> None:
    """A stream that a welcome leaves out stands at the hub as the hello told it, and is open."""
    told = {(mark.incarnation, mark.lane) for mark in marks}
    stopped = conn.execute("SELECT id, incarnation, lane FROM stream WHERE own > 0 AND state <> ?", (OPEN,)).fetchall()
    for stream, incarnation, lane in stopped:
        if (incarnation, lane) not in told:
            conn.execute("UPDATE stream SET state = ? WHERE id = ?", (OPEN, stream))


def _dropped(conn: Connection, stream: int, seq: int) -> bool:
    """Whether a fact of an own stream can no longer be sent from this disk: of the oldest, only the hash counts."""
    lowest = conn.execute("SELECT min(seq) FROM log WHERE stream = ?", (stream,)).fetchone()[0]
    return lowest is not None and lowest > 1 and seq <= lowest


def _apply_mark(store: ApplianceStore, unit: Unit, mark: Mark, hub_ms: int, raw: bytes, welcome: bool) -> MarkOutcome:
    conn = unit.conn

    def done(moved: int, trouble: str | None = None) -> MarkOutcome:
        if trouble:
            count(conn, f"ack.{trouble}", store.clock.wall_ms())
        return MarkOutcome(mark.incarnation, mark.lane, moved, trouble)

    row = conn.execute(
        "SELECT id, last, acked, state FROM stream WHERE own > 0 AND incarnation = ? AND lane = ?",
        (mark.incarnation, mark.lane),
    ).fetchone()
    if row is None:
        if welcome and mark.upto:  # the hub names what lies beyond this disk's past, and nothing else, unasked
            regained.note(conn, mark.incarnation, mark.lane, mark.upto)
        return done(0, "unknown-stream")
    stream, last, acked, state = row

    def other_history() -> MarkOutcome:
        """Two histories bear one number: neither is taken over before an operator has said what becomes of them.

        What the hub set aside of the part that it signed for is the same fact in both. A hub that has not met this
        history is shown it: the stream goes on being sent, or nobody would ever be asked.
        """
        for seq, code, _ in mark.rejects:
            if seq <= acked:
                _set_aside(store, unit, stream, mark, seq, code)
        if mark.state != FROZEN:
            return done(0, "parted")
        conn.execute("UPDATE stream SET state = ? WHERE id = ?", (FROZEN, stream))
        return done(0, "other-history")

    if mark.state == FROZEN and mark.upto > last:
        return other_history()
    if mark.upto > last:
        if state != FROZEN:
            regained.note(conn, mark.incarnation, mark.lane, mark.upto)
        # This disk was put back; what the hub set aside of the part that is here is set aside here all the same.
        for seq, code, _ in mark.rejects:
            _set_aside(store, unit, stream, mark, seq, code)
        return done(0, "rewound")
    if mark.upto < acked and _dropped(conn, stream, mark.upto + 1):
        # The hub lost what was dropped here; it says whether the stream waits for a person or goes on behind that.
        conn.execute("UPDATE stream SET state = ? WHERE id = ?", (mark.state, stream))
        return done(0)
    if mark.upto < acked:
        return done(0, "behind" if welcome else None)
    if mark.upto:
        own = conn.execute("SELECT h FROM log WHERE stream = ? AND seq = ?", (stream, mark.upto)).fetchone()
        if own is None or own[0] != mark.h:
            return other_history()
    conn.execute(
        "UPDATE stream SET acked = ?, acked_hlc = ?, safe = max(safe, ?), state = ? WHERE id = ?",
        (mark.upto, hub_ms << 16, mark.safe, mark.state, stream),
    )
    if mark.upto > acked or not conn.execute("SELECT 1 FROM mark WHERE stream = ? LIMIT 1", (stream,)).fetchone():
        note_mark(conn, stream, mark.upto, hub_ms)
    if mark.upto > acked:
        conn.execute("INSERT OR REPLACE INTO receipt (stream, raw) VALUES (?, ?)", (stream, raw))
    for seq, code, _ in mark.rejects:
        _set_aside(store, unit, stream, mark, seq, code)
    return done(mark.upto - acked)


def _set_aside(store: ApplianceStore, unit: Unit, stream: int, mark: Mark, seq: int, code: str) -> None:
    """A fact the hub quarantined: it leaves the fold here too, visibly, and keeps its place in the chain."""
    from sync.adapters.sqlite_log.landing import show

    conn = unit.conn
    touched = conn.execute("SELECT etype, key FROM pending WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
    fresh = conn.execute("UPDATE log SET status = 1 WHERE stream = ? AND seq = ? AND status = 0", (stream, seq))
    if not fresh.rowcount:
        return  # told before: rejects stand in every acknowledgement of their stream
    conn.execute("DELETE FROM pending WHERE stream = ? AND seq = ?", (stream, seq))
    count(conn, f"reject.{code}"[:60], store.clock.wall_ms())
    if touched is not None:
        show(store, unit, touched[0], touched[1], FactId(store.node, mark.incarnation, mark.lane, seq))


def withhold(store: ApplianceStore, stream: int, seq: int, digest: bytes) -> None:
    """A lone fact the hub refused three times: only its digest travels from now on; its bytes stay in `withheld`."""
    with store.write(step="fact.withhold") as unit:
        row = unit.conn.execute("SELECT fact FROM log WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
        set_meta(unit.conn, f"withheld.{stream}.{seq}", row[0])
        unit.conn.execute("UPDATE log SET status = 2, fact = ? WHERE stream = ? AND seq = ?", (digest, stream, seq))
        unit.conn.execute("DELETE FROM pending WHERE stream = ? AND seq = ?", (stream, seq))
        count(unit.conn, "fact.withheld", store.clock.wall_ms())


def ledger(conn: Connection) -> tuple[int, int]:
    """(produced, received): facts written by this node, and of those how many the hub has signed for."""
    row = conn.execute("SELECT coalesce(sum(last), 0), coalesce(sum(acked), 0) FROM stream WHERE own > 0").fetchone()
    return row[0], row[1]


def backlog_bytes(conn: Connection) -> int:
    """About how many bytes of facts the hub has not signed for: their number, by the size of those that go next."""
    about = 0
    for stream, acked, waiting in conn.execute(
        "SELECT id, acked, last - acked FROM stream WHERE own > 0 AND last > acked ORDER BY id"
    ).fetchall():
        seen, size = conn.execute(
            "SELECT count(*), coalesce(sum(length(fact)), 0) FROM "
            "(SELECT fact FROM log WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?) AS next_ones",
            (stream, acked, SAMPLE_FACTS),
        ).fetchone()
        about += size * waiting // seen if seen else 0
    return about


def is_acked(conn: Connection, fid: FactId) -> bool:
    row = conn.execute("SELECT acked FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", fid[:3]).fetchone()
    return row is not None and row[0] >= fid.seq


def receipts(store: ApplianceStore) -> list[bytes]:
    """The last signed acknowledgement of each stream, whole, each once: what the hub once promised."""
    with store.read() as conn:
        return sorted({row[0] for row in conn.execute("SELECT raw FROM receipt")})
