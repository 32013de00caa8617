"""Reads the board through its published view `records_v`."""

from __future__ import annotations

from typing import NamedTuple

from sync.adapters.sqlite_log.connection import Connection


class Taken(NamedTuple):
    """A collection that stands."""

    ward: str | None
    discharged_on: str | None
    collected_at: int
    collected_by: str | None
    how: str | None


def collected(conn: Connection, since_ms: int, until_ms: int) -> list[Taken]:
    rows = conn.execute(
        "SELECT ward, discharged_on, collected_at, collected_by, collected_how FROM records_v "
        "WHERE collected_at >= ? AND collected_at < ? ORDER BY collected_at",
        (since_ms, until_ms),
    )
    return [Taken(*row) for row in rows]


def received(conn: Connection, since_ms: int, until_ms: int) -> list[int]:
    rows = conn.execute(
        "SELECT received_at FROM records_v WHERE received_at >= ? AND received_at < ?", (since_ms, until_ms)
    )
    return [row[0] for row in rows]


def waiting(conn: Connection) -> list[tuple[str | None, str, int]]:
    rows = conn.execute(
        "SELECT ward, discharged_on, count(*) FROM records_v WHERE state = 'discharged' AND discharged_on IS NOT NULL "
        "GROUP BY ward, discharged_on"
    )
    return [(row[0], row[1], row[2]) for row in rows]
