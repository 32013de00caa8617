"""What the site has told this box: its wards and their limits, its calendar, its machines and their keys."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change, NodeStore, load_state
from sync.domain.calendar.facts import CALENDAR, LIMIT_DAYS_DEFAULT, WARD
from sync.domain.calendar.workdays import Calendar
from sync.domain.fleet.facts import NODE
from sync.kernel.fact import Key
from sync.kernel.suite import PUBLIC_BYTES, Suite


class WardRow(NamedTuple):
    """A ward in the site's words. `limit_days`: working days within which a record is to be collected."""

    code: str
    name_zh: str
    name_en: str
    limit_days: int


class SiteProjector:
    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    etypes = frozenset({WARD, NODE})
    derived = ("site_ward", "site_node", "site_key")
    schema_sql = """
    CREATE TABLE IF NOT EXISTS site_ward (
        code       TEXT PRIMARY KEY,
        name_zh    TEXT NOT NULL,
        name_en    TEXT NOT NULL,
        limit_days INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS site_node (
        node   TEXT PRIMARY KEY,
        role   TEXT NOT NULL,
        name   TEXT NOT NULL,
        public BLOB NOT NULL,
        key_id BLOB NOT NULL,
        status TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS site_key (
        key_id BLOB PRIMARY KEY,
        node   TEXT NOT NULL,
        public BLOB NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        table, column = ("site_ward", "code") if etype == WARD else ("site_node", "node")
        if etype == NODE:
            conn.execute("DELETE FROM site_key WHERE node = ?", (key,))
        if state is None:
            conn.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
        elif etype == WARD:
            conn.execute(
                "INSERT OR REPLACE INTO site_ward (code, name_zh, name_en, limit_days) VALUES (?, ?, ?, ?)",
                (key, state.name_zh, state.name_en or state.name_zh, state.limit_days),
            )
        else:
            conn.execute(
                "INSERT OR REPLACE INTO site_node (node, role, name, public, key_id, status) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key,
                    state.role,
                    state.display_name,
                    state.signing_public,
                    self._suite.key_id(state.signing_public),
                    state.status,
                ),
            )
            conn.executemany(
                "INSERT OR REPLACE INTO site_key (key_id, node, public) VALUES (?, ?, ?)",
                [(self._suite.key_id(public), key, public) for public in state.later_keys],
            )


def ward(conn: Connection, code: str) -> WardRow:
    """A ward; one that nobody has named is called by its code, with the usual limit."""
    row = conn.execute("SELECT code, name_zh, name_en, limit_days FROM site_ward WHERE code = ?", (code,)).fetchone()
    return WardRow(code, code, code, LIMIT_DAYS_DEFAULT) if row is None else WardRow(*row)


def public_of(conn: Connection, key_id: bytes) -> bytes | None:
    """A signing key of a machine of this site, old ones and revoked ones too: their paper was honest when printed."""
    row = conn.execute(
        "SELECT public FROM site_node WHERE key_id = ? UNION ALL SELECT public FROM site_key WHERE key_id = ?",
        (key_id, key_id),
    ).fetchone()
    return None if row is None or len(row[0]) not in PUBLIC_BYTES.values() else bytes(row[0])


def calendar_for(store: NodeStore, today: date) -> Calendar:
    """The site's days around `today`, as far as they ever came here."""
    with store.read() as conn:
        years = {year: load_state(conn, CALENDAR, str(year)) for year in range(today.year - 1, today.year + 2)}
    return Calendar({year: state for year, state in years.items() if state is not None})
