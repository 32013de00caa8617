"""A hub's database in PostgreSQL, as the store asks for one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import psycopg

from sync.adapters.postgres import dialect
from sync.adapters.postgres.connection import PostgresConnection, connect
from sync.adapters.sqlite_log import layout
from sync.adapters.sqlite_log.database import Connection, statements_of
from sync.kernel.outcome import Unavailable

SCHEMA_LOCK = 0x77617931
"""Workers that start together bring the tables one after the other."""


def by_settings(url: str, password_file: str, *, name: str) -> Postgres | None:
    """The database that a hub's settings name; None when they name none. Raises Unavailable `store.password`."""
    if not url:
        return None
    if not password_file:
        return Postgres(url, name=name)
    try:
        password = Path(password_file).read_text("utf-8").strip()
    except OSError as fault:
        raise Unavailable("store.password", 60.0) from fault
    return Postgres(url, password=password, name=name)


class Postgres:
    """`url`: as libpq reads it, without the password. `name`: how this process shows in pg_stat_activity."""

    def __init__(self, url: str, *, password: str | None = None, name: str = "waystation") -> None:
        self._url = url
        self._password = password
        self._name = name

    def writer(self) -> Connection:
        return connect(self._url, self._password, name=self._name, writes=True)

    def reader(self) -> Connection:
        return connect(self._url, self._password, name=self._name, writes=False)

    def prepare(self, conn: Connection, texts: Sequence[str]) -> None:
        """As `Database.prepare`; a schema that stands already is not touched, so running workers are not held up."""
        mark = hashlib.sha256("\n".join(texts).encode()).digest()
        conn.execute("BEGIN")
        try:
            conn.execute("SELECT pg_advisory_xact_lock(?)", (SCHEMA_LOCK,))
            conn.execute(
                "CREATE TABLE IF NOT EXISTS postgres_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, "
                "mark BYTEA NOT NULL)"
            )
            found = conn.execute("SELECT version, mark FROM postgres_schema WHERE id = 1").fetchone()
            if found is not None and found[0] > layout.LAYOUT:
                raise Unavailable("store.newer-schema", 3600.0)
            if found is None or found[0] != layout.LAYOUT or found[1] != mark:
                steps = list(layout.steps_from(0 if found is None else found[0]))
                for step in steps:
                    step.alter(conn)
                for text in texts:
                    for part in statements_of(text):
                        for statement in dialect.table(part):
                            conn.execute(statement)
                for step in steps:
                    step.fill(conn)
                conn.execute(
                    "INSERT INTO postgres_schema (id, version, mark) VALUES (1, ?, ?) "
                    "ON CONFLICT (id) DO UPDATE SET version = excluded.version, mark = excluded.mark",
                    (layout.LAYOUT, mark),
                )
            conn.execute("COMMIT")
        except BaseException:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            raise

    def admit(self, step: str) -> None:
        """A full disk is the server's to tell, unit by unit."""

    def unavailable(self, conn: Connection, fault: BaseException) -> Unavailable | None:
        ours = not isinstance(fault, psycopg.Error) or isinstance(fault, psycopg.IntegrityError)
        return None if ours else Unavailable("store.write", 5.0)

    def give_back(self, conn: Connection) -> None:
        """The server's own housekeeping does it."""

    def make_shrinkable(self, conn: Connection) -> bool:
        """There is nothing to change."""
        return False

    def is_lost(self, conn: Connection) -> bool:
        assert isinstance(conn, PostgresConnection)
        return conn.lost
