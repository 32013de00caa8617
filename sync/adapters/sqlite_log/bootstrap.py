"""A scope begun from a snapshot: segments staged as they come, then snapshot, tail and cursor in one commit.

A box that holds nothing of the scope stages what came whole, in its own encrypted file, so that a line that was cut
costs the segment that was on its way. Nobody sees any of it before the tail has reached the head that was known when
the fetching began. Source: protocol way/1, sections 6.8 and 7.1.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import NamedTuple

from sync.adapters.sqlite_log import copies, together
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.down import Tail, held_labels, land_tail
from sync.adapters.sqlite_log.landing import Landing
from sync.adapters.sqlite_log.node_store import Change, Unit, set_meta
from sync.catalog import ENTITY_TYPES, UNREAD
from sync.kernel.canonical import decode_run, encode
from sync.kernel.fact import Key
from sync.kernel.outcome import PeerFault
from sync.protocol import feed
from sync.protocol.snapshot import Manifest
from sync.protocol.state_run import StateColumns, state_columns


class Loading(NamedTuple):
    """How far a scope on its way has come."""

    label: str
    segments: int
    segments_all: int


def loading(conn: Connection) -> list[Loading]:
    """Scopes of which a snapshot is being fetched."""
    rows = conn.execute(
        "SELECT g.label, count(d.k), g.segments FROM staging g LEFT JOIN staged d ON d.label = g.label "
        "GROUP BY g.label, g.segments ORDER BY g.label"
    )
    return [Loading(row[0], row[1], row[2]) for row in rows]


def holds_nothing(store: ApplianceStore, label: str) -> bool:
    with store.read() as conn:
        return conn.execute("SELECT 1 FROM member WHERE label = ? LIMIT 1", (label,)).fetchone() is None


def begun(store: ApplianceStore, label: str) -> bytes | None:
    """The signed manifest of what is being fetched."""
    with store.read() as conn:
        row = conn.execute("SELECT manifest FROM staging WHERE label = ?", (label,)).fetchone()
    return None if row is None else bytes(row[0])


def stage(store: ApplianceStore, manifest: Manifest, signed: bytes, segments: Mapping[int, bytes]) -> bool:
    """Keep verified segments by their numbers. False: the scope was taken away meanwhile, nothing is kept."""
    label = manifest.label
    with store.write(step="snapshot.stage") as unit:
        if label not in held_labels(unit.conn):
            return False
        unit.conn.execute(
            "INSERT INTO staging (label, manifest, rows, segments) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (label, signed, manifest.rows, len(manifest.segments)),
        )
        unit.conn.executemany(
            "INSERT INTO staged (label, k, raw) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(label, k, raw) for k, raw in segments.items()],
        )
    return True


def drop(store: ApplianceStore, label: str) -> None:
    """Give up what is staged of a scope."""
    with store.write(step="snapshot.drop") as unit:
        unstage(unit.conn, label)


def unstage(conn: Connection, label: str) -> None:
    conn.execute("DELETE FROM staged WHERE label = ?", (label,))
    conn.execute("DELETE FROM staging WHERE label = ?", (label,))


def staged_segments(store: ApplianceStore, label: str) -> dict[int, bytes]:
    with store.read() as conn:
        return {r[0]: bytes(r[1]) for r in conn.execute("SELECT k, raw FROM staged WHERE label = ?", (label,))}


def apply_snapshot(
    store: ApplianceStore, manifest: Manifest, entries: Iterable[Sequence[bytes]], tail: Tail, hub_ms: int
) -> bool:
    """Snapshot, tail and cursor in one commit. `entries`: those of each segment, verified against the manifest.

    False: the scope was taken away meanwhile, or the tail did not fit and the scope is to be repaired.
    Raises PeerFault `snapshot.root` or `snapshot.rows` when the content is not what the manifest says; nothing is kept.
    """
    with _uncollected(), store.checkpointing_after(), store.write(step="snapshot.apply") as unit:
        if manifest.label not in held_labels(unit.conn):
            return False
        landing = Landing(store, unit, hub_ms)
        _land_snapshot(store, unit, landing, manifest, entries)
        unit.conn.execute("UPDATE cursor SET to_repair = 0 WHERE label = ?", (manifest.label,))
        fits = land_tail(unit.conn, landing, tail, hub_ms)
        unstage(unit.conn, manifest.label)
        set_meta(unit.conn, "sets_checked_ms", 0)
        landing.end()
    return fits


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector, which would walk tens of thousands of short-lived rows again and again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _land_snapshot(
    store: ApplianceStore, unit: Unit, landing: Landing, manifest: Manifest, segments: Iterable[Sequence[bytes]]
) -> None:
    conn = unit.conn
    # A row that was lost may have left its membership or copy behind: such an entity is no new one either.
    known = {
        (row[0], row[1])
        for table in ("entity", "gone", "member", "copy")
        for row in conn.execute(f"SELECT etype, key FROM {table}")
    }
    stayed = {
        (row[0], row[1]) for row in conn.execute("SELECT etype, key FROM member WHERE label = ?", (manifest.label,))
    }
    members: list[tuple[int, Key, bytes]] = []
    for segment in segments:
        if known:
            segment = _land_known(landing, manifest.label, known, members, segment)
        points = state_columns(segment)
        members += zip(points.etype, points.key, points.x, strict=True)
        own = store.node.encode()
        _land_fresh(store, unit, manifest.label, points, {n for n, data in enumerate(segment) if own in data})
    if len(members) != manifest.rows:
        raise PeerFault("snapshot.rows")
    hasher = store.suite.hasher
    if feed.root_of(hasher, feed.bucket_values(hasher, members)) != manifest.root:
        raise PeerFault("snapshot.root")
    # What had stayed of a scope that made room, and is not in it any more.
    for name in sorted(stayed - {(etype, key) for etype, key, _ in members}) if stayed else ():
        landing.leave(manifest.label, name)


def _land_known(
    landing: Landing,
    label: str,
    known: set[tuple[int, Key]],
    members: list[tuple[int, Key, bytes]],
    segment: Sequence[bytes],
) -> Sequence[bytes]:
    """Checkpoints of entities that are here already go the way of every entry; returns the other ones."""
    fresh = []
    for data in segment:
        entry = feed.decode_entry(data)
        if not isinstance(entry, feed.StateEntry):
            raise PeerFault("snapshot.rows")
        if (entry.etype, entry.key) in known:
            members.append((entry.etype, entry.key, entry.checkpoint.x))
            landing.take_state(label, entry, always=False)
        else:
            fresh.append(data)
    return fresh


def _land_fresh(store: ApplianceStore, unit: Unit, label: str, points: StateColumns, apart: set[int]) -> None:
    """Entities of which this box knows nothing: written together, since nothing can be folded into them.

    Their rows are their own checkpoints, except those `apart`, in which own facts may be, and those that are not shown
    as the hub folded them.
    """
    conn, p, count = unit.conn, points, len(points.key)
    kepts, states, versions = decode_run(p.state), list(p.state), list(p.fold_version)
    for etype in sorted(set(p.etype)):
        kind, here = ENTITY_TYPES.get(etype), [n for n, one in enumerate(p.etype) if one == etype]
        if kind is None:
            apart.update(here)
            for n in here:
                states[n], versions[n] = b"", UNREAD
            continue
        for n in [n for n in here if versions[n] != kind.fold_version]:
            apart.add(n)
            kepts[n] = kind.dump(kind.load(kepts[n]))
            states[n], versions[n] = encode(kepts[n]), kind.fold_version
        store.project_fresh(conn, etype, [p.key[n] for n in here], [kepts[n] for n in here])
        unit.changes.append(Change(etype, "", "snapshot"))
    for n in apart:
        point = copies.Checkpoint(p.rev[n], p.floor[n], p.seen[n], p.fold_version[n], p.state[n])
        copies.put_checkpoint(conn, p.etype[n], p.key[n], point)
    together.insert(
        conn,
        "INSERT OR FAIL INTO member (label, etype, key)",
        zip(repeat(label, count), p.etype, p.key, strict=True),
        count,
    )
    blob = bytearray  # is bound as it is
    together.insert(
        conn,
        "INSERT OR FAIL INTO entity (etype, key, rev, d, x, last_key, fold_version, state)",
        zip(p.etype, p.key, p.rev, map(blob, p.d), map(blob, p.x), map(blob, p.floor), versions, map(blob, states),
            strict=True),
        count,
    )  # fmt: skip
