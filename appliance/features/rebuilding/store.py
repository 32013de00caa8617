"""Which codes of which receipt this box has read."""

from __future__ import annotations

from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key


class RebuildingTables:
    etypes: frozenset[int] = frozenset()
    schema_sql = """
    CREATE TABLE IF NOT EXISTS rebuilding_code (
        round   TEXT NOT NULL,
        k       INTEGER NOT NULL,
        n       INTEGER NOT NULL,
        records INTEGER NOT NULL,
        read_at INTEGER NOT NULL,
        PRIMARY KEY (round, k)
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        raise AssertionError("codes are read, not folded")


def note_code(conn: Connection, round_key: str, k: int, n: int, records: int, now_ms: int) -> int:
    """Remember one code; returns how many different codes of this receipt have been read."""
    conn.execute(
        "INSERT OR IGNORE INTO rebuilding_code (round, k, n, records, read_at) VALUES (?, ?, ?, ?, ?)",
        (round_key, k, n, records, now_ms),
    )
    row = conn.execute("SELECT count(*) FROM rebuilding_code WHERE round = ?", (round_key,)).fetchone()
    return int(row[0])


def read_codes(conn: Connection, round_key: str) -> list[int]:
    rows = conn.execute("SELECT k FROM rebuilding_code WHERE round = ? ORDER BY k", (round_key,))
    return [row[0] for row in rows]
