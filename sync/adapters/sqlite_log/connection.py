"""Opening a node's database file: SQLCipher only, one writer, readers that only read."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher

from sync.adapters.sqlite_log import layout
from sync.adapters.sqlite_log.database import Connection as Connection
from sync.adapters.sqlite_log.database import statements_of
from sync.adapters.sqlite_log.reserve import Reserve
from sync.kernel.outcome import Unavailable

DatabaseError = sqlcipher.DatabaseError
OperationalError = sqlcipher.OperationalError
IntegrityError = sqlcipher.IntegrityError

WAL_PAGES = 1000
WAL_BYTES_MAX = 16 * 1024 * 1024
CACHE_KIB = 16 * 1024
"""Of the writer; SQLite's own is 2 MiB. The digest meets its tables at random, and each page that has to be read again
is opened and its hash checked."""
FREE_PAGES_KEPT = 64
"""What a day's work takes and gives back anyway."""
_INCREMENTAL = 2
REWRITTEN_BYTES_MAX = 256 * 1024 * 1024
"""Largest contents that are written anew at once: the copy is made in memory, so that none lies about in clear."""
BESIDE_BYTES = 32 * 1024 * 1024
"""What stays free on the disk beside such a copy in the write-ahead log."""


class _Locked(sqlcipher.Connection):
    """BEGIN IMMEDIATE has locked the whole file: rows need no lock of their own."""

    for_update = for_share = ""
    opened = 0

    def has_table(self, name: str) -> bool:
        return self.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is not None

    def lead(self) -> bool:
        """Who writes here is alone."""
        return True


def connect(path: Path, key32: bytes, *, writes: bool) -> Connection:
    """One connection with the house's settings. Raises Unavailable `store.locked` when key and file do not fit.

    The raw 32-byte key skips the passphrase derivation (0.3 ms instead of 75). Readers never checkpoint.
    """
    assert len(key32) == 32
    # For every `bytes` it binds, the module looks for an adapter and takes 0.6 us to find none. A bytearray is bound at
    # once.
    sqlcipher.register_adapter(bytes, bytearray)
    conn = sqlcipher.connect(
        str(path), isolation_level=None, check_same_thread=False, cached_statements=256, factory=_Locked
    )
    conn.row_factory = sqlcipher.Row
    conn.execute(f"PRAGMA key = \"x'{key32.hex()}'\"")
    try:
        if writes:
            conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a file that is new: what goes gives room back
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
        conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        conn.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        conn.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}")
    else:
        conn.execute("PRAGMA wal_autocheckpoint = 0")
    return conn


def look(path: Path, key32: bytes) -> Connection:
    """A connection that can change nothing, not even by closing: the write-ahead log stays as it lies.

    Raises DatabaseError when the file cannot be read with this key.
    """
    assert len(key32) == 32
    conn = sqlcipher.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        conn.execute(f"PRAGMA key = \"x'{key32.hex()}'\"")
        conn.execute("BEGIN")
        conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlcipher.DatabaseError:
        conn.close()
        raise
    return conn


FREEING = frozenset(
    {
        "start",
        "entities.reread",
        "lease.start",
        "lease.mark",
        "lease.doubt",
        "salvage.put",
        "repair.told",
        "ack.apply",
        "log.prune",
        "mirror.drop",
        "blob.drop",
        "epoch.obey",
        "epoch.raise",
        "epoch.tick",
        "feed.forget",
        "scopes.set",
    }
)
"""Steps that a full disk still gets room for: a start, and what leads to something that may go."""

TRY_AGAIN_S = 5.0


class SqlcipherFile:
    """The database of one node in one file.

    With a `reserve` a full disk is survived: the reserve is given up, the log is worked in, and until the reserve
    stands again new work is refused. A disk that failed otherwise is trusted again only
    after the file was opened anew and checked.
    """

    def __init__(self, path: Path, key32: bytes, reserve: Reserve | None = None) -> None:
        self._path = path
        self._key32 = key32
        self._reserve = reserve
        self._full = reserve is not None and not reserve.fill()
        self._tried_s = time.monotonic()
        self._opened = 0
        self._suspect = False

    def writer(self) -> Connection:
        if not self._suspect:
            return self._mark(connect(self._path, self._key32, writes=True))
        try:
            conn = connect(self._path, self._key32, writes=True)
            good = conn.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            # What the failed flush left in memory alone is written and flushed once more.
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except DatabaseError as fault:
            raise Unavailable("store.write", TRY_AGAIN_S) from fault
        if not good:
            conn.close()
            raise Unavailable("store.damaged", 3600.0)
        self._opened += 1
        self._suspect = False
        return self._mark(conn)

    def reader(self) -> Connection:
        return self._mark(connect(self._path, self._key32, writes=False))

    def _mark(self, conn: Connection) -> Connection:
        conn.opened = self._opened
        return conn

    def prepare(self, conn: Connection, texts: Sequence[str]) -> None:
        found = conn.execute("PRAGMA user_version").fetchone()[0]
        if found > layout.LAYOUT:
            raise Unavailable("store.newer-schema", 3600.0)
        if conn.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise Unavailable("store.damaged", 3600.0)
        steps = list(layout.steps_from(found))
        try:
            conn.execute("BEGIN IMMEDIATE")
            for step in steps:
                step.alter(conn)
            for text in texts:
                for statement in statements_of(text):
                    conn.execute(statement)
            for step in steps:
                step.fill(conn)
            conn.execute(f"PRAGMA user_version = {layout.LAYOUT}")
            conn.execute("COMMIT")
        except BaseException as fault:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            told = self.unavailable(conn, fault)
            if told is not None:
                raise told from fault
            raise

    def admit(self, step: str) -> None:
        if not self._full or self._reserve is None or step in FREEING:
            return
        if time.monotonic() - self._tried_s >= TRY_AGAIN_S:
            self._tried_s = time.monotonic()
            self._full = not self._reserve.fill()
        if self._full:
            raise Unavailable("store.full", TRY_AGAIN_S)

    def unavailable(self, conn: Connection, fault: BaseException) -> Unavailable | None:
        said = str(fault).lower()
        if not isinstance(fault, DatabaseError) or "constraint" in said:
            return None
        if "full" in said:
            self._tidy(conn)
            return Unavailable("store.full", TRY_AGAIN_S)
        if "locked" not in said and "busy" not in said:
            self._suspect = True
            conn.close()
        return Unavailable("store.write", TRY_AGAIN_S)

    def _tidy(self, conn: Connection) -> None:
        """Room first, then the log into the file, then the reserve again; what may go is the store's to delete."""
        if self._reserve is None:
            return
        self._reserve.release()
        # Where even that is refused the reserve does not come back, and that is what is told.
        with suppress(DatabaseError):
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._tried_s = time.monotonic()
        self._full = not self._reserve.fill()

    def give_back(self, conn: Connection) -> None:
        """Free pages go from the end of the file, a few at a time so that the log stays small; then the reserve.

        A file that could not be made shrinkable yet keeps its free pages: later facts fill them.
        """
        try:
            incremental = conn.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL
            before = 0
            left = conn.execute("PRAGMA freelist_count").fetchone()[0]
            while incremental and FREE_PAGES_KEPT < left != before:
                conn.execute(f"PRAGMA incremental_vacuum({min(WAL_PAGES, left - FREE_PAGES_KEPT)})").fetchall()
                conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                before, left = left, conn.execute("PRAGMA freelist_count").fetchone()[0]
        except DatabaseError as fault:
            self.unavailable(conn, fault)
            return
        if self._reserve is not None:
            self._full = not self._reserve.fill()

    def make_shrinkable(self, conn: Connection) -> bool:
        """Write a file of an older release anew, once, so that `give_back` can; one commit, as any other.

        False where it stays as it is: it is one already, is too large, or the disk has no room for it beside the rest.
        Rows without a key of their own may get other numbers by it; no table of a box is known by such.
        """
        if conn.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL:
            return False
        pages, spare, size = (
            int(conn.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
        )
        used = (pages - spare) * size
        disk = os.statvfs(self._path.parent)
        if used > REWRITTEN_BYTES_MAX or disk.f_bavail * disk.f_frsize < used + BESIDE_BYTES:
            return False
        try:
            conn.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            conn.execute("VACUUM")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except DatabaseError as fault:
            self.unavailable(conn, fault)
            return False
        return True

    def is_lost(self, conn: Connection) -> bool:
        return self._suspect or conn.opened != self._opened
