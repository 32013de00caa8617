"""Opening a node's database: SQLCipher only, one writer, readers that only read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher

from sync.kernel.outcome import Unavailable

Connection = Any
"""A sqlcipher3 connection; the package ships no types."""

DatabaseError = sqlcipher.DatabaseError
OperationalError = sqlcipher.OperationalError
IntegrityError = sqlcipher.IntegrityError

WAL_PAGES = 1000
WAL_BYTES_MAX = 16 * 1024 * 1024


def connect(path: Path, key32: bytes, *, writes: bool) -> Connection:
    """One connection with the house's settings. Raises Unavailable `store.locked` when key and file do not fit.

    The raw 32-byte key skips the passphrase derivation (0.3 ms instead of 75). Readers never checkpoint.
    """
    assert len(key32) == 32
    conn = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=256)
    conn.row_factory = sqlcipher.Row
    conn.execute(f"PRAGMA key = \"x'{key32.hex()}'\"")
    try:
        conn.execute("PRAGMA journal_mode = WAL" if writes else "PRAGMA query_only = 1")
        conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlcipher.DatabaseError as fault:
        conn.close()
        raise Unavailable("store.locked", 60.0) from fault
    conn.execute("PRAGMA foreign_keys = 1")
    conn.execute("PRAGMA busy_timeout = 5000")
    conn.execute("PRAGMA temp_store = MEMORY")
    conn.execute("PRAGMA secure_delete = 1")
    if writes:
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        conn.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}")
    else:
        conn.execute("PRAGMA wal_autocheckpoint = 0")
    return conn


class Readers:
    """A small pool of read-only connections; each use is one consistent snapshot."""

    def __init__(self, path: Path, key32: bytes) -> None:
        self._path = path
        self._key32 = key32
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._open = True

    @contextmanager
    def use(self) -> Iterator[Connection]:
        with self._lock:
            conn = self._idle.pop() if self._idle else None
        if conn is None:
            conn = connect(self._path, self._key32, writes=False)
        conn.execute("BEGIN")
        try:
            yield conn
        finally:
            conn.execute("ROLLBACK")
            with self._lock:
                if self._open and len(self._idle) < 8:
                    self._idle.append(conn)
                    conn = None
            if conn is not None:
                conn.close()

    def close(self) -> None:
        with self._lock:
            self._open = False
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()
