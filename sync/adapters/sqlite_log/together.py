"""Many rows in few statements: what begins a whole scope at once.

A row a statement costs as much for the statement as for the row where rows are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

from sync.adapters.sqlite_log.connection import Connection

ROWS_A_STATEMENT = 64


def insert(conn: Connection, into: str, rows: Iterable[Sequence[Any]], count: int) -> None:
    """`count` rows. `into`: the statement up to its VALUES, with all columns that a row has.

    Where a row that is there already ends the unit anyway, INSERT OR FAIL saves a tenth of the time: the database keeps
    nothing for going back within a statement.
    """
    columns = into.count(",") + 1
    one = f"({', '.join('?' * columns)})"
    values = chain.from_iterable(rows)
    conn.executemany(
        f"{into} VALUES {', '.join([one] * ROWS_A_STATEMENT)}",
        islice(zip(*[values] * (columns * ROWS_A_STATEMENT), strict=True), count // ROWS_A_STATEMENT),
    )
    conn.executemany(f"{into} VALUES {one}", zip(*[values] * columns, strict=True))
