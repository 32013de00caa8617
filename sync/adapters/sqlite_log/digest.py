"""From custody to meaning: annotate, fold, place and feed each fact, in order of arrival, off a durable queue.

Each run is one transaction of its own, so the acknowledgement never waits for it; the lag is shown.
Source: protocol way/1, sections 3.1-3.5, 4.5, 6.2-6.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log import hub_feeds, hub_gone, hub_lineage, hub_orders, hub_reissued
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.copies import ZERO16
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Change, Unit, count
from sync.adapters.sqlite_log.order import BEFORE_ALL, order_bytes
from sync.adapters.sqlite_log.unread import unread
from sync.catalog import ENTITY_TYPES, KINDS, UNREAD, check_fact, fold_fact, nameable, understood
from sync.domain.fleet.facts import LOSS_REPORTED, STREAM_OPENED
from sync.kernel.canonical import decode, encode
from sync.kernel.chain import annotated_tag, tag, xor
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Annotation, Fact, Key
from sync.kernel.hlc import order_stamp
from sync.kernel.ids import CONTROL, FactId
from sync.kernel.outcome import PeerFault
from sync.protocol import feed

Follow = Callable[[Unit, Change, Any], None]
"""A hub policy that runs in the digest's own transaction, once per newly digested fact (it may append facts)."""


@dataclass(frozen=True, slots=True)
class Digested:
    """`facts` taken in this run; `behind`: arrivals still waiting; `quarantined`: nodes that must be told.

    `forked`: nodes of which a fork was found. `oldest`: when the oldest that still waits came, by hub time; 0: none.
    """

    facts: int
    behind: bool
    quarantined: frozenset[str]
    labels: frozenset[str]
    forked: frozenset[str] = frozenset()
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class _Stream:
    node: str
    incarnation: int
    lane: int
    line: int
    role: str


def digest_some(
    store: HubStore,
    feeds: hub_feeds.Feeds,
    follow: Follow | None = None,
    limit: int = 250,
    hurry: Callable[[], bool] = lambda: False,
) -> Digested:
    """Digest up to `limit` facts in one transaction. Idempotent over crashes: queue and effects commit together.

    `hurry` is asked after each fact: somebody else waits for the writer, and the run ends with what it has.
    """
    turn = store.digest_turn()  # before anything is read: where another worker leads, this is the only question
    if turn is None:
        return Digested(0, False, frozenset(), frozenset())
    with store.read() as conn:
        behind = conn.execute("SELECT 1 FROM undigested LIMIT 1").fetchone()
    if behind is None:
        return Digested(0, False, frozenset(), frozenset())
    feeds.take_turn(turn)
    if store.reread_turn != turn:
        with store.read() as conn:
            left = unread(conn, limit)
        if left:
            return Digested(0, True, frozenset(), _reread(store, feeds, left))
        store.reread_turn = turn
    quarantined: set[str] = set()
    forked: set[str] = set()
    taken = 0
    try:
        with store.write(step="digest.run") as unit:
            conn = unit.conn
            some_gone = hub_gone.any_gone(conn)
            while taken < limit and not (taken and hurry()):
                run = conn.execute(
                    "SELECT pos, stream, first, last, hub_hlc FROM undigested ORDER BY pos LIMIT 1"
                ).fetchone()
                if run is None:
                    break
                first = run[2]
                last = min(run[3], first + (limit - taken) - 1)
                stream = _stream(conn, store, run[1])
                again = hub_reissued.among(conn, stream.node, stream.lane, first, last)
                for row in conn.execute(
                    "SELECT seq, status, fact, h FROM log WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq",
                    (run[1], first, last),
                ).fetchall():
                    if row[0] > first and hurry():
                        last = row[0] - 1
                        break
                    fid = FactId(stream.node, stream.incarnation, stream.lane, row[0])
                    if (row[0], bytes(row[3])) in again:
                        continue  # it counts already, under the place where it was issued again
                    if row[1] == 0 and not _digest_one(
                        store, unit, feeds, run[1], stream, fid, row[2], run[4], follow, some_gone
                    ):
                        quarantined.add(stream.node)
                opening = stream.lane == CONTROL and first == 1
                if hub_lineage.learnt(store, unit, stream.node, stream.incarnation, opening=opening):
                    forked.add(stream.node)
                taken += last - first + 1
                if last == run[3]:
                    conn.execute("DELETE FROM undigested WHERE pos = ?", (run[0],))
                else:
                    conn.execute("UPDATE undigested SET first = ? WHERE pos = ?", (last + 1, run[0]))
            labels = feeds.flush(unit)
            more = conn.execute("SELECT hub_hlc FROM undigested ORDER BY pos LIMIT 1").fetchone()
    except BaseException:
        feeds.forget()
        raise
    oldest = more[0] if more else 0
    return Digested(taken, more is not None, frozenset(quarantined), labels, frozenset(forked), oldest)


def _stream(conn: Connection, store: HubStore, stream: int) -> _Stream:
    row = conn.execute(
        "SELECT s.node, s.incarnation, s.lane, coalesce(o.line, 0), n.role FROM stream s LEFT JOIN node n "
        "ON n.node = s.node LEFT JOIN opening o ON o.node = s.node AND o.incarnation = s.incarnation WHERE s.id = ?",
        (stream,),
    ).fetchone()
    return _Stream(row[0], row[1], row[2], row[3], store.role if row[0] == store.node else row[4] or "unknown")


def _digest_one(
    store: HubStore,
    unit: Unit,
    feeds: hub_feeds.Feeds,
    stream_id: int,
    stream: _Stream,
    fid: FactId,
    raw: bytes,
    hub_hlc: int,
    follow: Follow | None,
    some_gone: bool,
) -> bool:
    """False: the fact is quarantined alone; its seq counts, its neighbours go on."""
    try:
        fact = understood(decode_fact(raw))
        check_fact(fact, stream.role)
        if some_gone and hub_gone.is_gone(unit.conn, fact.etype, fact.key, hub_hlc):
            raise PeerFault(hub_gone.REFUSED)
    except PeerFault as fault:
        unit.conn.execute("UPDATE log SET status = 1 WHERE stream = ? AND seq = ?", (stream_id, fid.seq))
        unit.conn.execute(
            "INSERT INTO quarantine (stream, seq, code) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (stream_id, fid.seq, fault.code),
        )
        count(unit.conn, f"quarantine.{fault.code}"[:60], hub_hlc >> 16)
        return False
    if fact.reissue_of is not None and not hub_reissued.take(unit.conn, fid, fact.reissue_of):
        return True
    if fact.kind == STREAM_OPENED and hub_lineage.is_opening(fid):
        hub_lineage.opened(store, unit.conn, fid, fact)
    elif fact.kind == LOSS_REPORTED and fid.node == store.node:
        hub_orders.lose(unit.conn, fact)
    etype = ENTITY_TYPES.get(fact.etype)
    kind = KINDS.get(fact.kind)
    change = Change(fact.etype, fact.key, "hub", fid, fact)
    state = None
    if nameable(fact.key) if etype is None else kind is None or kind.folded:
        state = _take(store, unit, feeds, stream_id, stream, fid, fact, raw, hub_hlc)
    unit.changes.append(change)
    store.project(unit.conn, state, change)
    if follow is not None:
        follow(unit, change, state)
    return True


def _take(
    store: HubStore,
    unit: Unit,
    feeds: hub_feeds.Feeds,
    stream_id: int,
    stream: _Stream,
    fid: FactId,
    fact: Fact,
    raw: bytes,
    hub_hlc: int,
) -> Any:
    """Annotate and fold; place and feed. A fact of a type that is not known here gets its place in order, no more:

    where it belongs is a rule of the catalogue, and what its writer believes is not asked.
    """
    conn = unit.conn
    etype = ENTITY_TYPES.get(fact.etype)
    name = (fact.etype, fact.key)
    row = conn.execute("SELECT rev, d, x, last_key, state FROM entity WHERE etype = ? AND key = ?", name).fetchone()
    rev, d, x, last_key = (row[0], row[1], row[2], row[3]) if row else (0, ZERO16, ZERO16, BEFORE_ALL)
    note = Annotation(order_stamp(fact.sort_hlc, hub_hlc), rev + 1, stream.line, _seen(conn, name, fact.base))
    hasher = store.suite.hasher
    mark = tag(hasher, fid, hasher(raw).digest())
    x_before = x
    d, x = xor(d, mark), xor(x, annotated_tag(hasher, mark, note))
    order = order_bytes(note.order, fid, fact.sort_hlc)
    conn.execute(
        "INSERT INTO entity_fact (etype, key, rev, stream, seq, ord, line, seen, d, known_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*name, rev + 1, stream_id, fid.seq, note.order, note.line, note.seen, d, hub_hlc),
    )
    before = frozenset[str]() if row is None else feeds.labels_of(conn, *name)
    if etype is None:
        state = None
        last_key = max(last_key, order)
    elif order > last_key:
        old = etype.initial() if row is None else etype.load(decode(row[4]))
        state = fold_fact(etype.number, old, fact, fid, note)
        last_key = order
    else:
        state = refold(conn, *name)
    fold_version = UNREAD if etype is None else etype.fold_version
    dumped = b"" if etype is None else encode(etype.dump(state))
    placed = frozenset[str]() if etype is None else etype.place(state)
    feeds.load(conn, before | placed)
    conn.execute(
        "INSERT INTO entity (etype, key, rev, d, x, last_key, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (etype, key) DO UPDATE SET rev = excluded.rev, d = excluded.d, x = excluded.x, "
        "last_key = excluded.last_key, fold_version = excluded.fold_version, state = excluded.state",
        (*name, rev + 1, d, x, last_key, fold_version, dumped),
    )
    entry = feed.FactEntry(*fid, note.order, rev + 1, note.line, note.seen, raw)
    point = hub_feeds.Point(dumped, rev + 1, last_key, d, x, fold_version)
    for label in sorted(before | placed):
        if label not in placed:
            feeds.evict(unit, label, *name, x_before)
        elif label in before:
            feeds.follow(unit, label, *name, entry, order, x_before, point)
        else:
            feeds.enter(unit, label, *name, entry if rev == 0 else None, point)
    return state


def _seen(conn: Connection, name: tuple[int, Key], base: tuple[int, bytes] | None) -> int:
    """How far the writer had seen: the rev whose running D matches what it says. Unequal counts as unseen."""
    if base is None:
        return 0
    row = conn.execute("SELECT d FROM entity_fact WHERE etype = ? AND key = ? AND rev = ?", (*name, base[0])).fetchone()
    if row is not None and row[0][:8] == base[1]:
        return base[0]
    for rev, d in conn.execute("SELECT rev, d FROM entity_fact WHERE etype = ? AND key = ? ORDER BY rev DESC", name):
        if d[:8] == base[1]:
            return int(rev)
    return 0


def _reread(store: HubStore, feeds: hub_feeds.Feeds, left: Sequence[tuple[int, Key]]) -> frozenset[str]:
    """Fold entities again that another release folded; returns the labels of scopes that moved.

    It goes before new facts, so none is folded on a state of another release. A state that came out the same is not
    told again. Source: protocol way/1, section 8.
    """
    try:
        with store.write(step="entities.reread") as unit:
            for etype, key in left:
                _reread_one(store, unit, feeds, etype, key)
            return feeds.flush(unit)
    except BaseException:
        feeds.forget()
        raise


def _reread_one(store: HubStore, unit: Unit, feeds: hub_feeds.Feeds, number: int, key: Key) -> None:
    conn = unit.conn
    etype = ENTITY_TYPES[number]
    rev, d, x, last_key, was = conn.execute(
        "SELECT rev, d, x, last_key, state FROM entity WHERE etype = ? AND key = ?", (number, key)
    ).fetchone()
    state = refold(conn, number, key)
    dumped = encode(etype.dump(state))
    before, placed = feeds.labels_of(conn, number, key), etype.place(state)
    feeds.load(conn, before | placed)
    conn.execute(
        "UPDATE entity SET state = ?, fold_version = ? WHERE etype = ? AND key = ?",
        (dumped, etype.fold_version, number, key),
    )
    point = hub_feeds.Point(dumped, rev, last_key, d, x, etype.fold_version)
    for label in sorted(before | placed):
        if label not in placed:
            feeds.evict(unit, label, number, key, x)
        elif label not in before:
            feeds.enter(unit, label, number, key, None, point)
        elif dumped != was:
            feeds.restate(unit, label, number, key, point)
    change = Change(number, key, "hub")
    unit.changes.append(change)
    store.project(conn, state, change)


def history(conn: Connection, etype: int, key: Key) -> list[tuple[FactId, Fact, Annotation, int]]:
    """All taken facts of an entity in fold order, each with the hub time at which the centre knew (HLC)."""
    rows = conn.execute(
        "SELECT s.node, s.incarnation, s.lane, f.seq, f.ord, f.rev, f.line, f.seen, l.fact, f.known_at "
        "FROM entity_fact f JOIN stream s ON s.id = f.stream JOIN log l ON l.stream = f.stream AND l.seq = f.seq "
        "WHERE f.etype = ? AND f.key = ? AND l.status = 0",
        (etype, key),
    ).fetchall()
    held = []
    for r in rows:
        fid = FactId(r[0], r[1], r[2], r[3])
        held.append((fid, decode_fact(r[8]), Annotation(r[4], r[5], r[6], r[7]), r[9]))
    held.sort(key=lambda h: order_bytes(h[2].order, h[0], h[1].sort_hlc))
    return held


def refold(conn: Connection, etype: int, key: Key) -> Any:
    """State from all facts: what a late one needs, and what the rebuild compares with."""
    kind = ENTITY_TYPES[etype]
    state = kind.initial()
    for fid, fact, note, _ in history(conn, etype, key):
        state = fold_fact(etype, state, fact, fid, note)
    return state
