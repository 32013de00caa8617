"""The hub's side of leases in its database: what was granted to whom, what is asked, what a person must look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.canonical import decode, encode
from sync.protocol.fields import Fields
from sync.protocol.lease import HOLD, NUMBER, Ask, Lease

ASKED, REFUSED, OPEN, VOID, CLOSED = "asked", "refused", "open", "void", "closed"


@dataclass(frozen=True, slots=True)
class Row:
    """One lease, or an ask that waits. `answers`: (incarnation, request), None where nobody asked."""

    id: bytes
    node: str
    answers: tuple[int, int] | None
    kind: int
    resource: str
    state: str
    granted_ms: int
    free_ms: int
    used: int
    spent_s: int
    fields: bytes
    granted_by: str | None

    def lease(self) -> Lease:
        """The lease as it was granted; not of an ask that waits or was refused."""
        return Lease.of(Fields(decode(self.fields), "lease.body"))

    def ask(self) -> Ask:
        """What was asked, while it waits for a person."""
        return Ask.read(decode(self.fields))


@dataclass(frozen=True, slots=True)
class Wish:
    """What an administrator grants: units and seconds of reading or printing, and how long without the hub."""

    kind: int
    resource: str
    units: int
    lasts_s: int
    offline_s: int
    actor: str = ""
    role: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """One thing to look at."""

    about: str
    code: str
    lease: bytes
    resource: str
    actor: str | None
    reason: str | None
    at_ms: int


_COLUMNS = (
    "id, node, incarnation, request, kind, resource, state, granted_ms, free_ms, used, spent_s, fields, granted_by"
)


def _row(r: Sequence[object]) -> Row:
    answers = None if r[2] is None else (r[2], r[3])
    return Row(r[0], r[1], answers, *r[4:])  # type: ignore[arg-type]  # columns in the order of the fields


def by_id(conn: Connection, lease: bytes) -> Row | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM granted_lease WHERE id = ?", (lease,)).fetchone()
    return None if row is None else _row(row)


def by_ask(conn: Connection, node: str, incarnation: int, request: int) -> Row | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM granted_lease WHERE node = ? AND incarnation = ? AND request = ?",
        (node, incarnation, request),
    ).fetchone()
    return None if row is None else _row(row)


def of_node(conn: Connection, node: str, states: Sequence[str]) -> list[Row]:
    """Leases of a node in these states, oldest first."""
    marks = ", ".join("?" * len(states))
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM granted_lease WHERE node = ? AND state IN ({marks}) ORDER BY granted_ms, id",
        (node, *states),
    ).fetchall()
    return [_row(r) for r in rows]


def termed_open(conn: Connection) -> list[Row]:
    """Everything that stands and ends by time: holds, and grants of reads and prints."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM granted_lease WHERE state = ? AND kind <> ? ORDER BY granted_ms, id", (OPEN, NUMBER)
    ).fetchall()
    return [_row(r) for r in rows]


def open_ids(conn: Connection, node: str) -> list[bytes]:
    """Ids of what the node holds by the hub's knowledge, ascending."""
    return sorted(row.id for row in of_node(conn, node, (OPEN,)))


def keeper_of(conn: Connection, resource: str, now_ms: int) -> Row | None:
    """Whose hold on this resource may still be in use somewhere."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM granted_lease WHERE kind = ? AND resource = ? AND free_ms > ? "
        "ORDER BY free_ms DESC LIMIT 1",
        (HOLD, resource, now_ms),
    ).fetchone()
    return None if row is None else _row(row)


def blocks_open(conn: Connection, node: str, incarnation: int, resource: str) -> int:
    return int(
        conn.execute(
            "SELECT count(*) FROM granted_lease WHERE node = ? AND incarnation = ? AND kind = ? AND resource = ? "
            "AND state = ?",
            (node, incarnation, NUMBER, resource, OPEN),
        ).fetchone()[0]
    )


def number_resources(conn: Connection) -> int:
    return int(
        conn.execute("SELECT count(DISTINCT resource) FROM granted_lease WHERE kind = ?", (NUMBER,)).fetchone()[0]
    )


def put(
    conn: Connection,
    lease: Lease,
    *,
    answers: tuple[int, int] | None,
    free_ms: int = 0,
    used: int = 0,
    spent_s: int = 0,
    by: str | None = None,
) -> None:
    """A lease that stands from this commit on; in the place of the ask it answers, or of its own older term."""
    incarnation, request = answers or (None, None)
    conn.execute(
        "INSERT INTO granted_lease (id, node, incarnation, request, kind, resource, state, granted_ms, free_ms, used, "
        "spent_s, fields, granted_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "state = excluded.state, granted_ms = excluded.granted_ms, free_ms = excluded.free_ms, "
        "fields = excluded.fields, granted_by = excluded.granted_by",
        (
            lease.id, lease.node, incarnation, request, lease.kind, lease.resource, OPEN, lease.granted >> 16, free_ms,
            used, spent_s, encode(lease.fields()), by,
        ),
    )  # fmt: skip


def put_ask(conn: Connection, lease: bytes, node: str, ask: Ask, now_ms: int) -> None:
    """An ask that a person is to answer."""
    conn.execute(
        "INSERT INTO granted_lease (id, node, incarnation, request, kind, resource, state, granted_ms, fields) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (lease, node, ask.incarnation, ask.request, ask.kind, ask.resource, ASKED, now_ms, encode(ask.body())),
    )


def mark_used(conn: Connection, lease: bytes, used: int, spent_s: int) -> None:
    """Marks only rise."""
    row = conn.execute("SELECT used, spent_s FROM granted_lease WHERE id = ?", (lease,)).fetchone()
    if row is not None and (used > row[0] or spent_s > row[1]):
        conn.execute(
            "UPDATE granted_lease SET used = ?, spent_s = ? WHERE id = ?",
            (max(used, row[0]), max(spent_s, row[1]), lease),
        )


def set_state(conn: Connection, lease: bytes, state: str) -> None:
    conn.execute("UPDATE granted_lease SET state = ? WHERE id = ?", (state, lease))


def free(conn: Connection, lease: bytes) -> None:
    """Its holder gave it back: the resource may be granted at once."""
    conn.execute("UPDATE granted_lease SET free_ms = 0 WHERE id = ?", (lease,))


def add_review(conn: Connection, review: Review) -> None:
    conn.execute(
        "INSERT INTO lease_review (about, code, lease, resource, actor, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (about, code) DO NOTHING",
        (
            review.about, review.code, review.lease, review.resource, review.actor, review.reason, review.at_ms,
        ),
    )  # fmt: skip


def reviews(conn: Connection, node: str | None = None, limit: int = 200) -> list[Review]:
    """What nobody has looked at yet, of one node's leases or of all, oldest first."""
    rows = conn.execute(
        "SELECT about, code, lease, resource, actor, reason, at_ms FROM lease_review WHERE settled_by IS NULL "
        "AND (? = '' OR lease IN (SELECT id FROM granted_lease WHERE node = ?)) ORDER BY at_ms, about, code LIMIT ?",
        (node or "", node or "", limit),
    ).fetchall()
    return [Review(*r) for r in rows]


def settle_review(conn: Connection, about: str, code: str, by: str) -> bool:
    """False when there is no such thing, or somebody has looked already."""
    done = conn.execute(
        "UPDATE lease_review SET settled_by = ? WHERE about = ? AND code = ? AND settled_by IS NULL", (by, about, code)
    )
    return bool(done.rowcount)
