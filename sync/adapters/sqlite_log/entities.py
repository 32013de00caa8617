"""The row that a node keeps of an entity: what it shows of it, and what the next fact on it is based on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.adapters.sqlite_log.database import Connection
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import decode
from sync.kernel.fact import Key


def load_state(conn: Connection, etype: int, key: Key) -> Any | None:
    """The folded state this node shows, or None when it knows no such entity or has not made sense of it yet."""
    row = conn.execute("SELECT state FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    return ENTITY_TYPES[etype].load(decode(row[0])) if row is not None and row[0] else None


def entity_row(conn: Connection, etype: int, key: Key) -> Sequence[Any] | None:
    """(rev, d, x, last_key, state). rev and the first 8 bytes of d are the base of a new fact.

    Source: protocol way/1, section 3.4.
    """
    sought = "SELECT rev, d, x, last_key, state FROM entity WHERE etype = ? AND key = ?"
    row: Sequence[Any] | None = conn.execute(sought, (etype, key)).fetchone()
    return row
