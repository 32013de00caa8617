"""A scope begun from a snapshot: segments staged as they come, then snapshot, tail and cursor in one commit.

A box that holds nothing of the scope stages what came whole, in its own encrypted file, so that a line that was cut
costs the segment that was on its way. Nobody sees any of it before the tail has reached the head that was known when
the fetching began. Source: protocol way/1, sections 6.8 and 7.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.down import Tail, held_labels, land_tail
from sync.adapters.sqlite_log.landing import Landing, seen_bytes
from sync.adapters.sqlite_log.node_store import Change, Unit, set_meta
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import decode, encode
from sync.kernel.fact import Key
from sync.kernel.outcome import PeerFault
from sync.protocol import feed
from sync.protocol.snapshot import Manifest


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
    with store.write(step="snapshot.apply") as unit:
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


def _land_snapshot(
    store: ApplianceStore, unit: Unit, landing: Landing, manifest: Manifest, segments: Iterable[Sequence[bytes]]
) -> None:
    conn = unit.conn
    known = {(row[0], row[1]) for row in conn.execute("SELECT etype, key FROM entity")}
    known |= {(row[0], row[1]) for row in conn.execute("SELECT etype, key FROM gone")}
    members: list[tuple[int, Key, bytes]] = []
    for segment in segments:
        fresh: list[feed.StateEntry] = []
        for data in segment:
            entry = feed.decode_entry(data)
            if not isinstance(entry, feed.StateEntry):
                raise PeerFault("snapshot.rows")
            members.append((entry.etype, entry.key, entry.checkpoint.x))
            if (entry.etype, entry.key) in known:
                landing.take_state(manifest.label, entry, always=False)
            else:
                fresh.append(entry)
        _land_fresh(store, unit, manifest.label, fresh)
    if len(members) != manifest.rows:
        raise PeerFault("snapshot.rows")
    if feed.root_of(feed.bucket_values(members)) != manifest.root:
        raise PeerFault("snapshot.root")


def _land_fresh(store: ApplianceStore, unit: Unit, label: str, entries: Sequence[feed.StateEntry]) -> None:
    """Entities of which this box knows nothing: written together, since nothing can be folded into them."""
    conn = unit.conn
    conn.executemany(
        "INSERT INTO member (label, etype, key) VALUES (?, ?, ?)", [(label, e.etype, e.key) for e in entries]
    )
    conn.executemany(
        "INSERT INTO copy (etype, key, rev0, floor, seen, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (e.etype, e.key, p.rev, p.floor, seen_bytes(p), p.fold_version, p.state)
            for e in entries
            for p in (e.checkpoint,)
        ],
    )
    shown: dict[int, list[tuple[Key, Any]]] = {}
    rows = []
    for e in entries:
        kind, p = ENTITY_TYPES.get(e.etype), e.checkpoint
        state, version = p.state, p.fold_version
        if kind is not None:
            loaded = kind.load(decode(p.state))
            shown.setdefault(e.etype, []).append((e.key, loaded))
            if version != kind.fold_version:
                state, version = encode(kind.dump(loaded)), kind.fold_version
        rows.append((e.etype, e.key, p.rev, p.d, p.x, p.floor, version, state))
    conn.executemany(
        "INSERT INTO entity (etype, key, rev, d, x, last_key, fold_version, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    for etype, states in shown.items():
        for key, loaded in states:
            store.project(conn, loaded, Change(etype, key, "snapshot"))
        unit.changes.append(Change(etype, "", "snapshot"))
