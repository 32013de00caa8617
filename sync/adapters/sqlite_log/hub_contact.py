"""What the hub notes of a node each time it hears from it, and what it counts without keeping.

Written apart from facts: losing the last of it in a crash costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from sync.adapters.sqlite_log import hub_holes, hub_lineage
from sync.adapters.sqlite_log.hub_inbound import undigested
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, put_node_scopes, scope_version_above
from sync.adapters.sqlite_log.node_store import count
from sync.protocol.hello import HelloStream


class Told(NamedTuple):
    """A hello that is newer than the last one of its node: as it came, and the streams it names."""

    node: str
    raw: bytes
    carrier: str
    streams: Sequence[HelloStream] = ()


def note_hellos(store: HubStore, hellos: Iterable[Told]) -> None:
    """Keep newest hellos whole, and how far their streams go, in one commit: what was told counts.

    Notices what each node lacks.
    """
    now = store.clock.wall_ms()
    with store.write(step="hello.note") as unit:
        for node, raw, carrier, streams in sorted(hellos):
            unit.conn.execute(
                "UPDATE node SET hello = ?, hello_at = ?, seen_at = ?, carrier = ? WHERE node = ?",
                (raw, now, now, carrier, node),
            )
            hub_lineage.told(store, unit, node, [(one.incarnation, one.lane, one.last) for one in streams if one.last])
            hub_holes.note(unit.conn, node, streams)


def lift_scope_version(store: HubStore, row: NodeRow, held: int) -> NodeRow:
    """A machine holds a scope set `held` that this hub has forgotten: say the one it has under a version that counts.

    Not while facts wait to be understood: the forgotten set may be among them, under its own version.
    """
    if undigested(store):
        return row
    version = scope_version_above(held, store.entropy)
    with store.write(step="hello.note") as unit:
        put_node_scopes(unit, row.node, version, row.scopes)
    return replace(row, scope_version=version)


def last_hello(store: HubStore, node: str) -> bytes | None:
    """The newest hello of a node, as it came."""
    with store.read() as conn:
        row = conn.execute("SELECT hello FROM node WHERE node = ?", (node,)).fetchone()
    return None if row is None else row[0]


def note_seen(store: HubStore, seen: dict[str, str], codes: Counter[str]) -> None:
    """Nodes just heard (name -> carrier) and refusals just counted, in one commit."""
    now = store.clock.wall_ms()
    with store.write(step="seen.note") as unit:
        unit.conn.executemany(
            "UPDATE node SET seen_at = ?, carrier = ? WHERE node = ?",
            [(now, carrier, node) for node, carrier in sorted(seen.items())],
        )
        for code, n in sorted(codes.items()):
            for _ in range(min(n, 100)):
                count(unit.conn, code[:60], now)


def tallies(store: HubStore) -> dict[str, int]:
    """All counters by code."""
    with store.read() as conn:
        return {row[0]: row[1] for row in conn.execute("SELECT code, n FROM tally ORDER BY code")}
