"""Imports on their way: read behind the page, shown before anything is written, written in small transactions.

One thread works one file after the other, so two lists never decide on the same stay at once. A file waits in memory
alone; a process that ends forgets it, and what was written before stays written.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.features.imports.files import FoundMessage
from hub.features.imports.sheets import ListReading
from hub.features.imports.store import FaultRow, JobRow

WAITING_MAX = 8
WAITS_MS = 30 * 60 * 1000
ENDED = frozenset({"done", "stopped", "refused", "broken-off"})


@dataclass
class Job:
    """One file. `state` walks reading > (mapping >) ready > writing > done; stopped and refused end it."""

    id: str
    kind: str
    actor: str
    began_at: int
    data: bytes
    hint: str
    go: bool
    mapping: Mapping[str, int] | None = None
    state: str = "reading"
    code: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    ended_at: int | None = None
    reading: ListReading | None = None
    messages: list[FoundMessage] | None = None
    faults: list[FaultRow] = field(default_factory=list)
    lines: int = 0
    total: int = 0
    handled: int = 0
    taken: int = 0
    unchanged: int = 0
    repeated: int = 0
    faulty: int = 0
    writing_since_s: float | None = None
    rate: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def row(self) -> JobRow:
        return JobRow(
            self.id, self.kind, self.actor, self.began_at, self.ended_at, self.state, self.code, self.lines, self.taken,
            self.unchanged, self.repeated, self.faulty,
        )  # fmt: skip

    def end(self, state: str, code: str, ended_at: int) -> None:
        """The state last: who sees that it has ended sees when and why."""
        self.code, self.ended_at = code, ended_at
        self.state = state
        self.let_go()

    def let_go(self) -> None:
        """Forget the file; the counts stay."""
        self.data, self.reading, self.messages = b"", None, None


class Jobs:
    """The queue, its thread, and the jobs that pages ask about."""

    def __init__(self, work: Callable[[Job], None], now_ms: Callable[[], int]) -> None:
        self._work = work
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the running job between two transactions."""
        with self._lock:
            for job in self._jobs.values():
                job.stop.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(5)

    def add(self, job: Job) -> bool:
        """False: too many files wait already."""
        with self._lock:
            self._drop_old()
            if sum(not one.ended for one in self._jobs.values()) >= WAITING_MAX:
                return False
            self._jobs[job.id] = job
        self._queue.put(job)
        return True

    def again(self, job: Job) -> None:
        """Put a job back in the queue after a person has said something about it."""
        self._queue.put(job)

    def get(self, name: str) -> Job | None:
        with self._lock:
            return self._jobs.get(name)

    def idle(self) -> bool:
        """Whether nothing is being read or written."""
        with self._lock:
            return all(one.ended or one.state in ("mapping", "ready") for one in self._jobs.values())

    def _drop_old(self) -> None:
        before = self._now_ms() - WAITS_MS
        for name in [one.id for one in self._jobs.values() if one.began_at < before and one.state != "writing"]:
            self._jobs.pop(name).let_go()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._work(job)
