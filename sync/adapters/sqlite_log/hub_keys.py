"""Signing keys of a node that went over to another: which of them counts, and until when.

Source: protocol way/1, section 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.meta import set_meta
from sync.kernel.limits import KEYS_MAX

_ASKED = "key_asked."
"""Before a node's name, in the table of what is kept by name."""


@dataclass(frozen=True, slots=True)
class NodeKey:
    """`until_ms`: hub time from which it counts no more; None: nothing took its place."""

    key_id: bytes
    public: bytes
    since_ms: int
    until_ms: int | None
    tls: bytes = bytes(32)

    def counts(self, now_ms: int) -> bool:
        return self.until_ms is None or now_ms < self.until_ms


def keys_of(conn: Connection, node: str) -> tuple[NodeKey, ...]:
    """Oldest first; empty for a node that has only ever had one."""
    rows = conn.execute(
        "SELECT key_id, public, since_ms, until_ms, tls FROM node_key WHERE node = ? ORDER BY since_ms, key_id", (node,)
    ).fetchall()
    return tuple(NodeKey(bytes(row[0]), bytes(row[1]), row[2], row[3], bytes(row[4])) for row in rows)


def ask(conn: Connection, node: str, key_id: bytes) -> None:
    """An administrator wants this key of the node's, its newest, replaced: so until there is a newer one."""
    set_meta(conn, _ASKED + node, key_id)


def is_asked(conn: Connection, node: str, key_id: bytes) -> bool:
    """Whether the node's newest key is one that is to be replaced."""
    row = conn.execute("SELECT value FROM meta WHERE name = ?", (_ASKED + node,)).fetchone()
    return row is not None and bytes(row[0]) == key_id


def take(conn: Connection, node: str, key: NodeKey) -> bool:
    """A key that the hub itself signed for once, and has forgotten. False: known, or one too many."""
    held = _held(conn, node)
    if key.key_id in held or len(held) >= KEYS_MAX:
        return False
    _put(conn, node, key, None)
    return True


def change(conn: Connection, node: str, before: bytes, key: NodeKey, until_ms: int, said: bytes) -> bool:
    """`key` takes the place of `before`, which counts until `until_ms`, as both `said`. Said again it changes nothing.

    False: the node has no such key, or too many.
    """
    held = _held(conn, node)
    if before not in held or (key.key_id not in held and len(held) >= KEYS_MAX):
        return False
    if key.key_id not in held:
        _put(conn, node, key, said)
    conn.execute(
        "UPDATE node_key SET until_ms = ? WHERE node = ? AND key_id = ? AND until_ms IS NULL", (until_ms, node, before)
    )
    return True


def _held(conn: Connection, node: str) -> dict[bytes, NodeKey]:
    """Every key of the node. Its first one gets a row of its own here when the second is to come."""
    held = {key.key_id: key for key in keys_of(conn, node)}
    if not held:
        row = conn.execute("SELECT key_id, signing_public FROM node WHERE node = ?", (node,)).fetchone()
        if row is not None:
            _put(conn, node, NodeKey(row[0], row[1], 0, None), None)
            held = {key.key_id: key for key in keys_of(conn, node)}
    return held


def _put(conn: Connection, node: str, key: NodeKey, said: bytes | None) -> None:
    conn.execute(
        "INSERT INTO node_key (node, key_id, public, said, tls, since_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (node, key.key_id, key.public, said, key.tls, key.since_ms),
    )
