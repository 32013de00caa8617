"""A hub's statements stand on SQLite and on PostgreSQL: names that one of them keeps for itself are not used."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from hub.projections import all_projectors
from sync.adapters.sqlite_log.database import statements_of
from sync.adapters.sqlite_log.hub_store import HubStore

# Source: PostgreSQL 15 documentation, appendix C, "SQL Key Words": reserved, also those that may name a function.
RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "binary",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "collation",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "ilike",
        "in",
        "initially",
        "inner",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "natural",
        "not",
        "notnull",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "overlaps",
        "placing",
        "primary",
        "references",
        "returning",
        "right",
        "select",
        "session_user",
        "similar",
        "some",
        "symmetric",
        "table",
        "tablesample",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
    ]
)
ONE_ONLY = re.compile(
    r"INSERT OR |REPLACE INTO|last_insert_rowid|lastrowid|\bPRAGMA\b|sqlite_schema|\bGLOB\b|\bIFNULL\b"
)
"""What only SQLite says. `max(a, b)` and `hex(x)` cannot be told from their other uses here; the store suite can."""

TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*)\)", re.DOTALL)
COLUMN = re.compile(r"^\s*(\w+)\s+(\w+)", re.MULTILINE)
NOT_COLUMNS = {"PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


def tables() -> list[tuple[str, str]]:
    here = resources.files("sync.adapters.sqlite_log")
    texts = [(here / name).read_text("utf-8") for name in HubStore.schemas]
    texts += [projector.schema_sql for projector in all_projectors(bytes(32))]
    found = [TABLE.match(statement) for text in texts for statement in statements_of(text)]
    return [(each[1], each[2]) for each in found if each]


@pytest.mark.parametrize(("name", "inside"), tables(), ids=[name for name, _ in tables()])
def test_a_table_of_the_hub(name: str, inside: str) -> None:
    columns = [row for row in COLUMN.findall(inside) if row[0] not in NOT_COLUMNS]
    assert columns
    assert {name, *(column for column, _ in columns)}.isdisjoint(RESERVED)
    assert {kind for _, kind in columns} <= {"INTEGER", "BLOB", "TEXT"}


def test_statements_of_the_hub_say_nothing_that_only_sqlite_says(root: Path) -> None:
    # A backup is a file of its own, whatever it was made from.
    sources = [path for path in (root / "hub").rglob("*.py") if "backup" not in path.relative_to(root).parts]
    sources = [*sources, *(root / "sync/adapters/sqlite_log").glob("hub_*.py")]
    sources += [root / "sync/adapters/sqlite_log" / name for name in ("digest.py", "node_store.py", "streams.py")]
    assert len(sources) > 50
    said = {
        f"{path.relative_to(root)}:{n}"
        for path in sources
        for n, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if ONE_ONLY.search(line)
    }
    assert said == set()
