"""Sessions and wrong tries. Neither is a fact: they belong to this machine and end by themselves."""

from __future__ import annotations

from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key


class SessionTables:
    """Brings its tables; projects nothing."""

    etypes = frozenset[int]()
    fleeting = ("sign_in_session",)
    schema_sql = """
    CREATE TABLE IF NOT EXISTS sign_in_session (
        token_hash BLOB PRIMARY KEY,
        user_id    TEXT NOT NULL,
        began_at   INTEGER NOT NULL,
        ends_at    INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sign_in_failure (
        who   BLOB PRIMARY KEY,
        n     INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        return


def begin(conn: Connection, token_hash: bytes, user_id: str, now_ms: int, ends_at_ms: int) -> None:
    conn.execute("DELETE FROM sign_in_session WHERE ends_at <= ?", (now_ms,))
    conn.execute("INSERT INTO sign_in_session VALUES (?, ?, ?, ?)", (token_hash, user_id, now_ms, ends_at_ms))


def end(conn: Connection, token_hash: bytes) -> None:
    conn.execute("DELETE FROM sign_in_session WHERE token_hash = ?", (token_hash,))


def user_of(conn: Connection, token_hash: bytes, now_ms: int) -> str | None:
    row = conn.execute(
        "SELECT user_id FROM sign_in_session WHERE token_hash = ? AND ends_at > ? AND began_at <= ?",
        (token_hash, now_ms, now_ms),
    ).fetchone()
    return None if row is None else row[0]


def failures(conn: Connection, who: bytes) -> tuple[int, int]:
    """(wrong tries in a row, wait until this ms)."""
    row = conn.execute("SELECT n, until FROM sign_in_failure WHERE who = ?", (who,)).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def set_failures(conn: Connection, who: bytes, n: int, until_ms: int) -> None:
    if n == 0:
        conn.execute("DELETE FROM sign_in_failure WHERE who = ?", (who,))
        return
    conn.execute(
        "INSERT INTO sign_in_failure (who, n, until) VALUES (?, ?, ?) "
        "ON CONFLICT (who) DO UPDATE SET n = excluded.n, until = excluded.until",
        (who, n, until_ms),
    )


def forget_old_failures(conn: Connection, before_ms: int) -> None:
    """Names tried once and never again."""
    conn.execute("DELETE FROM sign_in_failure WHERE until < ?", (before_ms,))
