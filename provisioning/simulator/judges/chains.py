"""I3 no gap, I10 nothing goes backwards, I4 exactly once: the hub's log, and what followed from it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from sync.adapters.sqlite_log import hub_holes
from sync.kernel.chain import Chain
from sync.kernel.codec import decode_fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault

if TYPE_CHECKING:
    from provisioning.simulator.world import World

WITHHELD = 2
ZERO = bytes(32)


def gaps(world: World) -> Iterator[str]:
    """Every stream holds exactly 1..n, but for what an operator signed as lost, and chains."""
    with world.hub.store.read() as conn:
        streams = conn.execute("SELECT id, node, incarnation, lane, last, head FROM stream ORDER BY id").fetchall()
        for stream, node, incarnation, lane, last, head in streams:
            name = f"{node}/{incarnation:016x}/{lane}"
            links, h, at = Chain(sha256, node, incarnation, lane), ZERO, 0
            for seq, kept, status, raw in conn.execute(
                "SELECT seq, h, status, fact FROM log WHERE stream = ? ORDER BY seq", (stream,)
            ):
                at += 1
                if seq > at and (over := hub_holes.signed_over(conn, stream, at, seq - 1)) is not None:
                    at, h = seq, over
                h = links.link(seq, h, raw if status == WITHHELD else sha256(raw).digest())
                if seq != at:
                    yield f"{name} holds {seq} where {at} should be"
                    return
                if h != kept:
                    yield f"{name} does not chain at {seq}"
                    return
            if (at, h) != (last, head):
                yield f"{name} says {last}, its log ends at {at}"


def backwards(world: World) -> Iterator[str]:
    """Stamps rise within each stream."""
    with world.hub.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq, l.fact FROM log l JOIN stream s ON s.id = l.stream "
            "WHERE l.status <> ? ORDER BY l.stream, l.seq",
            (WITHHELD,),
        ).fetchall()
    before: dict[tuple[str, int, int], int] = {}
    for node, incarnation, lane, seq, raw in rows:
        try:
            stamp = decode_fact(raw).hlc
        except PeerFault:
            continue
        if stamp <= before.get((node, incarnation, lane), -1):
            yield f"{node}/{incarnation:016x}/{lane}/{seq} is stamped before its neighbour"
        before[node, incarnation, lane] = stamp
    yield from world.fallen


def twice(world: World) -> Iterator[str]:
    """Each fact is digested once: one arrival holds it, one place of one entity, no more."""
    with world.hub.store.read() as conn:
        for row in conn.execute(
            "SELECT stream, seq, count(*) FROM entity_fact GROUP BY stream, seq HAVING count(*) > 1 ORDER BY 1, 2"
        ):
            yield f"fact {row[0]}/{row[1]} counts {row[2]} times"
        for row in conn.execute(
            "SELECT a.stream, a.first, b.first FROM arrival a JOIN arrival b ON a.stream = b.stream AND a.pos < b.pos "
            "AND a.first <= b.last AND b.first <= a.last WHERE a.header IS NOT NULL AND b.header IS NOT NULL "
            "ORDER BY 1, 2"
        ):
            yield f"stream {row[0]} arrived twice from {row[1]} and {row[2]}"


def counted_again(world: World) -> Iterator[str]:
    """A fact that was issued again counts once, however many machines wrote it anew."""
    with world.hub.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq, l.h, l.fact FROM entity_fact f "
            "JOIN stream s ON s.id = f.stream JOIN log l ON l.stream = f.stream AND l.seq = f.seq WHERE l.status = 0 "
            "ORDER BY f.stream, f.seq"
        ).fetchall()
    first: dict[bytes, FactId] = {}
    for node, incarnation, lane, seq, h, raw in rows:
        fid, again = FactId(node, incarnation, lane, seq), decode_fact(raw).reissue_of
        before = first.setdefault(bytes(h) if again is None else again[3], fid)
        if before != fid:
            yield f"{fid} counts, and is the fact that counts as {before}"
