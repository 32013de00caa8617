"""One-time cards, and what the log says of every machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from provisioning.trust.cards import CardRow
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key


class FleetTables:
    """Brings its tables; machines themselves are the store's own table."""

    etypes = frozenset[int]()
    schema_sql = """
    CREATE TABLE IF NOT EXISTS fleet_card (
        token_hash  BLOB PRIMARY KEY,
        site        TEXT NOT NULL,
        role        TEXT NOT NULL,
        name        TEXT NOT NULL,
        wards       TEXT NOT NULL,
        made_at     INTEGER NOT NULL,
        expires_at  INTEGER NOT NULL,
        withdrawn   INTEGER NOT NULL DEFAULT 0,
        used_by     TEXT,
        used_at     INTEGER,
        used_digest BLOB,
        answer      BLOB
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        return


_CARD = "token_hash, site, role, name, wards, made_at, expires_at, withdrawn, used_by, used_digest, answer"


def _card(row: Any) -> CardRow:
    return CardRow(
        token_hash=row[0],
        site=row[1],
        role=row[2],
        name=row[3],
        wards=tuple(json.loads(row[4])),
        made_ms=row[5],
        expires_ms=row[6],
        withdrawn=bool(row[7]),
        used_by=row[8],
        used_digest=row[9],
        answer=row[10],
    )


class Cards:
    """The card book of enrolment, inside one transaction."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def add(self, row: CardRow) -> None:
        self._conn.execute(
            "INSERT INTO fleet_card (token_hash, site, role, name, wards, made_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.token_hash, row.site, row.role, row.name, json.dumps(row.wards), row.made_ms, row.expires_ms),
        )

    def card(self, token_hash: bytes) -> CardRow | None:
        row = self._conn.execute(f"SELECT {_CARD} FROM fleet_card WHERE token_hash = ?", (token_hash,)).fetchone()
        return None if row is None else _card(row)

    def is_taken(self, node: str) -> bool:
        return self._conn.execute("SELECT 1 FROM node WHERE node = ?", (node,)).fetchone() is not None

    def burn(self, token_hash: bytes, *, node: str, digest: bytes, answer: bytes, at_ms: int) -> None:
        self._conn.execute(
            "UPDATE fleet_card SET used_by = ?, used_digest = ?, answer = ?, used_at = ? WHERE token_hash = ?",
            (node, digest, answer, at_ms, token_hash),
        )


def withdraw(conn: Connection, short: str) -> bool:
    """Take back an unused card by the first hex digits of its hash."""
    unused = conn.execute("SELECT token_hash FROM fleet_card WHERE used_by IS NULL AND withdrawn = 0").fetchall()
    named = [token_hash for (token_hash,) in unused if token_hash.hex()[:16] == short]
    for token_hash in named:
        conn.execute("UPDATE fleet_card SET withdrawn = 1 WHERE token_hash = ?", (token_hash,))
    return bool(named)


def open_cards(conn: Connection, now_ms: int) -> list[CardRow]:
    rows = conn.execute(
        f"SELECT {_CARD} FROM fleet_card WHERE used_by IS NULL AND withdrawn = 0 AND expires_at > ? ORDER BY made_at",
        (now_ms,),
    )
    return [_card(row) for row in rows]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What the hub holds of one stream. `state` 1: frozen. `parked`: batches that wait for what is before them."""

    node: str
    incarnation: int
    lane: int
    last: int
    state: int
    rejects: int
    first_parked: int | None


def streams(conn: Connection) -> list[StreamRow]:
    rows = conn.execute(
        "SELECT s.node, s.incarnation, s.lane, s.last, s.state, "
        "(SELECT count(*) FROM quarantine q WHERE q.stream = s.id), "
        "(SELECT min(first) FROM parked p WHERE p.stream = s.id) "
        "FROM stream s ORDER BY s.node, s.id"
    )
    return [StreamRow(*row) for row in rows]


def hellos(conn: Connection) -> dict[str, bytes]:
    return {row[0]: row[1] for row in conn.execute("SELECT node, hello FROM node WHERE hello IS NOT NULL")}
