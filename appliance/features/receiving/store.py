"""Hand-ins on this box, and what the room knows of a courier's rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.tracking.facts import HANDIN, ROUND
from sync.kernel.fact import Key
from sync.kernel.ids import FactId


@dataclass(frozen=True, slots=True)
class HandInRow:
    """One visit of a courier at the counter. `closed_at_ms` None: it goes on."""

    key: str
    courier: str
    opened_at_ms: int
    closed_at_ms: int | None
    expected: int | None
    received: int | None


@dataclass(frozen=True, slots=True)
class WaitingRound:
    """A round a courier may hand in. `records`: those known here to have been taken in it."""

    key: str
    ward: str
    courier: str
    handed_over_at_ms: int | None
    scanned: int | None
    records: int
    handin: str | None


@dataclass(frozen=True, slots=True)
class CounterRow:
    """One record at the counter. `expected`: a round of this hand-in names it."""

    key: str
    record_no: str
    stay_no: str
    name: str | None
    ward: str | None
    taken_at_ms: int | None
    received_at_ms: int | None
    reception: FactId | None
    labels: int
    discharged_on: str | None
    acked: bool
    expected: bool


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """A question for a person, with both sides' words gathered by the page."""

    id: str
    key: str
    code: str
    at_ms: int
    settled: str | None
    record_no: str
    stay_no: str
    ward: str | None
    name: str | None
    taken_at_ms: int | None
    received_at_ms: int | None


class ReceivingProjector:
    etypes = frozenset({HANDIN, ROUND})
    derived = ("receiving_handin", "receiving_round", "receiving_handin_round")
    schema_sql = """
    CREATE TABLE IF NOT EXISTS receiving_handin (
        key       TEXT PRIMARY KEY,
        courier   TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        closed_at INTEGER,
        expected  INTEGER,
        received  INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receiving_round (
        key            TEXT PRIMARY KEY,
        ward           TEXT NOT NULL,
        courier        TEXT NOT NULL,
        handed_over_at INTEGER,
        scanned        INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receiving_handin_round (
        round  TEXT PRIMARY KEY,
        handin TEXT NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if etype == ROUND:
            conn.execute("DELETE FROM receiving_round WHERE key = ?", (key,))
            if state is not None:
                conn.execute(
                    "INSERT INTO receiving_round (key, ward, courier, handed_over_at, scanned) VALUES (?, ?, ?, ?, ?)",
                    (key, state.ward or "", state.courier or "", state.handed_over_at_ms, state.scanned),
                )
            return
        conn.execute("DELETE FROM receiving_handin WHERE key = ?", (key,))
        conn.execute("DELETE FROM receiving_handin_round WHERE handin = ?", (key,))
        if state is None:
            return
        conn.execute(
            "INSERT INTO receiving_handin (key, courier, opened_at, closed_at, expected, received) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (key, state.courier or "", state.opened_at_ms or 0, state.closed_at_ms, state.expected, state.received),
        )
        for round_key in state.rounds:
            conn.execute(
                "INSERT OR REPLACE INTO receiving_handin_round (round, handin) VALUES (?, ?)", (round_key, key)
            )


def waiting_rounds(conn: Connection) -> list[WaitingRound]:
    """Rounds not handed in yet, and those of open hand-ins; newest first."""
    rows = conn.execute(
        "SELECT r.key, r.ward, r.courier, r.handed_over_at, r.scanned, "
        "(SELECT count(*) FROM custody_taken t WHERE t.round = r.key AND t.counts = 1), hr.handin "
        "FROM receiving_round r LEFT JOIN receiving_handin_round hr ON hr.round = r.key "
        "LEFT JOIN receiving_handin h ON h.key = hr.handin WHERE h.key IS NULL OR h.closed_at IS NULL "
        "ORDER BY coalesce(r.handed_over_at, 9e15) DESC, r.key"
    )
    return [WaitingRound(*row) for row in rows]


def handins(conn: Connection, since_ms: int) -> list[HandInRow]:
    """Newest first, open ones always."""
    rows = conn.execute(
        "SELECT key, courier, opened_at, closed_at, expected, received FROM receiving_handin "
        "WHERE opened_at >= ? OR closed_at IS NULL ORDER BY opened_at DESC, key",
        (since_ms,),
    )
    return [HandInRow(*row) for row in rows]


def handin(conn: Connection, key: str) -> HandInRow | None:
    row = conn.execute(
        "SELECT key, courier, opened_at, closed_at, expected, received FROM receiving_handin WHERE key = ?", (key,)
    ).fetchone()
    return None if row is None else HandInRow(*row)


def expected_keys(conn: Connection, handin_key: str) -> frozenset[str]:
    """Stays that the rounds of a hand-in say were taken."""
    rows = conn.execute(
        "SELECT DISTINCT t.key FROM receiving_handin_round hr JOIN custody_taken t ON t.round = hr.round "
        "AND t.counts = 1 WHERE hr.handin = ?",
        (handin_key,),
    )
    return frozenset(row[0] for row in rows)


def received_keys(conn: Connection, handin_key: str) -> frozenset[str]:
    rows = conn.execute("SELECT key FROM custody_reception WHERE handin = ?", (handin_key,))
    return frozenset(row[0] for row in rows)


def counter(conn: Connection, handin_key: str) -> list[CounterRow]:
    """Every record of a hand-in: received ones newest first, then those still missing."""
    wanted = expected_keys(conn, handin_key)
    found = []
    for key in sorted(wanted | received_keys(conn, handin_key)):
        row = conn.execute(
            "SELECT s.record_no, s.stay_no, d.name, s.ward, s.holder_at, s.labels, s.discharged_on FROM custody_stay s "
            "LEFT JOIN custody_due d ON d.key = s.key WHERE s.key = ?",
            (key,),
        ).fetchone()
        got = conn.execute(
            "SELECT r.node, r.incarnation, r.lane, r.seq, r.at_ms, coalesce(s.acked >= r.seq, 0) "
            "FROM custody_reception r LEFT JOIN stream s ON s.node = r.node AND s.incarnation = r.incarnation "
            "AND s.lane = r.lane WHERE r.handin = ? AND r.key = ?",
            (handin_key, key),
        ).fetchone()
        if row is not None:
            found.append(
                CounterRow(
                    key,
                    row[0],
                    row[1],
                    row[2],
                    row[3],
                    row[4],
                    got[4] if got else None,
                    FactId(*got[:4]) if got else None,
                    row[5],
                    row[6],
                    bool(got[5]) if got else False,
                    key in wanted,
                )
            )
    return sorted(found, key=lambda one: (one.received_at_ms is None, -(one.received_at_ms or 0), one.key))


def open_anomalies(conn: Connection) -> list[AnomalyRow]:
    """Questions nobody has settled, oldest first."""
    rows = conn.execute(
        "SELECT a.id, a.key, a.code, a.at_ms, a.settled, a.record_no, a.stay_no, a.ward, a.name, s.holder_at, "
        "s.received_at FROM anomaly_v a JOIN custody_stay s ON s.key = a.key WHERE a.open = 1 ORDER BY a.at_ms, a.id"
    )
    return [AnomalyRow(*row) for row in rows]


def label_facts(conn: Connection, key: str) -> tuple[str, str | None, int] | None:
    """(name, discharge date, labels printed) of a stay."""
    row = conn.execute(
        "SELECT coalesce(d.name, ''), coalesce(d.discharged_on, s.discharged_on), s.labels FROM custody_stay s "
        "LEFT JOIN custody_due d ON d.key = s.key WHERE s.key = ?",
        (key,),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])
