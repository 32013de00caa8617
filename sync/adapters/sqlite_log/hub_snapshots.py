"""Snapshots at the hub: a scope as it stands, made once as signed segments, kept until two newer ones stand.

Made beside the writer from one reader's view; only the last step takes the writer, where the floors rise. A snapshot
that a late fact overtook meanwhile is not published: its checkpoints would already hold what the feed brings as a fact.
Source: protocol way/1, sections 3.5, 6.5 and 7.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log import hub_reissued
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_feeds import hold_scope
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.order import BEFORE_ALL, order_bytes
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Key
from sync.kernel.ids import FactId
from sync.kernel.limits import SEGMENT_BYTES, SEGMENT_ENTRIES, SEGMENT_KEEP_DAYS, SNAPSHOTS_KEPT
from sync.protocol import feed
from sync.protocol.snapshot import SEGMENTS_MAX, Manifest, chain_start, segment_hash

DAY_MS = 24 * 3600 * 1000

SignSegment = Callable[[str, int, bytes, bytes, Sequence[bytes]], bytes]
"""(label, first, prev hash, head hash, entries) -> a signed segment."""


@dataclass(frozen=True, slots=True)
class Worth:
    """When a scope deserves a snapshot.

    `members`: it holds at least so many entities. `entries`: its feed has grown by at least so many since the last
    snapshot, and by half of its members, so that the work stays in proportion.
    """

    members: int
    entries: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest snapshot of a scope in this epoch: its position and its signed manifest."""

    sseq: int
    manifest: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A snapshot not yet published. `floors`: the newest order key inside each checkpoint."""

    manifest: Manifest
    segments: Sequence[bytes]
    floors: dict[tuple[int, Key], bytes]


def latest(conn: Connection, epoch: int, label: str) -> Latest | None:
    row = conn.execute(
        "SELECT sseq, manifest FROM snapshot WHERE label = ? AND epoch = ? ORDER BY sseq DESC LIMIT 1", (label, epoch)
    ).fetchone()
    return None if row is None else Latest(row[0], bytes(row[1]))


def is_due(conn: Connection, epoch: int, label: str, worth: Worth) -> bool:
    """Whether a snapshot of this scope is worth its making now."""
    head = conn.execute("SELECT sseq FROM feed WHERE label = ?", (label,)).fetchone()
    if head is None or head[0] == 0:
        return False
    last = latest(conn, epoch, label)
    grown = head[0] - (last.sseq if last else 0)
    if last is not None and grown < worth.entries:
        return False
    members = int(conn.execute("SELECT count(*) FROM feed_member WHERE label = ?", (label,)).fetchone()[0])
    return members >= worth.members and (last is None or grown >= members // 2)


def segments_from(conn: Connection, epoch: int, label: str, sseq: int, k: int, most: int) -> list[bytes]:
    """Up to `most` segments of a snapshot from number `k` on; none when it is not kept."""
    rows = conn.execute(
        "SELECT raw FROM snapshot_segment WHERE label = ? AND epoch = ? AND sseq = ? AND k >= ? ORDER BY k LIMIT ?",
        (label, epoch, sseq, k, most),
    )
    return [bytes(row[0]) for row in rows]


def make(store: HubStore, label: str, sign: SignSegment, hub_time: int) -> Made | None:
    """The scope as one reader sees it now. None when nothing is in it or its manifest would be too long."""
    with store.read() as conn:
        position = conn.execute("SELECT sseq, e FROM feed WHERE label = ?", (label,)).fetchone()
        members = conn.execute(
            "SELECT m.etype, m.key, e.state, e.rev, e.last_key, e.d, e.x, e.fold_version FROM feed_member m "
            "JOIN entity e ON e.etype = m.etype AND e.key = m.key WHERE m.label = ? ORDER BY m.etype, m.key",
            (label,),
        ).fetchall()
        seen = _seen_streams(conn, label)
    if position is None or not members:
        return None
    entries = []
    floors: dict[tuple[int, Key], bytes] = {}
    for etype, key, state, rev, last_key, d, x, fold_version in members:
        point = feed.Checkpoint(state, rev, last_key, seen.get((etype, key), ()), d, x, fold_version)
        entries.append(feed.encode_entry(feed.StateEntry(etype, key, point)))
        floors[(etype, key)] = last_key
    sseq, e = position
    hasher = store.suite.hasher
    segments, first, prev = [], 1, chain_start(hasher, label, sseq, e)
    for group in _groups(entries):
        head = prev
        for at, entry in enumerate(group, first):
            head = feed.next_e(hasher, label, at, head, entry)
        segments.append(sign(label, first, prev, head, group))
        first, prev = first + len(group), head
    if len(segments) > SEGMENTS_MAX:
        return None
    manifest = Manifest(
        label=label,
        epoch=store.epoch,
        sseq=sseq,
        e=e,
        root=feed.root_of(hasher, feed.bucket_values(hasher, ((m[0], m[1], m[6]) for m in members))),
        rows=len(entries),
        segments=tuple(segment_hash(hasher, raw) for raw in segments),
        hub_time=hub_time,
    )
    return Made(manifest, segments, floors)


def publish(store: HubStore, made: Made, signed: bytes, now_ms: int) -> bool:
    """Keep it and raise the floors, in one transaction. False: a late fact or a new epoch came first; make it again."""
    manifest = made.manifest
    label, epoch, sseq = manifest.label, manifest.epoch, manifest.sseq
    with store.write(step="snapshot.publish") as unit:
        conn = unit.conn
        hold_scope(conn, label)
        if epoch != store.epoch or _overtaken(conn, made):
            return False
        if conn.execute(
            "SELECT 1 FROM snapshot WHERE label = ? AND epoch = ? AND sseq = ?", (label, epoch, sseq)
        ).fetchone():
            return True
        conn.execute(
            "INSERT INTO snapshot (label, epoch, sseq, made_at, manifest) VALUES (?, ?, ?, ?, ?)",
            (label, epoch, sseq, now_ms, signed),
        )
        conn.executemany(
            "INSERT INTO snapshot_segment (label, epoch, sseq, k, raw) VALUES (?, ?, ?, ?, ?)",
            [(label, epoch, sseq, k, raw) for k, raw in enumerate(made.segments)],
        )
        # Higher than this snapshot's own checkpoints where facts came since: a late fact then travels as a state.
        conn.execute(
            "UPDATE feed_member SET floor = (SELECT e.last_key FROM entity e WHERE e.etype = feed_member.etype "
            "AND e.key = feed_member.key) WHERE label = ?",
            (label,),
        )
        _drop_old_segments(conn, label)
    return True


def forget_old(store: HubStore, label: str, now_ms: int) -> int:
    """Delete the entries of a feed that are older than 30 days and below two snapshots. Returns how many.

    An entry has no time of its own: it is older than a snapshot above it that is older than 30 days.
    """
    with store.read() as conn:
        places = conn.execute("SELECT sseq, made_at FROM snapshot WHERE label = ? ORDER BY sseq", (label,)).fetchall()
    aged = [row[0] for row in places if row[1] <= now_ms - SEGMENT_KEEP_DAYS * DAY_MS]
    if len(places) < SNAPSHOTS_KEPT or not aged:
        return 0
    below = min(max(aged), places[-SNAPSHOTS_KEPT][0])
    with store.write(step="feed.forget") as unit:
        conn = unit.conn
        gone = conn.execute("DELETE FROM feed_entry WHERE label = ? AND sseq < ?", (label, below)).rowcount
        conn.execute("DELETE FROM segment WHERE label = ? AND last < ?", (label, below))
        conn.execute("DELETE FROM snapshot WHERE label = ? AND sseq < ?", (label, below))
    return int(gone)


def _seen_streams(conn: Connection, label: str) -> dict[tuple[int, Key], tuple[hub_reissued.SeenStream, ...]]:
    found: dict[tuple[int, Key], list[hub_reissued.SeenStream]] = {}
    for etype, key, node, incarnation, lane, seq in conn.execute(
        "SELECT f.etype, f.key, s.node, s.incarnation, s.lane, max(f.seq) FROM feed_member m "
        "JOIN entity_fact f ON f.etype = m.etype AND f.key = m.key JOIN stream s ON s.id = f.stream "
        "WHERE m.label = ? GROUP BY f.etype, f.key, s.node, s.incarnation, s.lane "
        "ORDER BY f.etype, f.key, s.node, s.incarnation, s.lane",
        (label,),
    ):
        found.setdefault((etype, key), []).append((node, incarnation, lane, seq))
    for etype, key, first in hub_reissued.first_places_in(conn, label):
        found[etype, key].append(first)
    return {name: hub_reissued.together(seen) for name, seen in found.items()}


def _groups(entries: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for entry in entries:
        if group and (len(group) == SEGMENT_ENTRIES or size + len(entry) > SEGMENT_BYTES - 4096):
            yield group
            group, size = [], 0
        group.append(entry)
        size += len(entry) + 5
    yield group


def _overtaken(conn: Connection, made: Made) -> bool:
    """Whether the feed brought, after the snapshot's position, a fact that sorts below one of its checkpoints."""
    manifest = made.manifest
    for (raw,) in conn.execute(
        "SELECT entry FROM feed_entry WHERE label = ? AND sseq > ? ORDER BY sseq", (manifest.label, manifest.sseq)
    ).fetchall():
        entry = feed.decode_entry(raw)
        if isinstance(entry, feed.FactEntry):
            fact = decode_fact(entry.fact)
            fid = FactId(entry.node, entry.incarnation, entry.lane, entry.seq)
            if order_bytes(entry.order, fid, fact.sort_hlc) <= made.floors.get((fact.etype, fact.key), BEFORE_ALL):
                return True
    return False


def _drop_old_segments(conn: Connection, label: str) -> None:
    """The bytes of the newest two stay; of older ones only the position and its time, which `forget_old` asks for."""
    kept = conn.execute(
        "SELECT epoch, sseq FROM snapshot WHERE label = ? ORDER BY epoch DESC, sseq DESC LIMIT ?",
        (label, SNAPSHOTS_KEPT),
    ).fetchall()
    oldest = kept[-1]
    conn.execute(
        "DELETE FROM snapshot_segment WHERE label = ? AND (epoch < ? OR (epoch = ? AND sseq < ?))",
        (label, oldest[0], oldest[0], oldest[1]),
    )
