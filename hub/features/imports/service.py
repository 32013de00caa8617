"""Lists and messages in: read, shown, written; every bad line named, nothing of it kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub.features.imports import decide, store
from hub.features.imports.files import split_file
from hub.features.imports.hl7 import Hl7Desk
from hub.features.imports.jobs import Job, Jobs
from hub.features.imports.mapping import check_columns
from hub.features.imports.mllp_frames import START
from hub.features.imports.rows import DischargeRow
from hub.features.imports.sheets import read_list
from hub.features.imports.store import FaultRow, JobRow
from hub.store.desk import Desk
from sync.adapters import bugs
from sync.domain.patients.due import Due
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import STAY, stay_key
from sync.domain.tracking.state import Stay
from sync.kernel.outcome import Refused, Unavailable

TOGETHER = 200
"""Stays in one transaction: scans that arrive meanwhile wait for it, a few hundred ms at most."""
_HL7_BEGINS = (b"MSH", b"FHS", b"BHS")


@dataclass(frozen=True, slots=True)
class JobView:
    """A job for pages and programs; `live` is None once the process that ran it has ended or forgotten the file."""

    row: JobRow
    faults: list[FaultRow]
    live: Job | None


class Imports:
    """`turn` makes list and message decisions one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = threading.RLock()
        self.hl7 = Hl7Desk(desk, self._turn)
        self._jobs = Jobs(self._work, desk.now_ms)

    def start(self) -> None:
        with self._desk.store.write() as unit:
            store.break_off(unit.conn, self._desk.now_ms())
        self._jobs.start()

    def stop(self) -> None:
        self._jobs.stop()

    def bring(
        self, data: bytes, hint: str, actor: str, *, go: bool, mapping: Mapping[str, int] | None = None
    ) -> str | Refused:
        """Take a file in and begin to read it; the job's id. `go`: write at once what can be read.

        Refused `import.empty`, `import.busy`.
        """
        if not data.strip():
            return Refused("import.empty")
        plain = data.removeprefix(b"\xef\xbb\xbf").lstrip()
        kind = "hl7" if plain.startswith(_HL7_BEGINS) or data.lstrip().startswith(START) else "list"
        name = self._desk.new_key(8)
        job = Job(name, kind, actor, self._desk.now_ms(), data, hint[-80:], go, mapping)
        if not self._jobs.add(job):
            return Refused("import.busy")
        return name

    def view(self, name: str) -> JobView | None:
        job = self._jobs.get(name)
        if job is not None and (not job.ended or job.code):
            return JobView(job.row(), job.faults[:200], job)
        with self._desk.store.read() as conn:
            row = store.job(conn, name)
            return None if row is None else JobView(row, store.faults(conn, name), job)

    def recent(self) -> list[JobRow]:
        with self._desk.store.read() as conn:
            return store.jobs(conn)

    def map_columns(self, name: str, mapping: Mapping[str, int]) -> Refused | None:
        """A person says which column is which; the file is read again. Refused `mapping.…`, `import.gone`."""
        job = self._jobs.get(name)
        if job is None or job.reading is None or job.state not in ("mapping", "ready"):
            return Refused("import.gone")
        if no := check_columns(dict(mapping), len(job.reading.header)):
            return no
        job.mapping, job.state = dict(mapping), "reading"
        self._jobs.again(job)
        return None

    def go(self, name: str) -> Refused | None:
        """Write what was read. Twice is once. Refused `import.gone`, `import.mapping-needed`."""
        job = self._jobs.get(name)
        if job is None or job.ended:
            return Refused("import.gone")
        if job.state == "mapping":
            return Refused("import.mapping-needed")
        if job.state == "ready":
            job.state = "writing"
            self._jobs.again(job)
        job.go = True
        return None

    def halt(self, name: str) -> Refused | None:
        """Stop between two transactions: what is written stays, bringing the file again adds the rest."""
        job = self._jobs.get(name)
        if job is None or job.ended:
            return Refused("import.gone")
        job.stop.set()
        if job.state in ("mapping", "ready"):
            self._end(job, "stopped")
        return None

    def _work(self, job: Job) -> None:
        """In the imports thread."""
        try:
            if job.ended:
                return
            if job.state == "reading":
                self._read(job)
                if job.state == "ready" and job.go:
                    job.state = "writing"
            if job.state == "writing":
                self._write(job)
        except Unavailable as fault:
            self._end(job, "refused", fault.code)
        except Exception as bug:  # our own mistake must not end the thread that takes lists in
            bugs.note("imports", bug)
            self._end(job, "refused", "import.incident")

    def _read(self, job: Job) -> None:
        if job.kind == "hl7":
            found = split_file(job.data)
            if isinstance(found, Refused):
                job.fields = found.fields
                return self._end(job, "refused", found.code)
            job.messages, job.total, job.lines = found, len(found), len(found)
        else:
            reading = read_list(job.data, job.hint, job.mapping)
            if isinstance(reading, Refused):
                job.fields = reading.fields
                return self._end(job, "refused", reading.code)
            job.reading = reading
            if reading.missing:
                job.state = "mapping"
                return None
            job.faults = [FaultRow(one.line, one.code, one.column, one.first_line) for one in reading.faults]
            job.lines, job.repeated, job.faulty = (
                reading.totals.lines, reading.totals.repeated, reading.totals.faulty,
            )  # fmt: skip
            early = [row for row in reading.rows if row.discharged_on > self._desk.today()]
            job.faults += [FaultRow(row.line, "row.discharged-in-future", "discharged_on", None) for row in early]
            job.faults.sort(key=lambda one: one.line)
            job.faulty += len(early)
            job.total = len(reading.rows) - len(early)
        if job.stop.is_set():
            return self._end(job, "stopped")
        job.state = "ready"
        return None

    def _write(self, job: Job) -> None:
        with self._desk.write(job.actor) as unit:
            store.save(unit.conn, job.row())
        self._desk.settle()
        job.writing_since_s = self._desk.store.clock.mono_s()
        if job.kind == "hl7":
            assert job.messages is not None
            for found in job.messages:
                if job.stop.is_set():
                    return self._end(job, "stopped")
                fault, changed = self.hl7.take(found.raw, job.actor)
                if fault is not None:
                    job.faulty += 1
                    job.faults.append(FaultRow(found.line, fault.code, fault.place, None))
                elif changed:
                    job.taken += 1
                else:
                    job.unchanged += 1
                self._progress(job, 1)
            return self._end(job, "done")
        assert job.reading is not None
        today = self._desk.today()
        rows = [row for row in job.reading.rows if row.discharged_on <= today]
        for at in range(0, len(rows), TOGETHER):
            if job.stop.is_set():
                return self._end(job, "stopped")
            with self._turn:
                job.taken += self._write_rows(rows[at : at + TOGETHER], job.actor)
            self._progress(job, len(rows[at : at + TOGETHER]))
            job.unchanged = job.handled - job.taken
        return self._end(job, "done")

    def _write_rows(self, rows: Sequence[DischargeRow], actor: str) -> int:
        changed = 0
        with self._desk.write(actor) as unit:
            for row in rows:
                key = stay_key(row.record_no, row.stay_no)
                stay, due = unit.state(STAY, key) or Stay(), unit.state(DUE, key) or Due()
                new = decide.from_row(row, stay, due, self._desk.midnight_ms)
                for fact in new:
                    unit.append(fact)
                changed += bool(new)
        return changed

    def _progress(self, job: Job, n: int) -> None:
        job.handled += n
        took = self._desk.store.clock.mono_s() - (job.writing_since_s or 0.0)
        job.rate = job.handled / took if took > 0.2 else 0.0

    def _end(self, job: Job, state: str, code: str = "") -> None:
        """Kept first and told then: who sees an end finds it with its faults, also after a power cut."""
        ended_at = self._desk.now_ms()
        detail = f"lines={job.lines} written={job.taken} unchanged={job.unchanged} faulty={job.faulty} {code}".strip()
        try:
            with self._desk.write(job.actor) as unit:
                store.save(unit.conn, replace(job.row(), state=state, code=code, ended_at=ended_at))
                store.save_faults(unit.conn, job.id, job.faults)
                self._desk.note(unit, "list.import" if job.kind == "list" else "hl7.import", detail=detail, ok=not code)
        except Unavailable as fault:
            state, code = "refused", fault.code
        job.end(state, code, ended_at)
        if job.handled or state == "done":
            with contextlib.suppress(Unavailable):  # what is kept is digested, soon or later
                self._desk.settle()
