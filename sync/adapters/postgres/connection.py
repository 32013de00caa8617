"""One connection to PostgreSQL that takes the store's own statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper, NumericLoader
from psycopg.types.string import StrDumperUnknown

from sync.adapters.postgres.dialect import statement
from sync.kernel.outcome import Unavailable

CONNECT_S_MAX = 10
LOCK_MS_MAX = 30_000
"""A row that is not free by then is a fault of ours; the unit fails whole and may be tried again."""
PREPARED_MAX = 400


class _Whole(NumericLoader):
    """A sum over 64-bit numbers comes as numeric; all of ours are whole."""

    def load(self, data: Any) -> int:  # type: ignore[override]  # narrower on purpose
        return int(super().load(data))


class _Text(StrDumperUnknown):
    """PostgreSQL keeps no NUL in text. What a person or a page sends with one is looked for and kept with a mark."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{SYMBOL FOR NULL}") if "\0" in obj else obj)


class PostgresConnection:
    """Autocommit outside BEGIN … COMMIT, as the store expects. Rows are plain tuples."""

    for_update = " FOR UPDATE"
    for_share = " FOR SHARE"

    def __init__(self, conn: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._conn = conn
        self._leads = False

    def has_table(self, name: str) -> bool:
        asked = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?"
        return self.execute(asked, (name,)).fetchone() is not None

    def lead(self) -> bool:
        """Whether this connection is the one of its tables that may digest. Held until the connection ends."""
        if not self._leads:
            asked = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ' digest', 0))"
            self._leads = bool(self._conn.execute(asked).fetchone()[0])  # type: ignore[index]  # one row, always
        return self._leads

    def count_on(self) -> None:
        """After rows came with their own numbers: keys that count up by themselves go on above them."""
        counted = self._conn.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE is_identity = 'YES' AND table_schema = current_schema() ORDER BY table_name"
        ).fetchall()
        for table, column in counted:
            self._conn.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), greatest(max({column}), 1)) FROM {table}"
            )

    def execute(self, sql: str, params: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._conn.execute(statement(sql), params or None)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with self._conn.cursor() as cursor:
                cursor.executemany(statement(sql), rows)

    @property
    def in_transaction(self) -> bool:
        return not self._conn.closed and self._conn.info.transaction_status != TransactionStatus.IDLE

    @property
    def lost(self) -> bool:
        return self._conn.closed or self._conn.broken

    def close(self) -> None:
        self._conn.close()


def connect(url: str, password: str | None, *, name: str, writes: bool) -> PostgresConnection:
    """Open a connection that shows as `name` in pg_stat_activity. Raises Unavailable `store.connect` or `store.url`."""
    options = f"{_told(url)} -c lock_timeout={LOCK_MS_MAX} -c jit=off -c timezone=UTC"
    if not writes:
        options += " -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
    more: dict[str, Any] = {} if password is None else {"password": password}
    try:
        conn: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(
            url,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            connect_timeout=CONNECT_S_MAX,
            application_name=name,
            options=options,
            **more,
        )
    except psycopg.Error as fault:
        raise Unavailable("store.connect", 5.0) from fault
    conn.prepared_max = PREPARED_MAX
    for kind in (int, bool):
        conn.adapters.register_dumper(kind, Int8BinaryDumper)
    conn.adapters.register_dumper(str, _Text)
    conn.adapters.register_loader("numeric", _Whole)
    return PostgresConnection(conn)


def _told(url: str) -> str:
    """Options that the URL names itself stay."""
    try:
        return str(conninfo_to_dict(url).get("options") or "")
    except psycopg.Error as fault:
        raise Unavailable("store.url", 3600.0) from fault
