"""What of an import outlives the process: its counts and the numbers of its bad lines. Never what a line said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.kernel.fact import Key

FAULTS_KEPT = 2000


class ImportTables:
    """Brings its tables; projects nothing."""

    etypes = frozenset[int]()
    schema_sql = """
    CREATE TABLE IF NOT EXISTS imports_job (
        id         TEXT PRIMARY KEY,
        kind       TEXT NOT NULL,
        actor      TEXT,
        began_at   INTEGER NOT NULL,
        ended_at   INTEGER,
        state      TEXT NOT NULL,
        code       TEXT NOT NULL DEFAULT '',
        lines      INTEGER NOT NULL DEFAULT 0,
        taken      INTEGER NOT NULL DEFAULT 0,
        unchanged  INTEGER NOT NULL DEFAULT 0,
        repeated   INTEGER NOT NULL DEFAULT 0,
        faulty     INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS imports_fault (
        job        TEXT NOT NULL,
        line       INTEGER NOT NULL,
        code       TEXT NOT NULL,
        column_    TEXT NOT NULL,
        first_line INTEGER,
        PRIMARY KEY (job, line, code, column_)
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        return


@dataclass(frozen=True, slots=True)
class JobRow:
    """`kind`: list or hl7. `state`: reading, mapping, ready, writing; done, stopped, refused, broken-off."""

    id: str
    kind: str
    actor: str | None
    began_at: int
    ended_at: int | None
    state: str
    code: str
    lines: int
    taken: int
    unchanged: int
    repeated: int
    faulty: int


@dataclass(frozen=True, slots=True)
class FaultRow:
    line: int
    code: str
    column: str
    first_line: int | None


_COLUMNS = "id, kind, actor, began_at, ended_at, state, code, lines, taken, unchanged, repeated, faulty"
_AGAIN = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])


def save(conn: Connection, job: JobRow) -> None:
    conn.execute(
        f"INSERT INTO imports_job ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT (id) DO UPDATE SET {_AGAIN}",
        (
            job.id, job.kind, job.actor, job.began_at, job.ended_at, job.state, job.code, job.lines, job.taken,
            job.unchanged, job.repeated, job.faulty,
        ),
    )  # fmt: skip


def save_faults(conn: Connection, job: str, faults: list[FaultRow]) -> None:
    conn.execute("DELETE FROM imports_fault WHERE job = ?", (job,))
    conn.executemany(
        "INSERT INTO imports_fault VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(job, one.line, one.code, one.column, one.first_line) for one in faults[:FAULTS_KEPT]],
    )


def break_off(conn: Connection, now_ms: int) -> None:
    """Jobs of a process that ended: what they had written stays, the rest must be brought again."""
    conn.execute(
        "UPDATE imports_job SET state = 'broken-off', ended_at = ? WHERE state IN ('reading', 'mapping', 'ready', "
        "'writing')",
        (now_ms,),
    )


def job(conn: Connection, name: str) -> JobRow | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM imports_job WHERE id = ?", (name,)).fetchone()
    return None if row is None else JobRow(*row)


def jobs(conn: Connection, limit: int = 30) -> list[JobRow]:
    rows = conn.execute(f"SELECT {_COLUMNS} FROM imports_job ORDER BY began_at DESC LIMIT ?", (limit,))
    return [JobRow(*row) for row in rows]


def faults(conn: Connection, name: str, limit: int = 200) -> list[FaultRow]:
    rows = conn.execute(
        "SELECT line, code, column_, first_line FROM imports_fault WHERE job = ? ORDER BY line, column_ LIMIT ?",
        (name, limit),
    )
    return [FaultRow(*row) for row in rows]
