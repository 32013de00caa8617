"""What a store asks of the database under it: one writing connection, readers of snapshots, tables brought.

The store speaks one SQL, the part that SQLite and PostgreSQL share, with `?` for parameters. A connection adds what
only its own database can say: `for_update` after a SELECT holds the rows until the commit where several writers are
possible, and is empty where one writer at a time is the lock already.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sync.kernel.outcome import Unavailable

Connection = Any
"""`execute`, `executemany`, `in_transaction`, `close` and the row locks; neither package types what both have."""

IDLE_MAX = 8


class Database(Protocol):
    """One node's tables. Opening raises Unavailable."""

    def writer(self) -> Connection: ...

    def reader(self) -> Connection:
        """A connection that refuses to write; each of its transactions is one consistent snapshot."""
        ...

    def prepare(self, conn: Connection, texts: Sequence[str]) -> None:
        """Bring tables to today's layout and note its number in one commit; `texts`: schema files as SQLite reads them.

        Raises Unavailable `store.newer-schema`, `store.damaged`, `store.full` or `store.write`; what was there stays.
        """
        ...

    def admit(self, step: str) -> None:
        """Before a unit begins. Raises Unavailable `store.full` where new work has no room; what frees room has."""
        ...

    def unavailable(self, conn: Connection, fault: BaseException) -> Unavailable | None:
        """After the rollback: what to tell of a database that failed us (disk, line, lock), having done what helps.

        None for anything else: a constraint that says no is our own mistake.
        """
        ...

    def give_back(self, conn: Connection) -> None:
        """After much was deleted: the room goes back to the disk where that is ours. Best effort, never raises."""
        ...

    def make_shrinkable(self, conn: Connection) -> bool:
        """At a start: whether tables that an older release began were changed now so that `give_back` helps.

        Best effort, never raises.
        """
        ...

    def is_lost(self, conn: Connection) -> bool:
        """Whether the connection is gone for good and another is to be opened."""
        ...


class Readers:
    """A small pool of read-only connections; each use is one consistent snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._open = True

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Raises Unavailable `store.read` when the connection breaks meanwhile."""
        conn = self._begun()
        try:
            yield conn
        except Exception as fault:
            if self._database.is_lost(conn):
                raise Unavailable("store.read", 1.0) from fault
            raise
        finally:
            if not self._database.is_lost(conn):
                conn.execute("ROLLBACK")
                with self._lock:
                    if self._open and len(self._idle) < IDLE_MAX:
                        self._idle.append(conn)
                        conn = None
            if conn is not None:
                conn.close()

    def _begun(self) -> Connection:
        """An idle connection in a new snapshot, or a new one where the idle ones have died."""
        while True:
            with self._lock:
                conn = self._idle.pop() if self._idle else None
            fresh = conn is None
            if conn is None:
                conn = self._database.reader()
            try:
                conn.execute("BEGIN")
            except Exception as fault:
                if not self._database.is_lost(conn):
                    raise
                if fresh:
                    raise Unavailable("store.read", 1.0) from fault
                continue
            return conn

    def close(self) -> None:
        with self._lock:
            self._open = False
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()


def statements_of(text: str) -> Iterator[str]:
    """The statements of a schema file; none of ours holds a semicolon inside (no triggers, no string with one)."""
    lines = [line.split("--")[0] for line in text.splitlines()]
    for part in "\n".join(lines).split(";"):
        if part.strip():
            yield part.strip()
