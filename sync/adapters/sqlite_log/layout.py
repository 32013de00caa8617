"""The layout of a node's tables: its number, and the steps from each older one. Forward only, in one commit.

`alter` runs before the schema files bring what is new (a column, say), `fill` after them. Both speak the SQL of both
databases and are never changed once released. Layout 1: the courier's round. 2: the full sync engine. 3: the row of a
box's entity may be its checkpoint, and members lie in one tree. 4: a device that is switched on again keeps its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sync.adapters.sqlite_log.database import Connection
from sync.kernel.canonical import decode, encode
from sync.kernel.codec import decode_fact
from sync.kernel.outcome import PeerFault
from sync.protocol.hello import Hello
from sync.protocol.lineage import Opening
from sync.protocol.message import SIGNED_BYTES

LAYOUT: Final = 4

Step = Callable[[Connection], None]


def _nothing(conn: Connection) -> None:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """From the layout before to the one it is filed under."""

    alter: Step = _nothing
    fill: Step = _nothing


def steps_from(found: int) -> Iterator[Migration]:
    """Those still to be done on tables of layout `found`, in order; none where there were no tables at all (0)."""
    if found:
        yield from (MIGRATIONS[number] for number in range(found + 1, LAYOUT + 1))


def _fill_2(conn: Connection) -> None:
    """A hub's cursor of the digest becomes a queue; what its log knows of process starts becomes rows."""
    if not conn.has_table("arrival"):
        return
    _queue_what_waits(conn)
    _keep_openings(conn)
    _keep_told_heads(conn)


def _queue_what_waits(conn: Connection) -> None:
    told = dict(conn.execute("SELECT name, value FROM meta WHERE name IN ('digest_pos', 'digest_seq', 'digest_queue')"))
    if "digest_queue" not in told:
        pos, seq = (int(told.get(name, b"0")) for name in ("digest_pos", "digest_seq"))
        conn.execute(
            "INSERT INTO undigested (pos, stream, first, last, hub_hlc) SELECT pos, stream, "
            "CASE WHEN pos = ? AND first <= ? THEN ? ELSE first END, last, hub_hlc FROM arrival "
            "WHERE pos > ? OR (pos = ? AND last > ?)",
            (pos, seq, seq + 1, pos, pos, seq),
        )
    conn.execute("DELETE FROM meta WHERE name IN ('digest_pos', 'digest_seq', 'digest_queue')")


def _keep_openings(conn: Connection) -> None:
    """Without them no later start of a machine has a known past, and a disk that was put back is not found."""
    rows = conn.execute(
        "SELECT s.node, s.incarnation, l.fact FROM stream s JOIN log l ON l.stream = s.id AND l.seq = 1 "
        "WHERE s.own = 0 AND s.lane = 0 AND l.status = 0 ORDER BY s.id"
    ).fetchall()
    number: dict[str, int] = {}
    for node, incarnation, raw in rows:
        try:
            opening = Opening.read(incarnation, decode_fact(bytes(raw)).body)
        except PeerFault:
            continue
        number[node] = number.get(node, 0) + 1
        heads = encode([[head.incarnation, head.lane, head.last, head.h] for head in opening.heads])
        conn.execute(
            "INSERT INTO opening (node, incarnation, before, heads, why, n) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (node, incarnation) DO NOTHING",
            (node, incarnation, opening.before, heads, opening.why, number[node]),
        )


def _keep_told_heads(conn: Connection) -> None:
    for node, raw in conn.execute("SELECT node, hello FROM node WHERE hello IS NOT NULL ORDER BY node").fetchall():
        try:
            hello = Hello.read(decode(bytes(raw)[SIGNED_BYTES:]))
        except PeerFault:
            continue
        for one in hello.streams:
            conn.execute(
                "INSERT INTO told_head (node, incarnation, lane, last) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (node, one.incarnation, one.lane, one.last),
            )


def _alter_3(conn: Connection) -> None:
    conn.execute("DROP INDEX IF EXISTS member_by_entity")


def _fill_4(conn: Connection) -> None:
    if conn.has_table("device_off"):
        conn.execute("INSERT INTO device_switch (name, state, changed_at) SELECT name, 'off', 0 FROM device_off")
        conn.execute("DROP TABLE device_off")


MIGRATIONS: Final[Mapping[int, Migration]] = {
    2: Migration(fill=_fill_2),
    3: Migration(alter=_alter_3),
    4: Migration(fill=_fill_4),
}
"""Each layout from the second on, once."""
