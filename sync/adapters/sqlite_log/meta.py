"""What a database notes of itself: named values, tallies, and the suite that it was begun with."""

from __future__ import annotations

from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Suite


def set_meta(conn: Connection, name: str, value: int | bytes) -> None:
    """Values are bytes; a number is written as its decimal digits."""
    conn.execute(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value if isinstance(value, bytes) else b"%d" % value),
    )


def count(conn: Connection, code: str, now_ms: int) -> None:
    conn.execute(
        "INSERT INTO tally (code, n, last_at) VALUES (?, 1, ?) "
        "ON CONFLICT (code) DO UPDATE SET n = tally.n + 1, last_at = excluded.last_at",
        (code, now_ms),
    )


def suite_number(conn: Connection) -> int:
    """Which suite this database was begun with; 0 for one without a stream yet, or older than the note of it."""
    row = conn.execute("SELECT value FROM meta WHERE name = 'suite'").fetchone()
    return 0 if row is None else int(row[0])


def kept_suite(conn: Connection, wanted: Suite | None) -> Suite:
    """The suite to go on with; `wanted` None: whichever it was begun with, of an older or empty database suite 1.

    Raises Unavailable `store.suite` where it was begun with another: a stream keeps its hash.
    """
    kept = suite_number(conn)
    if wanted is not None and kept not in (0, wanted.number):
        raise Unavailable("store.suite", 0.0)
    return wanted or suite_of(kept or 1)
