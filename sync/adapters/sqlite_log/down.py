"""What comes down: feed rounds and repairs, applied so that nobody ever sees half of one.

Source: protocol way/1, sections 3.3, 3.5, 6.3, 6.4, 6.6, 6.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.landing import Landing, leave
from sync.adapters.sqlite_log.node_store import Unit, set_meta
from sync.kernel.fact import Key
from sync.protocol import feed

ZERO_E = bytes(32)
GRANT_PREFIX = "grant:"
"""Scopes that live as long as a lease. Source: protocol way/1, section 6.1."""


class Cursor(NamedTuple):
    label: str
    epoch: int
    sseq: int
    e: bytes
    to_repair: bool
    head_at: int


@dataclass(frozen=True, slots=True)
class Tail:
    """Entries of one scope, verified: those after the cursor up to a head."""

    label: str
    epoch: int
    sseq: int
    e: bytes
    entries: Sequence[feed.Entry]


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    applied: int
    ask: tuple[str, ...]
    """Labels whose copy did not fit an entry: they need repair."""


def cursors(store: ApplianceStore) -> list[Cursor]:
    with store.read() as conn:
        rows = conn.execute("SELECT label, epoch, sseq, e, to_repair, head_at FROM cursor ORDER BY label").fetchall()
    return [Cursor(r[0], r[1], r[2], r[3], bool(r[4]), r[5]) for r in rows]


def set_scopes(store: ApplianceStore, version: int, labels: Sequence[str]) -> bool:
    """Hold exactly these scopes; only a higher version counts. Leaving a scope evicts its copies in the same commit.

    The scope of a lease is held only while the lease is: it ends here also when the hub does not know yet.
    """
    if version <= store.meta_int("scope_version"):
        return False
    with store.write(step="scopes.set") as unit:
        conn = unit.conn
        held = {row[0] for row in conn.execute("SELECT label FROM cursor")}
        leased = {row[0] for row in conn.execute("SELECT label FROM lease WHERE state <> 'closed'")}
        wanted = {label for label in labels if not label.startswith(GRANT_PREFIX) or label in leased}
        for label in sorted(held - wanted):
            leave_scope(store, unit, label)
        for label in sorted(wanted - held):
            enter_scope(unit, label)
        set_meta(conn, "scope_version", version)
    return True


def enter_scope(unit: Unit, label: str) -> None:
    """Hold a scope from this commit on; its copies come with the next round."""
    unit.conn.execute(
        "INSERT INTO cursor (label, epoch, sseq, e, to_repair) VALUES (?, 0, 0, ?, 1) ON CONFLICT (label) DO NOTHING",
        (label, ZERO_E),
    )


def leave_scope(store: ApplianceStore, unit: Unit, label: str) -> None:
    """Membership, cursor and what no other scope holds are gone with this commit.

    Also copies without any membership, which the hub's word on the other scopes need not touch.
    """
    conn = unit.conn
    members = set(conn.execute("SELECT etype, key FROM member WHERE label = ?", (label,)).fetchall())
    conn.execute("DELETE FROM member WHERE label = ?", (label,))
    for table in ("cursor", "staged", "staging", "let_go"):
        conn.execute(f"DELETE FROM {table} WHERE label = ?", (label,))
    for etype, key in sorted(members | _of_no_scope(conn), key=repr):
        leave(store, unit, etype, key)


def _of_no_scope(conn: Connection) -> set[tuple[int, Key]]:
    """Copies from the hub whose memberships are gone: damage. What is this box's own alone bears no rev of the hub."""
    rows = conn.execute(
        "SELECT etype, key FROM entity WHERE rev > 0 UNION SELECT etype, key FROM copy WHERE rev0 > 0 UNION "
        "SELECT etype, key FROM copy_fact EXCEPT SELECT etype, key FROM member"
    )
    return {(row[0], row[1]) for row in rows}


def apply_round(store: ApplianceStore, tails: Sequence[Tail], hub_ms: int) -> RoundOutcome:
    """All tails of one set of heads in one transaction, evictions last.

    A scope that was taken away while its tail was fetched is left alone: its copies are gone and stay gone.
    """
    ask: set[str] = set()
    applied = 0
    with store.write(step="round.apply") as unit:
        landing = Landing(store, unit, hub_ms)
        held = held_labels(unit.conn)
        for tail in tails:
            if tail.label in held:
                applied += len(tail.entries)
                if not land_tail(unit.conn, landing, tail, hub_ms):
                    ask.add(tail.label)
        landing.end()
    return RoundOutcome(applied, tuple(sorted(ask)))


def apply_repair(
    store: ApplianceStore,
    label: str,
    epoch: int,
    sseq: int,
    e: bytes,
    members: Iterable[tuple[int, Key, bytes]],
    buckets: frozenset[int],
    checkpoints: Iterable[feed.StateEntry],
    hub_ms: int,
) -> None:
    """The hub's word on the differing buckets: take its checkpoints, drop members it does not list. One commit.

    Nothing happens when the scope was taken away meanwhile.
    """
    with store.write(step="repair.apply") as unit:
        conn = unit.conn
        if label not in held_labels(conn):
            return
        landing = Landing(store, unit, hub_ms)
        listed = {(etype, key) for etype, key, _ in members}
        for etype, key in conn.execute("SELECT etype, key FROM member WHERE label = ?", (label,)).fetchall():
            if feed.bucket_of(store.suite.hasher, etype, key) in buckets and (etype, key) not in listed:
                landing.leave(label, (etype, key))
        for name in sorted(listed, key=repr):
            landing.join(label, name)
        for entry in checkpoints:
            landing.take_state(label, entry, always=True)
        conn.execute(
            "UPDATE cursor SET epoch = ?, sseq = ?, e = ?, to_repair = 0, checked_at = ?, head_at = ? WHERE label = ?",
            (epoch, sseq, e, hub_ms, hub_ms, label),
        )
        set_meta(conn, "sets_checked_ms", 0)  # the next round, which ends at a head, compares
        landing.end()


def land_tail(conn: Connection, landing: Landing, tail: Tail, hub_ms: int) -> bool:
    """Entries and cursor of one scope. False: the copy did not fit, the cursor is to be repaired."""
    fits = all([landing.take(tail.label, entry) for entry in tail.entries])
    conn.execute(
        "UPDATE cursor SET epoch = ?, sseq = ?, e = ?, checked_at = ?, head_at = ?, "
        "to_repair = max(to_repair, ?) WHERE label = ?",
        (tail.epoch, tail.sseq, tail.e, hub_ms, hub_ms, int(not fits), tail.label),
    )
    return fits


def held_labels(conn: Connection) -> frozenset[str]:
    """Scopes whose entries are taken in: those that had to be let go take none until they begin anew."""
    return frozenset(row[0] for row in conn.execute("SELECT label FROM cursor EXCEPT SELECT label FROM let_go"))


def bucket_values(store: ApplianceStore, label: str) -> list[bytes]:
    """256 values of 16 bytes over what this node holds of a scope."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT m.etype, m.key, coalesce(e.x, zeroblob(16)) FROM member m LEFT JOIN entity e "
            "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ?",
            (label,),
        ).fetchall()
    return feed.bucket_values(store.suite.hasher, ((r[0], r[1], r[2]) for r in rows))


def note_checked(store: ApplianceStore, hub_ms: int) -> None:
    """All held scopes are just compared with the hub's set hashes; what lies in none of them, those cannot show."""
    with store.write(step="sets.checked") as unit:
        set_meta(unit.conn, "sets_checked_ms", hub_ms)
        for etype, key in sorted(_of_no_scope(unit.conn), key=repr):
            leave(store, unit, etype, key)


def held_x(store: ApplianceStore, etype: int, key: Key) -> bytes | None:
    with store.read() as conn:
        row = conn.execute("SELECT x FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    return None if row is None else row[0]


def raise_epoch(store: ApplianceStore, epoch: int) -> None:
    """A higher hub epoch: forget all marks and their times, every cursor is to be repaired, frozen streams open.

    A mark never falls below the anchor of what was dropped: that much is in the hub's backups.

    Source: protocol way/1, section 5.4.
    """
    with store.write(step="epoch.obey") as unit:
        unit.conn.execute(
            "UPDATE stream SET acked = coalesce((SELECT nullif(min(l.seq), 1) FROM log l WHERE l.stream = stream.id), "
            "0), acked_hlc = 0, safe = 0, state = 0 WHERE own > 0"
        )
        unit.conn.execute("DELETE FROM mark")
        unit.conn.execute("UPDATE cursor SET to_repair = 1")
        unit.conn.execute("DELETE FROM receipt")
        set_meta(unit.conn, "sets_checked_ms", 0)
        unit.conn.execute("UPDATE blob_out SET state = 0 WHERE state < 3")  # the bytes of the rest are only there
        set_meta(unit.conn, "hub_epoch", epoch)
