"""Rounds on this box, and the reads that a scan's judgement makes inside its own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.tracking.facts import ROUND
from sync.kernel.fact import Key
from sync.kernel.ids import FactId


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round as this box knows it. `nurse` and `handed_over_at_ms` are None until the ward has confirmed."""

    key: str
    ward: str
    courier: str
    opened_at_ms: int
    list_as_of_ms: int
    by_hand: int | None
    nurse: str | None
    handed_over_at_ms: int | None


@dataclass(frozen=True, slots=True)
class TakenRow:
    """One record taken in a round."""

    fact: FactId
    key: str
    record_no: str
    stay_no: str
    name: str | None
    ward: str
    home_ward: str | None
    at_ms: int
    how: str
    verdict: str
    reason: str | None
    counts: bool
    discharged_on: str | None
    acked: bool


@dataclass(frozen=True, slots=True)
class DueRow:
    """One record that waits on a ward."""

    key: str
    record_no: str
    stay_no: str
    name: str
    discharged_on: str
    sealed: bool


class RoundProjector:
    etypes = frozenset({ROUND})
    schema_sql = """
    CREATE TABLE IF NOT EXISTS collecting_round (
        key            TEXT PRIMARY KEY,
        ward           TEXT NOT NULL,
        courier        TEXT NOT NULL,
        opened_at      INTEGER NOT NULL,
        list_as_of     INTEGER NOT NULL,
        by_hand        INTEGER,
        nurse          TEXT,
        handed_over_at INTEGER
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            conn.execute("DELETE FROM collecting_round WHERE key = ?", (key,))
            return
        conn.execute(
            "INSERT OR REPLACE INTO collecting_round (key, ward, courier, opened_at, list_as_of, by_hand, nurse, "
            "handed_over_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                state.ward,
                state.courier,
                state.opened_at_ms,
                state.list_as_of_ms,
                state.by_hand,
                state.nurse,
                state.handed_over_at_ms,
            ),
        )


def round_of(conn: Connection, key: str) -> RoundRow | None:
    row = conn.execute(
        "SELECT key, ward, courier, opened_at, list_as_of, by_hand, nurse, handed_over_at "
        "FROM collecting_round WHERE key = ?",
        (key,),
    ).fetchone()
    return None if row is None else RoundRow(*row)


def rounds_since(conn: Connection, courier: str | None, since_ms: int) -> list[RoundRow]:
    """Newest first."""
    rows = conn.execute(
        "SELECT key, ward, courier, opened_at, list_as_of, by_hand, nurse, handed_over_at "
        "FROM collecting_round WHERE opened_at >= ? AND (? IS NULL OR courier = ?) "
        "ORDER BY opened_at DESC, key",
        (since_ms, courier, courier),
    )
    return [RoundRow(*row) for row in rows]


_TAKEN = (
    "SELECT t.node, t.incarnation, t.lane, t.seq, t.key, t.record_no, t.stay_no, t.name, t.ward, t.home_ward, "
    "t.at_ms, t.how, t.verdict, t.reason, t.counts, t.discharged_on, coalesce(s.acked >= t.seq, 0) FROM taken_v t "
    "LEFT JOIN stream s ON s.node = t.node AND s.incarnation = t.incarnation AND s.lane = t.lane "
)


def taken_in(conn: Connection, round_key: str) -> list[TakenRow]:
    """Records of one round, newest first, undone ones too (`counts` False)."""
    return [
        _taken(row)
        for row in conn.execute(_TAKEN + "WHERE t.round = ? ORDER BY t.at_ms DESC, t.seq DESC", (round_key,))
    ]


def taken(conn: Connection, round_key: str, fact: FactId) -> TakenRow | None:
    row = conn.execute(_TAKEN + "WHERE t.round = ? AND t.fact = ?", (round_key, str(fact))).fetchone()
    return None if row is None else _taken(row)


def _taken(row: Any) -> TakenRow:
    return TakenRow(
        FactId(*row[:4]),
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        bool(row[14]),
        row[15],
        bool(row[16]),
    )


def due_on(conn: Connection, ward: str) -> list[DueRow]:
    """Discharged and not yet collected, by this box's knowledge; longest waiting first."""
    rows = conn.execute(
        "SELECT key, record_no, stay_no, name, discharged_on, sealed FROM custody_v WHERE ward = ? "
        "AND due_open = 1 AND state = 'discharged' ORDER BY discharged_on, record_no, stay_no",
        (ward,),
    )
    return [DueRow(r[0], r[1], r[2], r[3], r[4], bool(r[5])) for r in rows]


def due_counts(conn: Connection) -> dict[str, int]:
    rows = conn.execute(
        "SELECT ward, count(*) FROM custody_v WHERE due_open = 1 AND state = 'discharged' GROUP BY ward"
    )
    return {row[0]: row[1] for row in rows}


def wards_carried(conn: Connection) -> list[str]:
    """Wards whose feeds this box holds."""
    rows = conn.execute("SELECT substr(label, 6) FROM cursor WHERE label LIKE 'ward:%' ORDER BY label")
    return [row[0] for row in rows]


def list_as_of_ms(conn: Connection, ward: str) -> int:
    """Hub time of the newest head this box has seen of the ward's list; 0: the list has never been here."""
    row = conn.execute("SELECT head_at FROM cursor WHERE label = ?", (f"ward:{ward}",)).fetchone()
    return 0 if row is None else int(row[0])
