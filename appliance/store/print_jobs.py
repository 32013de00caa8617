"""The ledger of paper: a row before a printer is touched, so that nothing prints twice unmarked or gets lost.

States: queued → sent → confirmed | failed | uncertain. After a crash every `sent` is `uncertain`: paper may or may
not have come out, and a person decides once. A decision makes a new, marked job or counts the paper as printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hardware.ports import Job, JobState
from sync.adapters.sqlite_log.node_store import Change, NodeStore, Unit
from sync.adapters.sqlite_log.pages import Value
from sync.adapters.sqlite_log.salvage import Keepsake


@dataclass(frozen=True, slots=True)
class PaperJob:
    """One piece of paper, or one document. `copy_no` 0 is the original.

    `sides` is how many printed sides a document has in all, 0 for a slip or label; `trail` what its driver noted of it
    (`hardware.codecs.document_trail`).
    """

    job_id: str
    printer: str
    what: str
    ref: str
    copy_no: int
    state: JobState
    reason: str
    created_at_ms: int
    sides: int = 0
    trail: str = ""


Marked = Callable[[Unit, PaperJob, JobState], None]
"""Runs in the transaction of a mark: the feature that ordered the paper writes its fact there."""


class PrintJobs:
    """The ledger as the print queues see it (`hardware.ports.Ledger`), and as features fill it."""

    etypes: frozenset[int] = frozenset()
    schema_sql = """
    CREATE TABLE IF NOT EXISTS print_job (
        n          INTEGER PRIMARY KEY AUTOINCREMENT,
        job_id     TEXT    NOT NULL UNIQUE,
        printer    TEXT    NOT NULL,
        what       TEXT    NOT NULL,
        ref        TEXT    NOT NULL,
        copy_no    INTEGER NOT NULL,
        state      TEXT    NOT NULL,
        reason     TEXT    NOT NULL DEFAULT '',
        payload    BLOB    NOT NULL,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS print_job_waiting ON print_job (printer, state, n);
    CREATE TABLE IF NOT EXISTS print_trail (
        job_id TEXT    PRIMARY KEY,
        sides  INTEGER NOT NULL DEFAULT 0,
        trail  TEXT    NOT NULL DEFAULT ''
    ) WITHOUT ROWID
    """

    def __init__(self) -> None:
        self._store: NodeStore | None = None
        self._marked: dict[str, Marked] = {}
        self._wake: dict[str, Callable[[], None]] = {}

    def project(self, conn: Any, etype: int, key: Any, state: Any, change: Change) -> None:
        raise AssertionError("paper is ordered, not folded")

    def bind(self, store: NodeStore) -> None:
        self._store = store

    def on_marked(self, what: str, call: Marked) -> None:
        """`call` hears every state of jobs of this kind, inside the transaction."""
        self._marked[what] = call

    def on_queued(self, printer: str, call: Callable[[], None]) -> None:
        """`call` wakes the queue of a printer after a commit that ordered paper."""
        self._wake[printer] = call

    def order(self, unit: Unit, *, printer: str, what: str, ref: str, copy_no: int, payload: bytes) -> str:
        """Put a job into the ledger with the facts that ask for it. Returns its id, which paper may carry."""
        assert self._store is not None
        now = self._store.clock.wall_ms()
        job_id = self._store.entropy.bytes(6).hex()
        unit.conn.execute(
            "INSERT INTO print_job (job_id, printer, what, ref, copy_no, state, payload, created_at, changed_at) "
            "VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
            (job_id, printer, what, ref, copy_no, payload, now, now),
        )
        wake = self._wake.get(printer)
        if wake is not None:
            unit.on_commit(wake)
        return job_id

    def order_document(self, unit: Unit, *, sides: int, trail: str = "", **wanted: Any) -> str:
        """The same for a document of so many printed sides; a trail says what of it is out already."""
        job_id = self.order(unit, **wanted)
        unit.conn.execute("INSERT INTO print_trail (job_id, sides, trail) VALUES (?, ?, ?)", (job_id, sides, trail))
        return job_id

    def payload(self, job_id: str) -> bytes | None:
        """What the printer gets, whole."""
        assert self._store is not None
        with self._store.read() as conn:
            row = conn.execute("SELECT payload FROM print_job WHERE job_id = ?", (job_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def copies(self, unit: Unit, what: str, ref: str) -> int:
        """How many papers of this kind were ordered for `ref` so far."""
        row = unit.conn.execute("SELECT count(*) FROM print_job WHERE what = ? AND ref = ?", (what, ref)).fetchone()
        return int(row[0])

    def take_next(self, printer: str) -> Job | None:
        """The oldest queued job of a printer; it stays queued until it is marked `sent`."""
        assert self._store is not None
        with self._store.read() as conn:
            row = conn.execute(f"{_JOBS} AND state = 'queued' ORDER BY n LIMIT 1", (printer,)).fetchone()
        return None if row is None else Job(*row)

    def sent(self, printer: str) -> list[Job]:
        """What was sent to a printer and has no end yet, oldest first."""
        assert self._store is not None
        with self._store.read() as conn:
            return [Job(*row) for row in conn.execute(f"{_JOBS} AND state = 'sent' ORDER BY n", (printer,))]

    def note(self, job_id: str, trail: str) -> None:
        """How far a long job has come, in the words of its driver; replaces what was noted before."""
        assert self._store is not None
        with self._store.write() as unit:
            unit.conn.execute(
                "INSERT INTO print_trail (job_id, trail) VALUES (?, ?) "
                "ON CONFLICT (job_id) DO UPDATE SET trail = excluded.trail",
                (job_id, trail),
            )

    def mark(self, job_id: str, state: JobState, reason: str = "") -> None:
        """One step of a job, with the facts that follow from it, in one commit."""
        assert self._store is not None
        with self._store.write() as unit:
            row = unit.conn.execute(f"SELECT {_COLUMNS} WHERE job_id = ?", (job_id,)).fetchone()
            assert row is not None, "a job that was never ordered"
            unit.conn.execute(
                "UPDATE print_job SET state = ?, reason = ?, changed_at = ? WHERE job_id = ?",
                (state, reason, self._store.clock.wall_ms(), job_id),
            )
            call = self._marked.get(row[2])
            if call is not None:
                call(unit, PaperJob(*row), state)

    def doubt_sent(self, printer: str) -> int:
        """At start: whatever was sent and not answered is uncertain now. Returns how many."""
        assert self._store is not None
        with self._store.read() as conn:
            sent = [
                row[0]
                for row in conn.execute(
                    "SELECT job_id FROM print_job WHERE printer = ? AND state = 'sent' ORDER BY n", (printer,)
                )
            ]
        for job_id in sent:
            self.mark(job_id, "uncertain", "restart")
        return len(sent)

    def listing(self, *, limit: int = 50) -> list[PaperJob]:
        """Newest first."""
        assert self._store is not None
        with self._store.read() as conn:
            rows = conn.execute(f"SELECT {_COLUMNS} ORDER BY n DESC LIMIT ?", (limit,)).fetchall()
        return [PaperJob(*row) for row in rows]

    def job(self, job_id: str) -> PaperJob | None:
        assert self._store is not None
        with self._store.read() as conn:
            row = conn.execute(f"SELECT {_COLUMNS} WHERE job_id = ?", (job_id,)).fetchone()
        return None if row is None else PaperJob(*row)


_TRACED = "FROM print_job LEFT JOIN print_trail USING (job_id)"
_COLUMNS = (
    "job_id, printer, what, ref, copy_no, state, reason, created_at, coalesce(sides, 0), coalesce(trail, '') " + _TRACED
)
_JOBS = f"SELECT job_id, printer, payload, coalesce(trail, '') {_TRACED} WHERE printer = ?"


def _salvaged(row: Sequence[Value]) -> Sequence[Value] | None:
    """A job from a page of a damaged database. Its later states may be gone, so an open one is in doubt."""
    job_id, state, payload = row[1], row[6], row[8]
    if not isinstance(job_id, str) or not isinstance(payload, bytes) or state not in get_args(JobState):
        return None
    return row if state not in ("queued", "sent") else [*row[:6], "uncertain", "restart", *row[8:]]


KEPT_JOBS = Keepsake(
    "print_job",
    ("n", "job_id", "printer", "what", "ref", "copy_no", "state", "reason", "payload", "created_at", "changed_at"),
    _salvaged,
)
