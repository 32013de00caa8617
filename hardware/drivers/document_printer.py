"""A document printer behind a print server: every page once, also when paper, power or the server fails in between.

What is to come and what has come stands in `document_trail`, what to believe in `document_judge`; here are the steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hardware.codecs import document_trail
from hardware.codecs.document_judge import (
    CANCELED,
    HELD,
    PROCESSING,
    STOPPED,
    PrinterJob,
    PrinterLook,
    QueueLook,
    Verdict,
    judge,
    judge_by_server,
)
from hardware.codecs.document_ticket import Ticket, decode
from hardware.codecs.document_trail import Part, Trail, between_sheets, next_part, part_out
from hardware.codecs.printer_reasons import standing, status_of
from hardware.drivers.cups_client import PrintServer, Refused
from hardware.ports import Job, Outcome, PrinterStatus
from sync.kernel.outcome import PeerFault, Unavailable

LOOK_S = 0.5
"""Between two looks at a document under way: a page takes longer."""
HAND_OVER_MS = 10_000
"""Handing a slip over takes a second. CUPS says of a printer that is off no more than that it is at it."""
ONCE = "once:/"
"""The backend before the real one that delivers each job once; see `once_backend.sh`."""

PDF, RAW = "application/pdf", "application/vnd.cups-raw"
NOT_FOUND = 0x0406
NOT_ALLOWED = frozenset({0x0401, 0x0402, 0x0403})
NOT_PRINTABLE = frozenset({0x0408, 0x040A, 0x040B, 0x0411, 0x0412})
"""IPP status: too large, format, options, damaged. Source: RFC 8011, appendix B."""

_AWAY = {
    "printer.late": PrinterStatus("unknown", "silent"),
    "printer.no-cups": PrinterStatus("attention", "no-cups"),
}

Note = Callable[[str], None]
Attention = Callable[[str], None]
T = TypeVar("T")


class DocumentPrinter:
    """`queue` is the print server's name of it.

    `counts`: the printer counts sides as they come out (`job-impressions-completed`); else a job that broke off is a
    doubt. `print test` tells. `raw`: payloads are bytes in the printer's own language, and all that is ever known is
    that the server handed them over (`confirmed`, reason `handed-over`).

    One thread prints; `close` may come from another and ends a wait with `Unavailable`.
    """

    def __init__(
        self,
        client: PrintServer,
        queue: str,
        *,
        counts: bool = False,
        raw: bool = False,
        wall_ms: Callable[[], int],
        look_s: float = LOOK_S,
    ) -> None:
        self._client = client
        self._queue = queue
        self._counts = counts
        self._wall_ms = wall_ms
        self._look_s = look_s
        self._raw = raw
        self._closed = threading.Event()
        self._device = ""

    def close(self) -> None:
        self._closed.set()

    def status(self) -> PrinterStatus:
        try:
            told = self._client.ask("queue", queue=self._queue)
        except Refused:
            return PrinterStatus("attention", "no-queue")
        except Unavailable as fault:
            return _AWAY.get(fault.code, PrinterStatus("attention", "server-gone"))
        self._device = told["device_uri"]
        here = status_of(told["state"], told["reasons"], accepting=told["accepting"])
        if not self._own_word or here.reason == "paused":
            return here
        try:
            told = self._client.ask("printer", uri=self._printer_uri, name="")
        except Refused:
            return PrinterStatus("unknown", "error")
        except Unavailable:
            return PrinterStatus("attention", "gone")
        return status_of(told["state"], told["reasons"], accepting=told["accepting"])

    def print_traced(self, job: Job, attention: Attention, note: Note) -> Outcome:
        """Print a document, or go on with one that was begun (`job.trail`).

        While the printer lacks something the wait goes on for as long as it takes. `unknown` when nobody can tell what
        came out; `failed` leaves what is missing to a later call. `note` is told before every step.
        """
        try:
            ticket, data = (Ticket(1), job.payload) if self._raw else decode(job.payload)
        except PeerFault:
            return Outcome("failed", "payload")
        trail, waiting = document_trail.decode(job.trail), _Waiting(attention)
        try:
            outcome = self._print(job.job_id, ticket, data, trail, note, waiting)
        except Refused as no:
            outcome = _refused(no.status, trail.out)
        waiting("")
        return outcome

    def _print(self, job_id: str, ticket: Ticket, data: bytes, trail: Trail, note: Note, waiting: _Waiting) -> Outcome:
        if trail.part is not None and not trail.part.freed_ms:
            trail = replace(trail, part=None)
        while True:
            if trail.part is None:
                begun = next_part(ticket, trail, job_id)
                if begun is None:
                    return Outcome("confirmed", "" if self._own_word else "handed-over")
                trail = self._begin(job_id, ticket, data, begun, note, waiting)
            trail, verdict = self._follow(trail, note, waiting)
            if self._own_word and not self._once:
                verdict = self._take_back(job_id, trail, verdict, waiting)
            if verdict.kind == "doubt":
                return Outcome("unknown", verdict.reason)
            assert trail.part is not None
            if verdict.kind == "cut" and not between_sheets(ticket, trail, verdict.sides):
                return Outcome("unknown", "half-sheet")
            trail = part_out(trail, trail.part.sides if verdict.kind == "whole" else verdict.sides)
            note(document_trail.encode(trail))
            if verdict.kind == "cut":
                self._until_ready(waiting)

    def _begin(self, job_id: str, ticket: Ticket, data: bytes, trail: Trail, note: Note, waiting: _Waiting) -> Trail:
        """Make the job, held, write that it may print, let it go."""
        part = trail.part
        assert part is not None
        note(document_trail.encode(trail))

        def make() -> Any:
            self._clear(job_id)
            return self._client.ask(
                "make", data, queue=self._queue, name=part.name, options={} if self._raw else _options(ticket, part),
                format=RAW if self._raw else PDF,
            )  # fmt: skip

        made = self._patiently(make, waiting)
        freed = replace(part, number=made["number"], uuid=made["uuid"], freed_ms=self._wall_ms())
        trail = replace(trail, part=freed)
        note(document_trail.encode(trail))
        self._let_go(freed)
        return trail

    def _take_back(self, job_id: str, trail: Trail, verdict: Verdict, waiting: _Waiting) -> Verdict:
        """A server without the guard may have begun the job a second time: end it there, and see what came of it."""
        assert trail.part is not None
        part = trail.part
        self._patiently(lambda: self._clear(job_id), waiting)
        again = self._look(part)[0]
        return again if again.kind == "doubt" else verdict

    def _let_go(self, part: Part) -> None:
        """A server that is away now will be asked again by `_follow`, which sees the job held."""
        try:
            self._client.ask("free", number=part.number, uuid=part.uuid)
        except (Unavailable, Refused):
            return

    def _clear(self, job_id: str) -> None:
        """Cancel what earlier attempts left at the server: held since they were broken off, or to be sent again."""
        for told in self._client.ask("named", start=document_trail.name_start(job_id)):
            if told["state"] < CANCELED:
                self._client.ask("cancel", number=told["number"], uuid=told["uuid"])

    def _follow(self, trail: Trail, note: Note, waiting: _Waiting) -> tuple[Trail, Verdict]:
        """Look at a job that may print until its end is known."""
        while True:
            part = trail.part
            assert part is not None
            verdict, found, standing_still = self._look(part)
            if (found.seen, found.at_printer) != (part.seen, part.at_printer):
                note(document_trail.encode(replace(trail, part=found)))
            trail = replace(trail, part=found)
            if verdict.kind != "wait":
                return trail, verdict
            waiting(verdict.reason or standing_still)
            self._pause()

    def _look(self, part: Part) -> tuple[Verdict, Part, str]:
        """(what it has come to, the part with what was seen, what the printer waits for)."""
        queue = self._queue_look(part)
        if not self._own_word:
            status = self.status()
            reason = "" if status.state == "ready" else status.reason
            return judge_by_server(queue), part, reason or self._late(part, queue)
        printer, reason = self._printer_look(part)
        now_ms = self._wall_ms()
        verdict = judge(
            part, queue, printer, once=self._once, counts=self._counts, now_ms=now_ms
        )  # fmt: skip
        if printer is not None:
            sides = max([part.seen, *(job.sides or 0 for job in printer.jobs)])
            seen = part.at_printer or bool(printer.jobs)
            part = replace(part, seen=sides, seen_ms=now_ms, at_printer=seen)
            for extra in printer.jobs[1:]:
                self._cancel_there(extra)
        if queue is not None and not reason and not (printer and printer.jobs):
            reason = "error" if queue.state == STOPPED else self._server_reason()
        return verdict, part, reason

    def _late(self, part: Part, queue: QueueLook | None) -> str:
        """Of bytes that the server cannot get rid of."""
        at_it = self._raw and queue is not None and queue.state == PROCESSING
        return "silent" if at_it and self._wall_ms() - part.freed_ms > HAND_OVER_MS else ""

    def _server_reason(self) -> str:
        """Why the server does not send a job on, where it says."""
        try:
            told = self._client.ask("queue", queue=self._queue)
        except (Unavailable, Refused):
            return ""
        return status_of(told["state"], told["reasons"], accepting=told["accepting"]).reason

    def _queue_look(self, part: Part) -> QueueLook | None:
        try:
            if not self._device:
                self._device = self._client.ask("queue", queue=self._queue)["device_uri"]
            told = self._client.ask("job", number=part.number, uuid=part.uuid)
        except (Unavailable, Refused):
            return None
        if told is None:
            return QueueLook(0)
        if told["state"] == HELD:
            self._let_go(part)
        return QueueLook(told["state"], tuple(told["reasons"]))

    def _printer_look(self, part: Part) -> tuple[PrinterLook | None, str]:
        try:
            told = self._client.ask("printer", uri=self._printer_uri, name=part.name)
        except (Unavailable, Refused):
            return None, "gone"
        jobs = tuple(
            PrinterJob(job["number"], job["state"], tuple(job["reasons"]), job["sides"]) for job in told["jobs"]
        )
        return PrinterLook(jobs, self._wall_ms() - 1000 * told["up_s"]), standing(told["reasons"])

    def _cancel_there(self, job: PrinterJob) -> None:
        if job.state < CANCELED:
            try:
                self._client.ask("cancel_at_printer", uri=self._printer_uri, number=job.number)
            except (Unavailable, Refused):
                return

    def _until_ready(self, waiting: _Waiting) -> None:
        while (status := self.status()).state != "ready":
            waiting(status.reason)
            self._pause()
        waiting("")

    def _patiently(self, ask: Callable[[], T], waiting: _Waiting) -> T:
        """The answer, however long the server is away."""
        while True:
            try:
                return ask()
            except Unavailable:
                waiting("server-gone")
                self._pause()

    def _pause(self) -> None:
        if self._closed.wait(self._look_s):
            raise Unavailable("printer.closed")

    @property
    def _own_word(self) -> bool:
        """Whether the printer itself can be asked."""
        return not self._raw and self._device.removeprefix(ONCE).startswith(("ipp://", "ipps://"))

    @property
    def _once(self) -> bool:
        return self._device.startswith(ONCE)

    @property
    def _printer_uri(self) -> str:
        return self._device.removeprefix(ONCE).partition("?")[0]


class _Waiting:
    """Tells of each change once."""

    def __init__(self, attention: Attention) -> None:
        self._attention = attention
        self._said = ""

    def __call__(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            self._attention(reason)


def _options(ticket: Ticket, part: Part) -> dict[str, str]:
    return {
        "copies": str(part.copies),
        "page-ranges": ",".join(f"{first}-{end}" for first, end in part.ranges),
        "print-color-mode": "color" if ticket.colour else "monochrome",
        "sides": ticket.sides,
        # A queue for a tray that takes pages face up sends the last page first; a count would mean other pages.
        "outputorder": "normal",
    }


def _refused(status: int, out: int) -> Outcome:
    if status in NOT_PRINTABLE:
        return Outcome("unknown", "cut") if out else Outcome("failed", "payload")
    return Outcome("failed", "no-queue" if status == NOT_FOUND else "not-allowed" if status in NOT_ALLOWED else "error")
