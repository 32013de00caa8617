"""Years and wards as they stand. Years are read whole: ten of them are a few kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change, load_state
from sync.domain.calendar.facts import CALENDAR, WARD
from sync.domain.calendar.fold import Year
from sync.kernel.fact import Key


@dataclass(frozen=True, slots=True)
class WardRow:
    code: str
    name_zh: str
    name_en: str
    limit_days: int


class CalendarProjector:
    etypes = frozenset({CALENDAR, WARD})
    derived = ("calendar_year", "calendar_ward")
    schema_sql = """
    CREATE TABLE IF NOT EXISTS calendar_year (
        year TEXT PRIMARY KEY
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS calendar_ward (
        code       TEXT PRIMARY KEY,
        name_zh    TEXT NOT NULL,
        name_en    TEXT NOT NULL,
        limit_days INTEGER NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            return
        if etype == CALENDAR:
            conn.execute("INSERT INTO calendar_year (year) VALUES (?) ON CONFLICT DO NOTHING", (key,))
            return
        conn.execute(
            "INSERT INTO calendar_ward (code, name_zh, name_en, limit_days) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, "
            "limit_days = excluded.limit_days",
            (key, state.name_zh, state.name_en, state.limit_days),
        )


def years(conn: Connection) -> dict[int, Year]:
    found = {}
    for (key,) in conn.execute("SELECT year FROM calendar_year ORDER BY year").fetchall():
        state = load_state(conn, CALENDAR, key)
        if state is not None:
            found[int(key)] = state
    return found


def wards(conn: Connection) -> list[WardRow]:
    rows = conn.execute("SELECT code, name_zh, name_en, limit_days FROM calendar_ward ORDER BY code")
    return [WardRow(*row) for row in rows]
