"""Rows out of a hub's database and into another, table by table, through SQL that every store of a hub speaks.

What follows from folded states alone (`derived`) is left out and made again, and so is what should not outlive the
process (`fleeting`: who is signed in). A backup hangs on no file format of the database that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from hub.projections import all_projectors
from sync.adapters.sqlite_log.database import Connection, statements_of
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Unit
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import decode

ROWS_TOGETHER = 1000
_TABLE = re.compile(r"\s*CREATE TABLE IF NOT EXISTS (\w+)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a backup holds, and how it is made."""

    name: str
    create: str


def kept_tables() -> list[Table]:
    """Every table of a hub that a backup holds, by name."""
    here = resources.files("sync.adapters.sqlite_log")
    projectors = all_projectors(bytes(32))
    texts = [(here / name).read_text("utf-8") for name in HubStore.schemas] + [p.schema_sql for p in projectors]
    left_out = {table for p in projectors for names in ("derived", "fleeting") for table in getattr(p, names, ())}
    found = {}
    for text in texts:
        for statement in statements_of(text):
            named = _TABLE.match(statement)
            if named and named[1] not in left_out:
                found[named[1]] = Table(named[1], statement)
    return [found[name] for name in sorted(found)]


def copy_rows(source: Connection, target: Connection, tables: Sequence[Table]) -> int:
    """All rows of the tables; columns by name, so a table, or a column of one, may be new since. Returns how many."""
    copied = 0
    for table in tables:
        if not source.has_table(table.name):
            continue  # a release before it had none
        there = {column[0] for column in target.execute(f"SELECT * FROM {table.name} WHERE 1 = 0").description}
        cursor = source.execute(f"SELECT * FROM {table.name}")
        columns = [column[0] for column in cursor.description]
        assert there.issuperset(columns), f"{table.name} has lost a column"
        target.execute(f"DELETE FROM {table.name}")
        into = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        while rows := cursor.fetchmany(ROWS_TOGETHER):
            target.executemany(into, [tuple(row) for row in rows])
            copied += len(rows)
    return copied


def project_again(store: NodeStore, unit: Unit) -> int:
    """Drop what follows from folded states and make it again. Returns how many entities there are."""
    for projector in store.projectors:
        for table in getattr(projector, "derived", ()):
            unit.conn.execute(f"DELETE FROM {table}")
    rows = unit.conn.execute("SELECT etype, key, state FROM entity ORDER BY etype, key").fetchall()
    known = [row for row in rows if row[0] in ENTITY_TYPES and row[2]]
    for etype, name, state in known:
        store.project(unit.conn, ENTITY_TYPES[etype].load(decode(state)), Change(etype, name, "rebuild"))
    return len(known)
