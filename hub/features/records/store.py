"""The board's tables: one row a stay with what its name's line adds, names by single characters, open questions."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.patients.due import Due
from sync.domain.patients.facts import DUE
from sync.domain.tracking.alias import Alias
from sync.domain.tracking.facts import ALIAS, STAY, split_stay_key
from sync.domain.tracking.state import Stay
from sync.kernel.fact import Key

PAGE_ROWS = 50


def opaque_of(secret: bytes, key: str) -> str:
    """A stay's name in addresses: 16 hex digits that say nothing to whoever reads a log."""
    return hmac.digest(secret, b"way/1 address\0" + key.encode(), "sha256").hex()[:16]


class RecordsProjector:
    """`secret` is the store's key: addresses live and die with the database."""

    etypes = frozenset({STAY, DUE, ALIAS})
    derived = ("records_stay", "records_find", "records_question", "records_alias")
    schema_sql = """
    CREATE TABLE IF NOT EXISTS records_stay (
        id             INTEGER PRIMARY KEY,
        key            TEXT NOT NULL UNIQUE,
        opaque         TEXT NOT NULL UNIQUE,
        record_no      TEXT NOT NULL,
        stay_no        TEXT NOT NULL,
        state          TEXT NOT NULL DEFAULT 'unheard',
        standing       TEXT NOT NULL DEFAULT 'unheard',
        ward           TEXT,
        admitted_on    TEXT,
        discharged_on  TEXT,
        sealed         INTEGER NOT NULL DEFAULT 0,
        questions      INTEGER NOT NULL DEFAULT 0,
        collected_at   INTEGER,
        collected_by   TEXT,
        collected_node TEXT,
        collected_how  TEXT,
        received_at    INTEGER,
        received_by    TEXT,
        labels         INTEGER NOT NULL DEFAULT 0,
        name           TEXT NOT NULL DEFAULT '',
        spellings      INTEGER NOT NULL DEFAULT 0,
        initials       TEXT NOT NULL DEFAULT '',
        sex            TEXT NOT NULL DEFAULT 'U',
        line           TEXT NOT NULL DEFAULT 'none',
        changed_at     INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS records_stay_by_number ON records_stay (record_no, stay_no);
    CREATE INDEX IF NOT EXISTS records_stay_by_initials ON records_stay (initials);
    CREATE INDEX IF NOT EXISTS records_stay_by_state ON records_stay (state, ward, discharged_on);
    CREATE INDEX IF NOT EXISTS records_stay_by_change ON records_stay (changed_at);
    CREATE INDEX IF NOT EXISTS records_stay_differing ON records_stay (spellings) WHERE spellings > 1;
    CREATE INDEX IF NOT EXISTS records_stay_by_collection ON records_stay (collected_at);
    CREATE VIRTUAL TABLE IF NOT EXISTS records_find USING fts5 (letters, tokenize = 'unicode61 remove_diacritics 0');
    CREATE TABLE IF NOT EXISTS records_question (
        key     TEXT NOT NULL,
        id      TEXT NOT NULL,
        code    TEXT NOT NULL,
        at_ms   INTEGER NOT NULL,
        settled TEXT,
        open    INTEGER NOT NULL,
        PRIMARY KEY (key, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS records_question_open ON records_question (open, at_ms);
    CREATE TABLE IF NOT EXISTS records_alias (
        old  TEXT PRIMARY KEY,
        into_ TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE VIEW IF NOT EXISTS records_v AS
        SELECT key, ward, state, standing, discharged_on, collected_at, collected_by, collected_how, received_at,
               questions FROM records_stay
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"way/1 addresses\0" + secret).digest()

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            return
        key = str(key)
        if etype == ALIAS:
            self._alias(conn, key, state)
            return
        number, stay = split_stay_key(key)
        opaque = opaque_of(self._secret, key)
        # The id follows from the key, so that a rebuild makes the same rows.
        conn.execute(
            "INSERT INTO records_stay (id, key, opaque, record_no, stay_no) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (int(opaque, 16) >> 2, key, opaque, number, stay),
        )
        if etype == STAY:
            self._stay(conn, key, state)
        else:
            self._line(conn, key, state)

    def _stay(self, conn: Connection, key: str, stay: Stay) -> None:
        taken, got = stay.collection, stay.reception
        conn.execute(
            "UPDATE records_stay SET state = ?, standing = ?, ward = ?, admitted_on = ?, discharged_on = ?, "
            "sealed = ?, questions = ?, collected_at = ?, collected_by = ?, collected_node = ?, collected_how = ?, "
            "received_at = ?, received_by = ?, labels = ?, changed_at = ? WHERE key = ?",
            (
                stay.state,
                stay.standing,
                stay.ward or (taken.ward if taken else None),
                stay.admitted_on,
                stay.discharged_on,
                stay.sealed,
                sum(one.open for one in stay.anomalies),
                taken.at_ms if taken else None,
                taken.who if taken else None,
                taken.node if taken else None,
                taken.how if taken else None,
                got.at_ms if got else None,
                got.who if got else None,
                len(stay.labels),
                _latest(stay),
                key,
            ),
        )
        conn.execute("DELETE FROM records_question WHERE key = ?", (key,))
        conn.executemany(
            "INSERT INTO records_question (key, id, code, at_ms, settled, open) VALUES (?, ?, ?, ?, ?, ?)",
            [(key, one.id, one.code, one.at_ms, one.settled, one.open) for one in stay.anomalies],
        )

    def _line(self, conn: Connection, key: str, due: Due) -> None:
        conn.execute(
            "UPDATE records_stay SET name = ?, spellings = ?, initials = ?, sex = ?, line = ? WHERE key = ?",
            (due.name, len(due.names), due.initials, due.sex, due.status, key),
        )
        row = conn.execute("SELECT id FROM records_stay WHERE key = ?", (key,)).fetchone()
        conn.execute("DELETE FROM records_find WHERE rowid = ?", (row[0],))
        text = " | ".join(_letters(name) for name in due.names)
        conn.execute("INSERT INTO records_find (rowid, letters) VALUES (?, ?)", (row[0], text))

    def _alias(self, conn: Connection, old: str, alias: Alias) -> None:
        if alias.into is not None:
            conn.execute(
                "INSERT INTO records_alias (old, into_) VALUES (?, ?) "
                "ON CONFLICT (old) DO UPDATE SET into_ = excluded.into_",
                (old, alias.into),
            )


def _latest(stay: Stay) -> int:
    """When something last happened to the record."""
    told = [event.event_at_ms for event in stay.events]
    for acts in (stay.collections, stay.receptions, stay.labels, stay.settlements):
        told += [act.at_ms for act in acts]
    return max(told, default=0)


def _letters(text: str) -> str:
    """Single characters: a two-character name is found, which a trigram index would not do."""
    return " ".join(ch for ch in unicodedata.normalize("NFKC", text).lower() if ch.isalnum())


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One stay on the board. `questions`: how many a person has to settle."""

    key: str
    opaque: str
    record_no: str
    stay_no: str
    state: str
    standing: str
    ward: str | None
    admitted_on: str | None
    discharged_on: str | None
    sealed: bool
    questions: int
    collected_at: int | None
    collected_by: str | None
    collected_node: str | None
    collected_how: str | None
    received_at: int | None
    received_by: str | None
    labels: int
    name: str
    spellings: int
    initials: str
    sex: str
    line: str


_COLUMNS = (
    "s.key, s.opaque, s.record_no, s.stay_no, s.state, s.standing, s.ward, s.admitted_on, s.discharged_on, s.sealed, "
    "s.questions, s.collected_at, s.collected_by, s.collected_node, s.collected_how, s.received_at, s.received_by, "
    "s.labels, s.name, s.spellings, s.initials, s.sex, s.line"
)


def _record(row: Sequence[Any]) -> RecordRow:
    values = list(row)
    values[9] = bool(values[9])
    return RecordRow(*values)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list shows: text, and filters that stand in the address."""

    text: str = ""
    state: str = ""
    ward: str = ""
    questions: bool = False
    late: bool = False
    page: int = 1


def find(conn: Connection, wanted: Wanted, last_late: Mapping[str, str] | None = None) -> tuple[list[RecordRow], int]:
    """A page of rows, newest change first, and how many there are in all.

    `last_late`: per ward the newest discharge day that is overdue; asked for with `wanted.late`.
    """
    where, values = _where(conn, wanted)
    if wanted.late:
        wards = last_late or {}
        each = " OR ".join("(coalesce(s.ward, '') = ? AND s.discharged_on <= ?)" for _ in wards) or "0 = 1"
        where += f" AND s.state = 'discharged' AND ({each})"
        values += [value for pair in wards.items() for value in pair]
    total = conn.execute(f"SELECT count(*) FROM records_stay s WHERE {where}", values).fetchone()[0]
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM records_stay s WHERE {where} ORDER BY s.changed_at DESC, s.id DESC LIMIT ? OFFSET ?",
        (*values, PAGE_ROWS, PAGE_ROWS * (max(1, wanted.page) - 1)),
    )
    return [_record(row) for row in rows], total


def _where(conn: Connection, wanted: Wanted) -> tuple[str, list[Any]]:
    parts, values = ["1 = 1"], list[Any]()
    if wanted.state:
        parts.append("s.state = ?")
        values.append(wanted.state)
    if wanted.ward:
        parts.append("s.ward = ?")
        values.append(wanted.ward)
    if wanted.questions:
        parts.append("s.questions > 0")
    text = unicodedata.normalize("NFKC", wanted.text).strip()[:80]
    if text:
        part, more = _text(conn, text)
        parts.append(f"({part})")
        values += more
    elif not wanted.state:
        parts.append("s.state <> 'unheard'")  # what is left of a scan that was undone: found by its number alone
    return " AND ".join(parts), values


def _text(conn: Connection, text: str) -> tuple[str, list[Any]]:
    """By number, by initials, by any run of characters of a name."""
    plain = "".join(text.upper().split())
    anyone, values = list[str](), list[Any]()
    if plain.isascii() and plain.replace("-", "").isalnum():
        number, _, stay = plain.partition("-")
        for one in (number, *_family(conn, number)):
            if stay and one == number:
                anyone.append("(s.record_no = ? AND s.stay_no LIKE ?)")
                values += [one, f"{stay.lstrip('0') or '0'}%"]
            else:
                anyone.append("(s.record_no >= ? AND s.record_no < ?)")
                values += [one, one + "\x7f"]
        if plain.isalpha():
            anyone.append("(s.initials >= ? AND s.initials < ?)")
            values += [plain, plain + "\x7f"]
    if letters := _letters(text):
        anyone.append("s.id IN (SELECT rowid FROM records_find WHERE records_find MATCH ?)")
        values.append(f'"{letters}"')
    return " OR ".join(anyone) or "0 = 1", values


def _family(conn: Connection, number: str) -> list[str]:
    """Numbers that this one was merged into or with, one step either way."""
    rows = conn.execute(
        "SELECT into_ FROM records_alias WHERE old = ? UNION SELECT old FROM records_alias WHERE into_ = ?",
        (number, number),
    )
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Merges:
    """`into`: the number that this one leads to now. `old`: numbers that lead here."""

    into: str | None
    old: tuple[str, ...]


def merges(conn: Connection, number: str) -> Merges:
    row = conn.execute("SELECT into_ FROM records_alias WHERE old = ?", (number,)).fetchone()
    old = conn.execute("SELECT old FROM records_alias WHERE into_ = ? ORDER BY old LIMIT 32", (number,)).fetchall()
    return Merges(None if row is None else row[0], tuple(one[0] for one in old))


def by_opaque(conn: Connection, opaque: str) -> RecordRow | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM records_stay s WHERE s.opaque = ?", (opaque,)).fetchone()
    return None if row is None else _record(row)


def by_key(conn: Connection, key: str) -> RecordRow | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM records_stay s WHERE s.key = ?", (key,)).fetchone()
    return None if row is None else _record(row)


def counts(conn: Connection) -> dict[str, int]:
    """Stays by state."""
    return {row[0]: row[1] for row in conn.execute("SELECT state, count(*) FROM records_stay GROUP BY state")}


def open_questions(conn: Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM records_question WHERE open = 1").fetchone()[0]) + int(
        conn.execute("SELECT count(*) FROM records_stay WHERE spellings > 1").fetchone()[0]
    )


def waiting(conn: Connection) -> list[tuple[str, str, int]]:
    """(ward, discharged on, how many) of what is to be collected."""
    rows = conn.execute(
        "SELECT coalesce(ward, ''), discharged_on, count(*) FROM records_stay WHERE state = 'discharged' "
        "AND discharged_on IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [(row[0], row[1], row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class Question:
    """An anomaly of a stay, or (`code` name.differs) two spellings of a name."""

    id: str
    code: str
    at_ms: int
    settled: str | None
    open: bool
    record: RecordRow


def questions(conn: Connection, *, still_open: bool, limit: int = 200) -> list[Question]:
    rows = conn.execute(
        f"SELECT q.id, q.code, q.at_ms, q.settled, q.open, {_COLUMNS} FROM records_question q "
        "JOIN records_stay s ON s.key = q.key WHERE q.open = ? ORDER BY q.at_ms DESC LIMIT ?",
        (still_open, limit),
    )
    found = [Question(r[0], r[1], r[2], r[3], bool(r[4]), _record(r[5:])) for r in rows]
    if still_open:
        more: Sequence[Any] = conn.execute(
            f"SELECT {_COLUMNS} FROM records_stay s WHERE s.spellings > 1 ORDER BY s.changed_at DESC LIMIT ?", (limit,)
        ).fetchall()
        found += [Question(f"name.differs:{r[1]}", "name.differs", 0, None, True, _record(r)) for r in more]
    return found


def question(conn: Connection, name: str) -> Question | None:
    if name.startswith("name.differs:"):
        record = by_opaque(conn, name.removeprefix("name.differs:"))
        if record is None or record.spellings < 2:
            return None
        return Question(name, "name.differs", 0, None, True, record)
    row = conn.execute(
        f"SELECT q.id, q.code, q.at_ms, q.settled, q.open, {_COLUMNS} FROM records_question q "
        "JOIN records_stay s ON s.key = q.key WHERE q.id = ?",
        (name,),
    ).fetchone()
    return None if row is None else Question(row[0], row[1], row[2], row[3], bool(row[4]), _record(row[5:]))
