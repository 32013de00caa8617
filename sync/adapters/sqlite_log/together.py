"""Many rows in few statements: what begins a whole scope at once.

A row a statement costs as much for the statement as for the row where rows are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sync.adapters.sqlite_log.connection import Connection

ROWS_A_STATEMENT = 64


def insert(conn: Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """`into`: the statement up to its VALUES. All rows have the same number of columns."""
    if not rows:
        return
    columns = len(rows[0])
    one = f"({', '.join('?' * columns)})"
    whole = len(rows) // ROWS_A_STATEMENT * ROWS_A_STATEMENT
    values = chain.from_iterable(rows[:whole])
    conn.executemany(
        f"{into} VALUES {', '.join([one] * ROWS_A_STATEMENT)}",
        zip(*[values] * (columns * ROWS_A_STATEMENT), strict=True),
    )
    conn.executemany(f"{into} VALUES {one}", rows[whole:])
