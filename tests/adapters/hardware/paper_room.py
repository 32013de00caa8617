"""A printer, its papers and a ledger that can be cut short."""

import threading
from dataclasses import replace
from typing import Any

from hardware.codecs.escpos_out import encode_slip
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.receipt_printer import EscposTalk
from hardware.ports import Job, JobState
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_printer import EscposPrinterTwin
from sync.kernel.paper import Line, Slip

PATIENCE_S = 30.0


class PowerCut(BaseException):
    """The machine stops here."""


class MemoryLedger:
    """Rows that outlive a queue.

    `cut_at` n stops the machine at its n-th mark, `before` its row is written or after.
    """

    def __init__(self, *jobs: Job) -> None:
        self.jobs = {job.job_id: job for job in jobs}
        self.states: dict[str, JobState] = {job.job_id: "queued" for job in jobs}
        self.told: list[tuple[str, JobState, str]] = []
        self.cut_at = 0
        self.before = False
        self.changed = threading.Condition()

    def take_next(self, printer: str) -> Job | None:
        waiting = (job for job in self.jobs.values() if self.states[job.job_id] == "queued")
        return next((job for job in waiting if job.printer == printer), None)

    def mark(self, job_id: str, state: JobState, reason: str) -> None:
        self.cut_at -= 1
        if self.cut_at == 0 and self.before:
            raise PowerCut
        with self.changed:
            self.states[job_id] = state
            self.told.append((job_id, state, reason))
            self.changed.notify_all()
        if self.cut_at == 0:
            raise PowerCut

    def note(self, job_id: str, trail: str) -> None:
        self.jobs[job_id] = replace(self.jobs[job_id], trail=trail)

    def sent(self, printer: str) -> list[Job]:
        return [job for job_id, job in self.jobs.items() if self.states[job_id] == "sent"]

    def doubt_sent(self, printer: str) -> int:
        sent = [job_id for job_id, state in self.states.items() if state == "sent"]
        for job_id in sent:
            self.mark(job_id, "uncertain", "restart")
        return len(sent)

    def wait(self, job_id: str, state: JobState) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.states[job_id] == state, PATIENCE_S)


def printer_of(twin: EscposPrinterTwin, **waits: float) -> LinePrinter:
    return LinePrinter(lambda: TcpStream("127.0.0.1", twin.port), EscposTalk, **{"answer_s": 1.0} | waits)


def slip_of(text: str, glyphs: Glyphs) -> bytes:
    return encode_slip(Slip((Line(text), *[Line(f"line {n}") for n in range(12)])), 384, draw=glyphs.draw)


def titles(twin: EscposPrinterTwin) -> list[Any]:
    return [slip["text_lines"][0] for slip in twin.slips if slip["complete"]]
