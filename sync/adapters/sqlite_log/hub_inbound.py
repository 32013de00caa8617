"""A batch at the hub's door, after its bytes proved good: where it stands in its stream, and the commit that keeps it.

One transaction with the stream row in hand. The acknowledgement promises custody, not digestion.
Source: protocol way/1, section 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log import hub_holes
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_marks import SHUT_OUT, counts_up_to
from sync.adapters.sqlite_log.hub_store import COUNTING, HubStore
from sync.adapters.sqlite_log.node_store import Unit, count
from sync.adapters.sqlite_log.streams import FOREIGN, OWN, ZERO_HASH
from sync.kernel.codec import decode_fact
from sync.kernel.ids import StreamId
from sync.kernel.limits import EVIDENCE_BYTES_MAX, PARKED_BATCHES_MAX, PARKED_BYTES_MAX
from sync.protocol import inbound

OPEN, FROZEN, WAITING, CLOSED = 0, 1, 2, 3
_TOLD = (OPEN, FROZEN, WAITING, FROZEN)
"""State as told: to its node a closed stream is a frozen one, until it has obeyed the order that goes with it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified batch: `hashes[i]` is the chain hash of `items[i]`; withheld items are their 32-byte digest.

    `header`: the signed bytes that stay as proof; None for the hub's own facts, which it need not prove to itself.
    """

    stream: StreamId
    first: int
    prev: bytes
    items: Sequence[bytes]
    withheld: frozenset[int]
    hashes: Sequence[bytes]
    header: bytes | None
    raw: bytes

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1


@dataclass(frozen=True, slots=True)
class StreamMark:
    """What the hub may sign for one stream."""

    incarnation: int
    lane: int
    upto: int
    h: bytes
    state: int
    gaps: tuple[tuple[int, int], ...]
    rejects: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """`verdict`: appended, duplicate, parked, gap, equivocation, frozen, shut-out."""

    verdict: str
    appended: int


def accept(store: HubStore, batch: Arrival, reopen_parked: bool = True) -> tuple[Taken, list[bytes]]:
    """Take one batch. Returns the outcome and parked batches that may now fit (give them to the door again)."""
    with store.write(step="batch.append") as unit:
        taken = _place(store, unit, batch)
        waiting: list[bytes] = []
        if taken.verdict == "appended" and reopen_parked:
            waiting = _unpark(unit.conn, batch.stream)
    return taken, waiting


def accept_many(
    store: HubStore, batches: Sequence[Arrival], look: Callable[[Connection], None] = lambda conn: None
) -> list[tuple[Taken, list[bytes]]]:
    """Group commit: several batches, one flush to disk. `look` reads what this commit holds, before it is one."""
    # Workers that take several streams each take their rows in one order, or they would wait for each other.
    order = sorted(range(len(batches)), key=lambda i: batches[i].stream)
    with store.write(step="batch.append") as unit:
        outcomes = dict[int, tuple[Taken, list[bytes]]]()
        for i in order:
            taken = _place(store, unit, batches[i])
            outcomes[i] = taken, _unpark(unit.conn, batches[i].stream) if taken.verdict == "appended" else []
        look(unit.conn)
    return [outcomes[i] for i in range(len(batches))]


def _place(store: HubStore, unit: Unit, batch: Arrival) -> Taken:
    conn = unit.conn
    standing = conn.execute(f"SELECT state FROM node WHERE node = ?{conn.for_share}", (batch.stream.node,)).fetchone()
    after = standing is None or standing[0] not in COUNTING
    if after and not (standing and standing[0] == "revoked" and batch.last <= counts_up_to(conn, batch.stream)):
        # Read in the commit's own transaction: a batch is wholly before a revocation, or wholly after it.
        _keep_evidence(store, unit, batch, SHUT_OUT)
        return Taken("shut-out", 0)
    return _join(store, unit, batch, own=FOREIGN)


def accept_own(store: HubStore, batch: Arrival) -> Taken:
    """Take back a batch of this hub's own facts, into a database that was put back and not yet in service.

    The clock of stamps rises above them, so what is written from now on sorts after. Verdict `gap` keeps nothing.
    """
    with store.write(step="batch.append") as unit:
        row = unit.conn.execute(
            "SELECT last FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", batch.stream
        ).fetchone()
        if batch.first > (row[0] if row else 0) + 1:
            return Taken("gap", 0)
        unit.high = max(unit.high, *(decode_fact(item).hlc for item in batch.items))
        return _join(store, unit, batch, own=OWN)


def _join(store: HubStore, unit: Unit, batch: Arrival, *, own: int) -> Taken:
    conn = unit.conn
    stream, upto, head_hash, state = _hold(conn, batch.stream, own=own)
    if batch.first > upto + 1 and hub_holes.covered(conn, *batch.stream, upto + 1, batch.first - 1):
        hub_holes.step_over(conn, stream, batch.first - 1, batch.prev)
        upto, head_hash = batch.first - 1, batch.prev

    def hash_at(seq: int) -> bytes:
        if seq == upto:
            return bytes(head_hash)
        row = conn.execute("SELECT h FROM log WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
        return b"" if row is None else bytes(row[0])  # of what was signed as lost, nothing can be a duplicate

    view = inbound.StreamView(upto, state in (FROZEN, CLOSED), hash_at)
    match inbound.place(view, first=batch.first, prev=batch.prev, hashes=batch.hashes):
        case inbound.Evidence():
            _keep_evidence(store, unit, batch, "stream-frozen")
            return Taken("frozen", 0)
        case inbound.Park():
            return _park(conn, stream, batch)
        case inbound.Equivocation():
            conn.execute("UPDATE stream SET state = ? WHERE id = ?", (FROZEN, stream))
            conn.execute(
                "INSERT INTO frozen_stream (stream, good, found_at) VALUES (?, ?, ?) ON CONFLICT (stream) DO NOTHING",
                (stream, inbound.agreed(view, first=batch.first, prev=batch.prev, hashes=batch.hashes), unit.high),
            )
            _keep_evidence(store, unit, batch, "equivocation")
            return Taken("equivocation", 0)
        case inbound.Duplicate():
            _fill_withheld(store, unit, stream, batch, upto)
            return Taken("duplicate", 0)
        case inbound.Append(skip):
            _fill_withheld(store, unit, stream, batch, upto)
            return _append(store, unit, stream, skip, batch)


def _hold(conn: Connection, name: StreamId, *, own: int) -> tuple[int, int, bytes, int]:
    """(id, last, head, state) of a stream whose row is ours until the commit; a new stream stands at 0."""
    asked = f"SELECT id, last, head, state FROM stream WHERE node = ? AND incarnation = ? AND lane = ?{conn.for_update}"
    row = conn.execute(asked, name).fetchone()
    if row is None:
        conn.execute(
            "INSERT INTO stream (node, incarnation, lane, own, head) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*name, own, ZERO_HASH),
        )
        row = conn.execute(asked, name).fetchone()
    return row[0], row[1], row[2], row[3]


def _append(store: HubStore, unit: Unit, stream: int, skip: int, batch: Arrival) -> Taken:
    rows = [
        (stream, batch.first + i, batch.hashes[i], 2 if i in batch.withheld else 0, batch.items[i])
        for i in range(skip, len(batch.items))
    ]
    unit.conn.executemany("INSERT INTO log (stream, seq, h, status, fact) VALUES (?, ?, ?, ?, ?)", rows)
    unit.conn.execute("UPDATE stream SET last = ?, head = ? WHERE id = ?", (batch.last, batch.hashes[-1], stream))
    store.arrive(unit, stream, batch.first + skip, batch.last, store.hub_hlc(unit), batch.header)
    return Taken("appended", len(rows))


def _fill_withheld(store: HubStore, unit: Unit, stream: int, batch: Arrival, upto: int) -> None:
    """A later batch that carries the bytes of a withheld fact fills it in; the chain already vouches for them."""
    conn = unit.conn
    gone = conn.execute(
        "SELECT seq FROM log WHERE stream = ? AND status = 2 AND seq BETWEEN ? AND ?",
        (stream, batch.first, min(batch.last, upto)),
    ).fetchall()
    for (seq,) in gone:
        i = seq - batch.first
        if i not in batch.withheld:
            conn.execute(
                "UPDATE log SET status = 0, fact = ? WHERE stream = ? AND seq = ?", (batch.items[i], stream, seq)
            )
            store.arrive(unit, stream, seq, seq, store.hub_hlc(unit))


def _park(conn: Connection, stream: int, batch: Arrival) -> Taken:
    n, size = conn.execute(
        "SELECT count(*), coalesce(sum(length(raw)), 0) FROM parked WHERE stream = ?", (stream,)
    ).fetchone()
    if n >= PARKED_BATCHES_MAX or size + len(batch.raw) > PARKED_BYTES_MAX:
        return Taken("gap", 0)
    conn.execute(
        "INSERT INTO parked (stream, first, raw) VALUES (?, ?, ?) "
        "ON CONFLICT (stream, first) DO UPDATE SET raw = excluded.raw",
        (stream, batch.first, batch.raw),
    )
    return Taken("parked", 0)


def _unpark(conn: Connection, stream: StreamId) -> list[bytes]:
    ready = conn.execute(
        "SELECT p.stream, p.first, p.raw FROM stream s JOIN parked p ON p.stream = s.id "
        "WHERE s.node = ? AND s.incarnation = ? AND s.lane = ? AND p.first <= s.last + 1 ORDER BY p.first",
        stream,
    ).fetchall()
    if ready:
        conn.execute("DELETE FROM parked WHERE stream = ? AND first <= ?", (ready[-1][0], ready[-1][1]))
    return [r[2] for r in ready]


def _keep_evidence(store: HubStore, unit: Unit, batch: Arrival, code: str) -> None:
    """Once, however often it is sent: a machine that is shut out may go on offering the same batch for weeks."""
    node = batch.stream.node
    held = unit.conn.execute("SELECT coalesce(sum(length(raw)), 0) FROM evidence WHERE node = ?", (node,)).fetchone()[0]
    count(unit.conn, f"evidence.{code}", store.clock.wall_ms())
    again = unit.conn.execute(
        "SELECT 1 FROM evidence WHERE node = ? AND code = ? AND raw = ? LIMIT 1", (node, code, batch.raw)
    ).fetchone()
    if again is None and held + len(batch.raw) <= EVIDENCE_BYTES_MAX:
        unit.conn.execute(
            "INSERT INTO evidence (node, code, hub_hlc, raw) VALUES (?, ?, ?, ?)",
            (node, code, store.hub_hlc(unit), batch.raw),
        )


def marks(conn: Connection, node: str, streams: Sequence[tuple[int, int]]) -> list[StreamMark]:
    """What to sign for the named (incarnation, lane) of a node. A stream the hub has never seen is at 0."""
    found = []
    for incarnation, lane in streams:
        row = conn.execute(
            "SELECT s.id, s.last, s.head, s.state, (SELECT min(p.first) FROM parked p WHERE p.stream = s.id), "
            "EXISTS (SELECT 1 FROM quarantine q WHERE q.stream = s.id) "
            "FROM stream s WHERE s.node = ? AND s.incarnation = ? AND s.lane = ?",
            (node, incarnation, lane),
        ).fetchone()
        if row is None:
            found.append(StreamMark(incarnation, lane, 0, ZERO_HASH, OPEN, (), ()))
            continue
        stream, last, head, state, first, rejecting = row
        gaps = () if first is None else ((last + 1, first - 1),)
        rejects = _rejects(conn, stream) if rejecting else ()
        found.append(StreamMark(incarnation, lane, last, head, _TOLD[state], gaps, rejects))
    return found


def _rejects(conn: Connection, stream: int) -> tuple[tuple[int, str, int], ...]:
    """(seq, code, id) of the newest quarantined facts of a stream."""
    rows = conn.execute("SELECT seq, code, id FROM quarantine WHERE stream = ? ORDER BY id DESC LIMIT 50", (stream,))
    return tuple((row[0], row[1], row[2]) for row in rows)


def hashes_at(conn: Connection, node: str, places: Sequence[tuple[int, int, int]]) -> list[bytes | None]:
    """Chain hash at each (incarnation, lane, seq) of a node; zeros at seq 0, None where the hub holds nothing."""
    found: list[bytes | None] = []
    for incarnation, lane, seq in places:
        row = conn.execute(
            "SELECT l.h FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? "
            "AND s.incarnation = ? AND s.lane = ? AND l.seq = ?",
            (node, incarnation, lane, seq),
        ).fetchone()
        found.append(ZERO_HASH if seq == 0 else None if row is None else row[0])
    return found


def streams_with_rejects(store: HubStore, node: str) -> list[tuple[int, int]]:
    """(incarnation, lane) of a node's streams that hold quarantined facts."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT incarnation, lane FROM stream WHERE node = ? AND id IN (SELECT stream FROM quarantine) ORDER BY id",
            (node,),
        ).fetchall()
    return [(r[0], r[1]) for r in rows]


def undigested(store: HubStore) -> int:
    """Facts taken whose meaning is still to come."""
    with store.read() as conn:
        row = conn.execute("SELECT coalesce(sum(last - first + 1), 0) FROM undigested").fetchone()
    return int(row[0])


def feed_labels(store: HubStore) -> frozenset[str]:
    """Every scope that has a feed."""
    with store.read() as conn:
        return frozenset(row[0] for row in conn.execute("SELECT label FROM feed"))
