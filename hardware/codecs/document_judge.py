"""What a print job has come to, judged from what print server and printer say about it.

The printer's own list of jobs is the only proof of paper: the print server calls a job completed that the printer lost
with its power, and canceled one that the printer dropped after a jam. Source: observed, CUPS 2.4.2 and its ipp backend,
2026. A printer forgets: its list reaches back a minute and does not outlive its power. Silence of the list is therefore
a proof only while nobody looked away.

The server is looked at first and the printer second. So a job that the server has done with, and that the printer has
never heard of, was never delivered, provided that the server's backend cannot deliver it later (`once`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hardware.codecs.document_trail import Part

PENDING, HELD, PROCESSING, STOPPED, CANCELED, ABORTED, COMPLETED = range(3, 10)
"""Job states. Source: RFC 8011, section 5.3.7."""

FORGETS_MS = 45_000
"""A printer keeps ended jobs for a minute (ippeveprinter: 60 s); what nobody looked at for longer may be forgotten."""
CLOCK_MS = 1_500
"""A printer tells its running time in whole seconds; this much is allowed for."""
BY_A_PERSON = frozenset({"job-canceled-by-user", "job-canceled-by-operator", "job-canceled-at-device",
                         "canceled-at-device"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueLook:
    """The print server on one of its jobs; `state` 0: it knows no such job."""

    state: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrinterJob:
    """The printer on one of its jobs. `sides` is None when it does not count."""

    number: int
    state: int
    reasons: tuple[str, ...] = ()
    sides: int | None = None


@dataclass(frozen=True, slots=True)
class PrinterLook:
    """The printer on its jobs of one name, and since when it runs (wall clock)."""

    jobs: tuple[PrinterJob, ...]
    up_since_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """whole: every side came out. cut: it ended with `sides` out and nothing more will come. wait: not yet known.

    doubt: nobody can know; at least `sides` came out.
    """

    kind: Literal["whole", "cut", "wait", "doubt"]
    sides: int = 0
    reason: str = ""


def judge(
    part: Part, queue: QueueLook | None, printer: PrinterLook | None, *, once: bool, counts: bool, now_ms: int
) -> Verdict:
    """`queue`, `printer` None: not reached now. `counts`: the printer counts sides as they come out."""
    if printer is None:
        return Verdict("wait", part.seen, "gone")
    if len(printer.jobs) > 1:
        return Verdict("doubt", part.seen, "twice")
    if printer.jobs:
        return _of_job(part, printer.jobs[0], counts)
    if part.at_printer:
        since_ms = part.seen_ms - CLOCK_MS
        return Verdict("doubt", part.seen, "power" if printer.up_since_ms > since_ms else "forgotten")
    if queue is None:
        return Verdict("wait", 0, "server-gone")
    if 0 < queue.state < CANCELED:
        return Verdict("wait", 0, "")
    away_ms = now_ms - max(part.freed_ms, part.seen_ms)
    if not -CLOCK_MS <= away_ms <= FORGETS_MS or printer.up_since_ms > part.freed_ms - CLOCK_MS:
        return Verdict("doubt", 0, "forgotten")
    return Verdict("cut", 0) if once else Verdict("doubt", 0, "lost")


def _of_job(part: Part, job: PrinterJob, counts: bool) -> Verdict:
    sides = max(part.seen, job.sides or 0)
    if job.state < CANCELED:
        return Verdict("wait", sides)
    if job.state == COMPLETED:
        if sides >= part.sides or not counts:
            return Verdict("whole", part.sides)
        return Verdict("doubt", sides, "pages-missing")
    if sides >= part.sides and counts:
        return Verdict("whole", part.sides)
    if job.state == CANCELED and BY_A_PERSON & set(job.reasons):
        return Verdict("doubt", sides, "canceled")
    return Verdict("cut", sides) if counts and job.sides is not None else Verdict("doubt", sides, "cut")


def judge_by_server(queue: QueueLook | None) -> Verdict:
    """The same where the printer cannot be asked: a job that its server handed over whole, and no more than that."""
    if queue is None:
        return Verdict("wait", 0, "server-gone")
    if 0 < queue.state < CANCELED:
        return Verdict("wait", 0)
    if queue.state == COMPLETED:
        return Verdict("whole", 0, "handed-over")
    return Verdict("doubt", 0, "lost" if queue.state == 0 else "cut")
