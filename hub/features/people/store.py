"""People and their passwords as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.people.facts import CREDENTIAL, PERSON
from sync.domain.people.rights import rights_of
from sync.kernel.fact import Key


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as the hub knows them. `argon2`: the hub password, None when none was set."""

    user_id: str
    name: str
    roles: tuple[str, ...]
    ward: str | None
    badge: bytes
    pin_hash: str | None
    lang: str
    active: bool
    argon2: str | None

    @property
    def rights(self) -> frozenset[str]:
        return rights_of(self.roles) if self.active else frozenset()


class PeopleProjector:
    """Persons and credentials, each by user id."""

    etypes = frozenset({PERSON, CREDENTIAL})
    derived = ("people_person", "people_credential")
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
    CREATE INDEX IF NOT EXISTS people_person_by_name ON people_person (name);
    CREATE TABLE IF NOT EXISTS people_credential (
        user_id TEXT PRIMARY KEY,
        argon2  TEXT NOT NULL,
        set_at  INTEGER NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        if state is None:
            return
        if etype == CREDENTIAL:
            if state.argon2:
                conn.execute(
                    "INSERT INTO people_credential (user_id, argon2, set_at) VALUES (?, ?, ?) "
                    "ON CONFLICT (user_id) DO UPDATE SET argon2 = excluded.argon2, set_at = excluded.set_at",
                    (key, state.argon2, state.set_at_ms),
                )
            return
        conn.execute(
            "INSERT INTO people_person (user_id, name, roles, ward, badge, pin_hash, lang, active) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, "
            "roles = excluded.roles, ward = excluded.ward, badge = excluded.badge, pin_hash = excluded.pin_hash, "
            "lang = excluded.lang, active = excluded.active",
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


_SELECT = (
    "SELECT p.user_id, p.name, p.roles, p.ward, p.badge, p.pin_hash, p.lang, p.active, c.argon2 "
    "FROM people_person p LEFT JOIN people_credential c ON c.user_id = p.user_id "
)


def _row(row: Any) -> PersonRow:
    return PersonRow(row[0], row[1], tuple(row[2].split()), row[3], row[4], row[5], row[6], bool(row[7]), row[8])


def person(conn: Connection, user_id: str) -> PersonRow | None:
    row = conn.execute(_SELECT + "WHERE p.user_id = ?", (user_id,)).fetchone()
    return None if row is None else _row(row)


def people(conn: Connection) -> list[PersonRow]:
    return [_row(row) for row in conn.execute(_SELECT + "ORDER BY p.active DESC, p.user_id")]


def by_name(conn: Connection, name: str) -> list[PersonRow]:
    return [_row(row) for row in conn.execute(_SELECT + "WHERE p.name = ? AND p.active = 1 LIMIT 2", (name,))]


def by_badge(conn: Connection, badge: bytes) -> PersonRow | None:
    row = conn.execute(_SELECT + "WHERE p.badge = ? AND p.active = 1", (badge,)).fetchone()
    return None if row is None else _row(row)


def names(conn: Connection) -> dict[str, str]:
    return {row[0]: row[1] for row in conn.execute("SELECT user_id, name FROM people_person")}


def administrators(conn: Connection) -> list[str]:
    """Active people who may manage people and can sign in at the hub."""
    found = [_row(row) for row in conn.execute(_SELECT + "WHERE p.active = 1 AND c.argon2 IS NOT NULL")]
    return [row.user_id for row in found if "people.manage" in row.rights]
