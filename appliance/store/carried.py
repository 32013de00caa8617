"""The carried list as a judgement asks it: answers from this box alone, inside the transaction that will write."""

from __future__ import annotations

from collections.abc import Sequence

from sync.adapters.sqlite_log.connection import Connection
from sync.domain.tracking.judge import CarriedStay


class CarriedList:
    """`sync.domain.tracking.judge.CarriedView` over one connection."""

    def __init__(self, conn: Connection) -> None:
        """For one judgement: merges are read once."""
        self._conn = conn
        self._merges: dict[str, tuple[str | None, list[str]]] = {}

    def stays_of(self, record_no: str) -> Sequence[CarriedStay]:
        # A stay's key is "record-stay": a range of the primary key, where "." is the character after "-".
        rows = self._conn.execute(
            "SELECT key, ward, state, discharged_on, sealed, holder FROM custody_stay WHERE key >= ? AND key < ?",
            (f"{record_no}-", f"{record_no}."),
        )
        return [CarriedStay(r[0], r[1], r[2], r[3], bool(r[4]), (r[5],) if r[5] else ()) for r in rows]

    def alias(self, record_no: str) -> str | None:
        return self._merges_of(record_no)[0]

    def merged_from(self, record_no: str) -> Sequence[str]:
        return self._merges_of(record_no)[1]

    def _merges_of(self, record_no: str) -> tuple[str | None, list[str]]:
        """What the number was merged into, and what was merged into it. One statement: each scan asks, few find any."""
        found = self._merges.get(record_no)
        if found is None:
            rows = self._conn.execute(
                "SELECT number, into_number FROM custody_alias WHERE number = ? OR into_number = ? ORDER BY number",
                (record_no, record_no),
            ).fetchall()
            into = next((str(row[1]) for row in rows if row[0] == record_no), None)
            found = self._merges[record_no] = into, [row[0] for row in rows if row[1] == record_no]
        return found


def name_of(conn: Connection, key: str) -> str | None:
    """The patient's name, where a held list has it."""
    row = conn.execute("SELECT name FROM custody_due WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])
