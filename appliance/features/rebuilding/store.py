"""Which codes of which receipt this box has read."""

from __future__ import annotations

from typing import Any, NamedTuple

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key


class ReceiptRow(NamedTuple):
    """How far one receipt has been read back: codes `ks` of `n`, with `records` on them."""

    round: str
    n: int
    ks: tuple[int, ...]
    records: int
    read_at_ms: int


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


def receipts(conn: Connection) -> list[ReceiptRow]:
    """Receipts this box has read, the newest first."""
    rows = conn.execute(
        "SELECT round, max(n), group_concat(k), sum(records), max(read_at) FROM rebuilding_code GROUP BY round "
        "ORDER BY max(read_at) DESC, round LIMIT 20"
    )
    return [ReceiptRow(r[0], r[1], tuple(sorted(int(k) for k in r[2].split(","))), r[3], r[4]) for r in rows]
