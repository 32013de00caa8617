"""What a box may drop of its own log: facts signed for 14 days ago that two verified backups of the hub hold.

The last fact dropped is kept as the anchor: its hash is where the chain goes on, and what the hub is compared with.
What a person still sees of dropped facts stays as a checkpoint of the entity.
Source: protocol way/1, section 5.3.
"""

from __future__ import annotations

from sync.adapters.sqlite_log import copies
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.copies import Held
from sync.adapters.sqlite_log.database import Connection
from sync.adapters.sqlite_log.node_store import set_meta
from sync.adapters.sqlite_log.order import BEFORE_ALL
from sync.catalog import ENTITY_TYPES, fold_fact
from sync.kernel.canonical import decode, encode
from sync.kernel.fact import Key
from sync.kernel.limits import KEEP_ACKED_DAYS

DAY_MS = 24 * 3600 * 1000
HOUR_MS = 3600 * 1000
FACTS_TOGETHER = 2000
"""In one commit: nobody at the box waits long behind it."""
OPEN, WITHHELD = 0, 2

_RIPE = (
    "SELECT s.id, s.safe, max(m.upto), (SELECT min(l.seq) FROM log l WHERE l.stream = s.id) FROM stream s "
    "JOIN mark m ON m.stream = s.id WHERE s.own = 1 AND s.state = ? AND m.at_ms <= ? GROUP BY s.id, s.safe "
    "ORDER BY s.id"
)


def note_mark(conn: Connection, stream: int, upto: int, hub_ms: int) -> None:
    """The hub has signed up to here at this hub time. One row an hour; its time is the latest, never too early."""
    conn.execute(
        "INSERT INTO mark (stream, hour, upto, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (stream, hour) DO UPDATE SET "
        "upto = excluded.upto, at_ms = excluded.at_ms",
        (stream, hub_ms // HOUR_MS, upto, hub_ms),
    )


def prune(store: ApplianceStore) -> int:
    """Drop what the rule allows, oldest first, in short commits. Returns how many facts went."""
    gone = 0
    with store.read() as conn:
        ripe = conn.execute(_RIPE, (OPEN, store.floor_ms() - KEEP_ACKED_DAYS * DAY_MS)).fetchall()
    for stream, safe, signed, first in ripe:
        while first is not None and first < min(safe, signed):
            upto = _prune_some(store, stream, first, min(safe, signed, first + FACTS_TOGETHER))
            if upto <= first:
                break
            gone += upto - first
            first = upto
    return gone


def _prune_some(store: ApplianceStore, stream: int, first: int, upto: int) -> int:
    """Drop facts from `first` up to the anchor, which comes to lie at `upto`, or before it where a fact must stay."""
    with store.write(step="log.prune") as unit:
        conn = unit.conn
        held_back = conn.execute(
            "SELECT min(seq) FROM log WHERE stream = ? AND seq <= ? AND status = ?", (stream, upto, WITHHELD)
        ).fetchone()[0]
        if held_back is not None:
            upto = held_back - 1  # only its digest is at the hub
        upto = _settled(conn, stream, upto)
        if upto <= first:
            return first
        for etype, key in _seen_in(conn, stream, upto):
            _checkpoint(conn, etype, key, stream, upto)
        conn.execute("DELETE FROM log WHERE stream = ? AND seq < ?", (stream, upto))
        conn.execute("DELETE FROM mark WHERE stream = ? AND upto < ?", (stream, upto))
        set_meta(conn, f"pruned.{stream}", upto)
        return upto


def _seen_in(conn: Connection, stream: int, upto: int) -> list[tuple[int, Key]]:
    """Entities that people see by facts up to here which no copy covers."""
    rows = conn.execute(
        "SELECT DISTINCT etype, key FROM pending WHERE stream = ? AND seq <= ? ORDER BY etype, key", (stream, upto)
    )
    return [(row[0], row[1]) for row in rows]


def _settled(conn: Connection, stream: int, upto: int) -> int:
    """How far facts may become checkpoints.

    Not past one whose entity comes down from the hub, nor past one that an older fact, still on its way in another
    stream, sorts before.
    """
    for etype, key in _seen_in(conn, stream, upto):
        going, staying = _parted(conn, etype, key, stream, upto)
        if not going:
            continue
        first = min(held.fid.seq for held in going)
        held_here = copies.is_member(conn, etype, key)
        newest = max(held.order for held in going)
        if held_here or any(held.order < newest for held in staying):
            upto = min(upto, first - 1)
    return upto


def _parted(conn: Connection, etype: int, key: Key, stream: int, upto: int) -> tuple[list[Held], list[Held]]:
    place = conn.execute("SELECT incarnation, lane FROM stream WHERE id = ?", (stream,)).fetchone()
    going: list[Held] = []
    staying: list[Held] = []
    for held in copies.pending(conn, etype, key):
        here = (held.fid.incarnation, held.fid.lane) == (place[0], place[1]) and held.fid.seq <= upto
        (going if here else staying).append(held)
    return going, staying


def _checkpoint(conn: Connection, etype: int, key: Key, stream: int, upto: int) -> None:
    """What these facts made of the entity, without them."""
    kind = ENTITY_TYPES[etype]
    going, _ = _parted(conn, etype, key, stream, upto)
    point = copies.checkpoint(conn, etype, key)
    rev, floor = (point.rev, point.floor) if point else (0, BEFORE_ALL)
    at = kind.load(decode(point.state)) if point else kind.initial()
    for held in sorted(going, key=lambda each: each.order):
        at = fold_fact(etype, at, held.fact, held.fid, held.annotation)
        floor = max(floor, held.order)
    ends = {(n, i, lane): last for n, i, lane, last in decode(point.seen)} if point else {}
    for held in going:
        ends[held.fid[:3]] = max(ends.get(held.fid[:3], 0), held.fid.seq)
    seen = encode([[*k, v] for k, v in sorted(ends.items())])
    state = encode(kind.dump(at))
    copies.put_checkpoint(conn, etype, key, copies.Checkpoint(rev, floor, seen, kind.fold_version, state))
    conn.execute(
        "DELETE FROM pending WHERE etype = ? AND key = ? AND stream = ? AND seq <= ?", (etype, key, stream, upto)
    )
