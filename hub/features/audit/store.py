"""One line an act, from audit facts and from facts of the work that an auditor asks about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.fleet.facts import AUDIT, NOTED
from sync.domain.patients import facts as lines
from sync.domain.tracking import facts as stays
from sync.kernel.fact import Key

PAGE_ROWS = 100

WORK: Final[Mapping[int, str]] = {
    stays.COLLECTION_UNDONE: "collection.undone",
    stays.COLLECTION_CORRECTED: "collection.corrected",
    stays.RECEPTION_UNDONE: "reception.undone",
    stays.LABEL_PRINTED: "label.printed",
    stays.RECEIPT_PRINTED: "receipt.printed",
    stays.ROUND_REBUILT: "round.rebuilt",
    lines.RELISTED: "name.settled",
}
"""Acts that are facts of their own and need no audit fact beside them; a back-filled collection is one too."""
BACKFILL: Final = "collection.backfilled"


class AuditProjector:
    etypes = frozenset({AUDIT, stays.STAY, stays.ROUND, lines.DUE})
    schema_sql = """
    CREATE TABLE IF NOT EXISTS audit_line (
        id     INTEGER PRIMARY KEY,
        fact   TEXT NOT NULL UNIQUE,
        at_ms  INTEGER NOT NULL,
        actor  TEXT,
        node   TEXT NOT NULL,
        what   TEXT NOT NULL,
        etype  INTEGER,
        key    TEXT,
        detail TEXT,
        ok     INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS audit_line_by_time ON audit_line (at_ms);
    CREATE INDEX IF NOT EXISTS audit_line_by_what ON audit_line (what, at_ms);
    CREATE INDEX IF NOT EXISTS audit_line_by_actor ON audit_line (actor, at_ms)
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        fact, fid = change.fact, change.fid
        if fact is None or fid is None:
            return
        body = fact.body
        if fact.kind == NOTED:
            row = (body[1], body.get(2), body.get(3), body.get(4), body[5])
        elif fact.kind in WORK:
            row = (WORK[fact.kind], etype, str(key), _detail(fact.kind, body), True)
        elif fact.kind == stays.COLLECTED and body[5] == "backfill":
            row = (BACKFILL, etype, str(key), None, True)
        else:
            return
        conn.execute(
            "INSERT INTO audit_line (fact, at_ms, actor, node, what, etype, key, detail, ok) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (str(fid), fact.at_ms, fact.actor, fid.node, *row),
        )


def _detail(kind: int, body: Mapping[int, Any]) -> str | None:
    if kind in (stays.COLLECTION_UNDONE, stays.COLLECTION_CORRECTED):
        return str(body[2] if kind == stays.COLLECTION_UNDONE else body[3])
    if kind == stays.LABEL_PRINTED:
        return str(body[2])
    return str(body[2]) if kind == stays.RECEIPT_PRINTED else None


@dataclass(frozen=True, slots=True)
class Line:
    """`key` names the entity; pages show it to whoever may read audits, logs never."""

    at_ms: int
    actor: str | None
    node: str
    what: str
    etype: int | None
    key: str | None
    detail: str | None
    ok: bool
    fact: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters that stand in the address. `since_ms` and `until_ms` bound the instant, until excluded."""

    what: str = ""
    actor: str = ""
    node: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    failed: bool = False
    page: int = 1


def find(conn: Connection, wanted: Wanted) -> tuple[list[Line], int]:
    parts, values = ["1 = 1"], list[Any]()
    for column, value in (("what", wanted.what), ("actor", wanted.actor), ("node", wanted.node)):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if wanted.since_ms is not None:
        parts.append("at_ms >= ?")
        values.append(wanted.since_ms)
    if wanted.until_ms is not None:
        parts.append("at_ms < ?")
        values.append(wanted.until_ms)
    if wanted.failed:
        parts.append("ok = 0")
    where = " AND ".join(parts)
    total = conn.execute(f"SELECT count(*) FROM audit_line WHERE {where}", values).fetchone()[0]
    rows = conn.execute(
        f"SELECT at_ms, actor, node, what, etype, key, detail, ok, fact FROM audit_line WHERE {where} "
        "ORDER BY at_ms DESC, id DESC LIMIT ? OFFSET ?",
        (*values, PAGE_ROWS, PAGE_ROWS * (max(1, wanted.page) - 1)),
    )
    return [Line(*row) for row in rows], int(total)


def kinds(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT DISTINCT what FROM audit_line ORDER BY what")]
