"""People and sessions on this box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.people.facts import PERSON
from sync.domain.people.rights import rights_of
from sync.kernel.fact import Key


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One active or disabled person. `pin_hash` is Argon2's own text."""

    user_id: str
    name: str
    roles: frozenset[str]
    ward: str | None
    pin_hash: str | None
    lang: str
    active: bool

    @property
    def rights(self) -> frozenset[str]:
        return rights_of(self.roles) if self.active else frozenset()


class PeopleProjector:
    etypes = frozenset({PERSON})
    derived = ("people_person",)
    schema_sql = """
    CREATE TABLE IF NOT EXISTS people_person (
        user_id  TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        roles    TEXT NOT NULL,
        ward     TEXT,
        badge    BLOB NOT NULL,
        pin_hash TEXT,
        lang     TEXT NOT NULL,
        active   INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS people_person_by_badge ON people_person (badge);
    CREATE TABLE IF NOT EXISTS people_session (
        token_hash BLOB PRIMARY KEY,
        user_id    TEXT NOT NULL,
        began_at   INTEGER NOT NULL,
        ends_at    INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS people_failure (
        badge BLOB PRIMARY KEY,
        n     INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            conn.execute("DELETE FROM people_person WHERE user_id = ?", (key,))
            return
        conn.execute(
            "INSERT OR REPLACE INTO people_person (user_id, name, roles, ward, badge, pin_hash, lang, active) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                state.name,
                " ".join(state.roles),
                state.ward,
                state.badge_hash,
                state.pin_hash,
                state.lang,
                state.status == "active",
            ),
        )


_KEPT = "user_id, name, roles, ward, badge, pin_hash, lang, active"
SCOPE = "site:people"


def rows(conn: Connection) -> list[tuple[Any, ...]]:
    """Everybody, as `put` takes them."""
    return [tuple(row) for row in conn.execute(f"SELECT {_KEPT} FROM people_person ORDER BY user_id")]


def put(conn: Connection, people: Sequence[tuple[Any, ...]]) -> None:
    """People that no state of this database names yet; one that is there stays."""
    marks = ", ".join("?" * len(_KEPT.split(", ")))
    conn.executemany(f"INSERT OR IGNORE INTO people_person ({_KEPT}) VALUES ({marks})", list(people))


def arrived(conn: Connection) -> bool:
    """Whether the hub's list is here and whole."""
    return conn.execute("SELECT 1 FROM cursor WHERE label = ? AND to_repair = 0", (SCOPE,)).fetchone() is not None


def drop_unnamed(conn: Connection) -> None:
    """Whom no state names goes, and with the person every session."""
    conn.execute(
        "DELETE FROM people_person WHERE NOT EXISTS "
        "(SELECT 1 FROM entity e WHERE e.etype = ? AND e.key = people_person.user_id)",
        (PERSON,),
    )


_COLUMNS = "p.user_id, p.name, p.roles, p.ward, p.pin_hash, p.lang, p.active"


def _person(row: Any) -> PersonRow | None:
    if row is None:
        return None
    return PersonRow(row[0], row[1], frozenset(row[2].split()), row[3], row[4], row[5], bool(row[6]))


def person_by_badge(conn: Connection, badge: bytes) -> PersonRow | None:
    return _person(conn.execute(f"SELECT {_COLUMNS} FROM people_person p WHERE p.badge = ?", (badge,)).fetchone())


def person(conn: Connection, user_id: str) -> PersonRow | None:
    return _person(conn.execute(f"SELECT {_COLUMNS} FROM people_person p WHERE p.user_id = ?", (user_id,)).fetchone())


def person_of_session(conn: Connection, token_hash: bytes, now_ms: int) -> PersonRow | None:
    return _person(
        conn.execute(
            f"SELECT {_COLUMNS} FROM people_session s JOIN people_person p ON p.user_id = s.user_id "
            "WHERE s.token_hash = ? AND s.ends_at > ?",
            (token_hash, now_ms),
        ).fetchone()
    )


def names(conn: Connection) -> dict[str, str]:
    """user id → name, for lists."""
    return {row[0]: row[1] for row in conn.execute("SELECT user_id, name FROM people_person")}


def begin_session(conn: Connection, token_hash: bytes, user_id: str, now_ms: int, ends_at_ms: int) -> None:
    conn.execute("DELETE FROM people_session WHERE ends_at <= ?", (now_ms,))
    conn.execute(
        "INSERT INTO people_session (token_hash, user_id, began_at, ends_at) VALUES (?, ?, ?, ?)",
        (token_hash, user_id, now_ms, ends_at_ms),
    )


def end_session(conn: Connection, token_hash: bytes) -> None:
    conn.execute("DELETE FROM people_session WHERE token_hash = ?", (token_hash,))


def failures(conn: Connection, badge: bytes) -> tuple[int, int]:
    """(wrong PINs in a row, wait until this ms)."""
    row = conn.execute("SELECT n, until FROM people_failure WHERE badge = ?", (badge,)).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def set_failures(conn: Connection, badge: bytes, n: int, until_ms: int) -> None:
    conn.execute("INSERT OR REPLACE INTO people_failure (badge, n, until) VALUES (?, ?, ?)", (badge, n, until_ms))
