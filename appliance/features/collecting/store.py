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
    status: str
    ward: str
    courier: str
    opened_at_ms: int
    list_as_of_ms: int
    by_hand: int | None
    nurse: str | None
    handed_over_at_ms: int | None


@dataclass(frozen=True, slots=True)
class TakenRow:
    """One record taken in a round. `acked`: the centre has signed for the scan."""

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
    who: str
    acked: bool


@dataclass(frozen=True, slots=True)
class DueRow:
    """One record that waits on a ward."""

    key: str
    record_no: str
    stay_no: str
    name: str
    initials: str
    discharged_on: str
    sealed: bool


class RoundProjector:
    """Rounds, and which one the hand-held is in: it goes on after a power cut without anybody signing in again."""

    etypes = frozenset({ROUND})
    derived = ("collecting_round",)
    schema_sql = """
    CREATE TABLE IF NOT EXISTS collecting_round (
        key            TEXT PRIMARY KEY,
        status         TEXT NOT NULL,
        ward           TEXT NOT NULL,
        courier        TEXT NOT NULL,
        opened_at      INTEGER NOT NULL,
        list_as_of     INTEGER NOT NULL,
        by_hand        INTEGER,
        nurse          TEXT,
        handed_over_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS collecting_active (
        one     INTEGER PRIMARY KEY CHECK (one = 1),
        round   TEXT NOT NULL,
        courier TEXT NOT NULL
    )
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            conn.execute("DELETE FROM collecting_round WHERE key = ?", (key,))
            return
        conn.execute(
            "INSERT OR REPLACE INTO collecting_round (key, status, ward, courier, opened_at, list_as_of, by_hand, "
            "nurse, handed_over_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key, state.status, state.ward or "", state.courier or "", state.opened_at_ms or 0,
                state.list_as_of_ms or 0, state.by_hand, state.nurse, state.handed_over_at_ms,
            ),
        )  # fmt: skip


_ROUND = (
    "SELECT key, status, ward, courier, opened_at, list_as_of, by_hand, nurse, handed_over_at FROM collecting_round "
)


def round_of(conn: Connection, key: str) -> RoundRow | None:
    row = conn.execute(_ROUND + "WHERE key = ?", (key,)).fetchone()
    return None if row is None else RoundRow(*row)


def rounds_since(conn: Connection, courier: str | None, since_ms: int) -> list[RoundRow]:
    """Newest first; of one courier, or of everybody."""
    rows = conn.execute(
        _ROUND + "WHERE opened_at >= ? AND (? IS NULL OR courier = ?) ORDER BY opened_at DESC, key",
        (since_ms, courier, courier),
    )
    return [RoundRow(*row) for row in rows]


def active(conn: Connection) -> RoundRow | None:
    """The round this hand-held is in."""
    row = conn.execute("SELECT round FROM collecting_active").fetchone()
    return None if row is None else round_of(conn, row[0])


def set_active(conn: Connection, round_key: str | None, courier: str) -> None:
    conn.execute("DELETE FROM collecting_active")
    if round_key is not None:
        conn.execute("INSERT INTO collecting_active (one, round, courier) VALUES (1, ?, ?)", (round_key, courier))


_TAKEN = (
    "SELECT t.node, t.incarnation, t.lane, t.seq, t.key, t.record_no, t.stay_no, t.name, t.ward, t.home_ward, t.at_ms, "
    "t.how, t.verdict, t.reason, t.counts, t.discharged_on, t.who, coalesce(s.acked >= t.seq, 0) FROM taken_v t "
    "LEFT JOIN stream s ON s.node = t.node AND s.incarnation = t.incarnation AND s.lane = t.lane WHERE t.round = ? "
)


def taken_in(conn: Connection, round_key: str) -> list[TakenRow]:
    """Records of one round in the order they were taken, undone ones too (`counts` False)."""
    rows = conn.execute(_TAKEN + "ORDER BY t.at_ms, t.incarnation, t.seq", (round_key,))
    return [_taken(row) for row in rows]


def taken(conn: Connection, round_key: str, fact: FactId) -> TakenRow | None:
    row = conn.execute(_TAKEN + "AND t.fact = ?", (round_key, str(fact))).fetchone()
    return None if row is None else _taken(row)


def _taken(row: Any) -> TakenRow:
    return TakenRow(
        FactId(*row[:4]), row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13],
        bool(row[14]), row[15], row[16], bool(row[17]),
    )  # fmt: skip


def counting_keys(conn: Connection, round_key: str) -> set[str]:
    rows = conn.execute("SELECT key FROM custody_taken WHERE round = ? AND counts = 1", (round_key,))
    return {row[0] for row in rows}


def due_on(conn: Connection, ward: str) -> list[DueRow]:
    """Discharged and not yet collected, by this box's knowledge; longest waiting first."""
    rows = conn.execute(
        "SELECT d.key, s.record_no, s.stay_no, d.name, d.initials, d.discharged_on, s.sealed FROM custody_due d "
        "JOIN custody_stay s ON s.key = d.key WHERE d.ward = ? AND d.open = 1 AND s.state = 'discharged' "
        "ORDER BY d.discharged_on, d.key",
        (ward,),
    )
    return [DueRow(r[0], r[1], r[2], r[3], r[4], r[5], bool(r[6])) for r in rows]


def due_counts(conn: Connection) -> dict[str, int]:
    rows = conn.execute(
        "SELECT d.ward, count(*) FROM custody_due d JOIN custody_stay s ON s.key = d.key "
        "WHERE d.open = 1 AND s.state = 'discharged' GROUP BY d.ward"
    )
    return {row[0]: row[1] for row in rows}


def wards_carried(conn: Connection) -> list[str]:
    """Wards whose feeds this box holds."""
    rows = conn.execute("SELECT substr(label, 6) FROM cursor WHERE label LIKE 'ward:%' ORDER BY label")
    return [row[0] for row in rows]


def wards_open(conn: Connection) -> list[str]:
    """Wards at which a round was begun here and not handed over yet."""
    rows = conn.execute("SELECT DISTINCT ward FROM collecting_round WHERE handed_over_at IS NULL ORDER BY ward")
    return [row[0] for row in rows]


def list_as_of_ms(conn: Connection, ward: str) -> int | None:
    """Hub time of the newest head this box has seen of the ward's list; None: the list is not here.

    It never was, or it had to make room: itself, or the stays without which it says nothing.
    """
    row = conn.execute(
        "SELECT head_at FROM cursor WHERE label = ? AND NOT EXISTS (SELECT 1 FROM let_go WHERE label = 'site:stays')",
        (f"ward:{ward}",),
    ).fetchone()
    return None if row is None or not row[0] else int(row[0])
