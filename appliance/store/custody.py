"""Projections of stays, due entries and merged numbers, and the look-ups that a judgement needs.

Every feature of a box may read `custody_v`, `taken_v`, `reception_v` and `anomaly_v`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.adapters.sqlite_log import together
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.catalog import ENTITY_TYPES
from sync.domain.patients.due import Due, dump, line_of
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import ALIAS, STAY
from sync.domain.tracking.state import Stay
from sync.kernel.fact import Key

SCHEMA = """
CREATE TABLE IF NOT EXISTS custody_stay (
    key           TEXT PRIMARY KEY,
    record_no     TEXT NOT NULL,
    stay_no       TEXT NOT NULL,
    ward          TEXT,
    standing      TEXT NOT NULL,
    state         TEXT NOT NULL,
    sealed        INTEGER NOT NULL,
    discharged_on TEXT,
    open_anomaly  INTEGER NOT NULL,
    holder        TEXT,
    holder_node   TEXT,
    holder_at     INTEGER,
    received_at   INTEGER,
    labels        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS custody_due (
    key           TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    sex           TEXT,
    ward          TEXT NOT NULL,
    discharged_on TEXT NOT NULL,
    initials      TEXT NOT NULL,
    open          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS custody_due_by_ward ON custody_due (ward, open);
CREATE TABLE IF NOT EXISTS custody_alias (
    number TEXT PRIMARY KEY,
    into_number TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS custody_alias_back ON custody_alias (into_number);
CREATE TABLE IF NOT EXISTS custody_taken (
    round     TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    lane      INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    node      TEXT NOT NULL,
    key       TEXT NOT NULL,
    who       TEXT NOT NULL,
    ward      TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    how       TEXT NOT NULL,
    verdict   TEXT NOT NULL,
    reason    TEXT,
    counts    INTEGER NOT NULL,
    PRIMARY KEY (round, incarnation, lane, seq, node)  -- a round's own scans come at its end: few pages change
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS custody_reception (
    handin TEXT NOT NULL,
    fact   TEXT NOT NULL,
    key    TEXT NOT NULL,
    who    TEXT NOT NULL,
    node   TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    lane   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    how    TEXT NOT NULL,
    PRIMARY KEY (handin, fact)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS custody_anomaly (
    key     TEXT NOT NULL,
    id      TEXT NOT NULL,
    code    TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    settled TEXT,
    open    INTEGER NOT NULL,
    PRIMARY KEY (key, id)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS custody_v AS
    SELECT s.*, d.name, d.sex, d.initials, coalesce(d.open, 0) AS due_open
    FROM custody_stay s LEFT JOIN custody_due d ON d.key = s.key;
CREATE VIEW IF NOT EXISTS taken_v AS
    SELECT t.*, printf('%s/%016x/%d/%d', t.node, t.incarnation, t.lane, t.seq) AS fact,
        s.record_no, s.stay_no, s.state, s.discharged_on, s.ward AS home_ward, s.sealed, d.name
    FROM custody_taken t JOIN custody_stay s ON s.key = t.key LEFT JOIN custody_due d ON d.key = t.key;
CREATE VIEW IF NOT EXISTS reception_v AS
    SELECT r.*, s.record_no, s.stay_no, s.ward AS home_ward, s.discharged_on, s.labels, d.name
    FROM custody_reception r JOIN custody_stay s ON s.key = r.key LEFT JOIN custody_due d ON d.key = r.key;
CREATE VIEW IF NOT EXISTS anomaly_v AS
    SELECT a.*, s.record_no, s.stay_no, s.ward, d.name
    FROM custody_anomaly a JOIN custody_stay s ON s.key = a.key LEFT JOIN custody_due d ON d.key = a.key
"""


_INTO_DUE = "INSERT OR REPLACE INTO custody_due (key, name, sex, ward, discharged_on, initials, open)"


class CustodyProjector:
    """Keeps the tables above in step with the fold."""

    etypes = frozenset({STAY, DUE, ALIAS})
    schema_sql = SCHEMA
    derived = (
        "custody_stay", "custody_due", "custody_alias", "custody_taken", "custody_reception", "custody_anomaly",
    )  # fmt: skip

    def project_fresh(self, conn: Connection, etype: int, keys: Sequence[Key], states: Sequence[Any]) -> None:
        """A whole ward that begins here: its lines in few statements."""
        if etype == DUE:
            rows = ((str(key), *line_of(kept)) for key, kept in zip(keys, states, strict=True))
            together.insert(conn, _INTO_DUE, rows, len(keys))
            return
        load = ENTITY_TYPES[etype].load
        for key, kept in zip(keys, states, strict=True):
            self.project(conn, etype, key, load(kept), Change(etype, key, "snapshot"))

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if etype == STAY:
            _put_stay(conn, str(key), state)
        elif etype == DUE:
            _put_due(conn, str(key), state)
        elif state is None:
            conn.execute("DELETE FROM custody_alias WHERE number = ?", (key,))
        else:
            conn.execute("INSERT OR REPLACE INTO custody_alias (number, into_number) VALUES (?, ?)", (key, state.into))


def _put_stay(conn: Connection, key: str, stay: Stay | None) -> None:
    """Few pages a scan: every page of a commit is sealed and written, so no index serves what a key already gives."""
    if stay is None:
        for table in ("custody_stay", "custody_taken", "custody_reception", "custody_anomaly"):
            conn.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
        return
    held, got = stay.collection, stay.reception
    conn.execute(
        "INSERT OR REPLACE INTO custody_stay (key, record_no, stay_no, ward, standing, state, sealed, discharged_on, "
        "open_anomaly, holder, holder_node, holder_at, received_at, labels) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key, stay.record_no, stay.stay_no, stay.ward, stay.standing, stay.state, stay.sealed, stay.discharged_on,
            stay.has_open_anomaly, held.who if held else None, held.identity.node if held else None,
            held.at_ms if held else None, got.at_ms if got else None, len(stay.labels),
        ),
    )  # fmt: skip
    for one in stay.collections:
        for twin in one.also:
            conn.execute(
                "DELETE FROM custody_taken WHERE round = ? AND node = ? AND incarnation = ? AND lane = ? AND seq = ?",
                (one.round, *twin),
            )
        conn.execute(
            "INSERT OR REPLACE INTO custody_taken (round, node, incarnation, lane, seq, key, who, ward, at_ms, how, "
            "verdict, reason, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.round, *one.fact, key, one.who, one.ward, one.at_ms, one.how, one.verdict, one.reason, one.counts,
            ),
        )  # fmt: skip
    for two in stay.receptions:
        if two.undone:
            conn.execute("DELETE FROM custody_reception WHERE handin = ? AND fact = ?", (two.handin, str(two.fact)))
            continue
        conn.execute(
            "INSERT OR REPLACE INTO custody_reception (handin, fact, key, who, node, incarnation, lane, seq, at_ms, "
            "how) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (two.handin, str(two.fact), key, two.who, *two.fact, two.at_ms, two.how),
        )
    conn.execute("DELETE FROM custody_anomaly WHERE key = ?", (key,))
    for anomaly in stay.anomalies:
        conn.execute(
            "INSERT OR REPLACE INTO custody_anomaly (key, id, code, at_ms, settled, open) VALUES (?, ?, ?, ?, ?, ?)",
            (key, anomaly.id, anomaly.code, anomaly.at_ms, anomaly.settled, anomaly.open),
        )


def _put_due(conn: Connection, key: str, due: Due | None) -> None:
    if due is None:
        conn.execute("DELETE FROM custody_due WHERE key = ?", (key,))
        return
    conn.execute(f"{_INTO_DUE} VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *line_of(dump(due))))
