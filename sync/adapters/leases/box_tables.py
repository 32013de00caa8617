"""A box's leases in its database: the hub's signed words with what was used of them, and the meter they last by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.canonical import decode
from sync.protocol import lease_states as states
from sync.protocol.elapsed import Mark
from sync.protocol.held import Held
from sync.protocol.lease import Lease, LeaseWord
from sync.protocol.message import SIGNED_BYTES


@dataclass(frozen=True, slots=True)
class Kept:
    """One open lease and the signed bytes it came in."""

    held: Held
    raw: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """A counted lease that is done with, remembered until it could not be granted any more."""

    id: bytes
    used: int
    until_ms: int


@lru_cache(maxsize=256)
def lease_in(raw: bytes) -> Lease:
    """The lease in a verified word. Raises PeerFault."""
    lease = LeaseWord.read(decode(raw[SIGNED_BYTES:])).lease
    assert lease is not None
    return lease


def until_ms(lease: Lease) -> int:
    """The hub time after which a lease could be used nowhere."""
    return (lease.granted >> 16) + lease.lasts_s * 1000


def open_leases(conn: Connection) -> list[Kept]:
    """All that are not closed, oldest first."""
    rows = conn.execute(
        "SELECT state, used, began_ms, heard_ms, raw FROM lease WHERE state <> ? ORDER BY number", (states.CLOSED,)
    ).fetchall()
    return [Kept(Held(lease_in(r[4]), r[0], r[1], r[2], r[3]), r[4]) for r in rows]


def closed_leases(conn: Connection) -> list[Closed]:
    rows = conn.execute("SELECT id, used, until_ms FROM lease WHERE state = ? ORDER BY id", (states.CLOSED,))
    return [Closed(r[0], r[1], r[2]) for r in rows]


def is_open(conn: Connection, lease: bytes) -> bool:
    row = conn.execute("SELECT 1 FROM lease WHERE id = ? AND state <> ?", (lease, states.CLOSED)).fetchone()
    return row is not None


def put(conn: Connection, held: Held, raw: bytes) -> None:
    """Keep a lease as it stands."""
    lease = held.lease
    number = conn.execute("SELECT coalesce(max(number), 0) + 1 FROM lease").fetchone()[0]
    conn.execute(
        "INSERT INTO lease (id, number, kind, resource, state, used, began_ms, heard_ms, until_ms, label, raw) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
        "used = excluded.used, began_ms = excluded.began_ms, heard_ms = excluded.heard_ms, "
        "until_ms = excluded.until_ms, raw = excluded.raw",
        (
            lease.id, number, lease.kind, lease.resource, held.state, held.used, held.began_ms, held.heard_ms,
            until_ms(lease), lease.label, raw,
        ),
    )  # fmt: skip


def close(conn: Connection, held: Held, *, remember: bool) -> None:
    """The hub's word is erased, wrapped keys with it; of a counted lease the count stays."""
    if remember:
        conn.execute(
            "UPDATE lease SET state = ?, used = ?, raw = ? WHERE id = ?", (states.CLOSED, held.used, b"", held.lease.id)
        )
    else:
        conn.execute("DELETE FROM lease WHERE id = ?", (held.lease.id,))


def forget(conn: Connection, leases: Sequence[bytes]) -> None:
    """Closed ones whose time is over."""
    conn.executemany("DELETE FROM lease WHERE id = ? AND state = ?", [(lease, states.CLOSED) for lease in leases])


def mark(conn: Connection) -> Mark | None:
    row = conn.execute("SELECT meter_ms, boot_id, boot_ms, wall_ms, believed FROM lease_meter WHERE id = 1").fetchone()
    return None if row is None else Mark(row[0], row[1], row[2], row[3], bool(row[4]))


def set_mark(conn: Connection, at: Mark) -> None:
    conn.execute(
        "INSERT INTO lease_meter (id, meter_ms, boot_id, boot_ms, wall_ms, believed) VALUES (1, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET meter_ms = excluded.meter_ms, boot_id = excluded.boot_id, "
        "boot_ms = excluded.boot_ms, wall_ms = excluded.wall_ms, believed = excluded.believed",
        (at.meter_ms, at.boot_id, at.boot_ms, at.wall_ms, int(at.believed)),
    )
