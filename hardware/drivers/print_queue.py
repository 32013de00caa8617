"""One thread per printer that turns ledger rows into paper.

The row says `sent` before the first byte leaves. So a stop at any point leaves either a job that surely printed
nothing (`queued`), one that surely printed (`confirmed`), or a doubt (`uncertain`) that a person settles once. A
printer that traces its jobs finds out after a stop what became of them before anything is doubted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from hardware.drivers.supervisor import Device, backoff_s
from hardware.ports import Job, Ledger, Outcome, Printer, PrinterStatus, TracedPrinter
from sync.kernel.outcome import Unavailable

IDLE_LOOK_S = 30.0
PERSON_LOOK_S = 0.5
"""Between two looks at a printer that waits for a person: nobody who just loaded paper should wonder."""
FINAL_REASONS = frozenset({"payload"})
"""Failures that trying again does not mend; every other failure leaves the job queued."""


class PrintQueue:
    """Call `wake` after a job was queued. `close` waits for the slip that is under way only as long as `close_s`."""

    def __init__(
        self,
        printer_name: str,
        printer: Printer | TracedPrinter,
        ledger: Ledger,
        device: Device,
        draw: Callable[[], float],
        close_s: float = 5.0,
    ) -> None:
        self._name = printer_name
        self._printer = printer
        self._ledger = ledger
        self._device = device
        self._draw = draw
        self._close_s = close_s
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._failures = 0
        self._known = False
        self._thread = threading.Thread(target=self._run, name=f"print-{printer_name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """A job was queued, or somebody mended the printer. From any thread."""
        self._wake.set()

    def switch(self, on: bool) -> None:
        """Off: nothing more is printed, what waits stays queued. A job that is on its way ends as it ends."""
        if on:
            self._device.enable()
            self._wake.set()
        else:
            self._device.disable()

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if not isinstance(self._printer, Printer):
            self._printer.close()
        self._thread.join(timeout=self._close_s)

    def _run(self) -> None:
        self._device.say("opening")
        try:
            self._recall()
            while not self._stop.is_set():
                self._wake.clear()
                try:
                    moved = self.step()
                except Unavailable:
                    moved = False
                    self._recall()
                if not moved and not self._stop.is_set():
                    self._wake.wait(self._pause_s())
        except BaseException:
            self._device.say("lost", "fault")
            raise

    def _recall(self) -> None:
        """What was sent and has no end, from before this start or a mark that failed: found out, else doubted."""
        while not self._stop.is_set():
            try:
                if isinstance(self._printer, Printer):
                    self._ledger.doubt_sent(self._name)
                else:
                    for job in self._ledger.sent(self._name):
                        self._settle(job, self._print(job))
                return
            except Unavailable as fault:
                self._stop.wait(fault.retry_s)

    def _pause_s(self) -> float:
        """An idle printer is looked at now and then, so that the screen knows before somebody needs it."""
        state = self._device.view.state
        if state == "ready":
            return IDLE_LOOK_S
        if state == "attention":
            return PERSON_LOOK_S
        self._failures += 1
        return PERSON_LOOK_S + backoff_s(self._failures, self._draw)

    def step(self) -> bool:
        """Print the next job if the printer can; whether a job came to an end."""
        if self._device.view.state == "disabled":
            return False
        status = self._printer.status()
        if not self._report(status):
            return False
        job = self._ledger.take_next(self._name)
        if job is None:
            return False
        self._device.say("busy")
        self._ledger.mark(job.job_id, "sent", "")
        return self._settle(job, self._print(job))

    def _print(self, job: Job) -> Outcome:
        if isinstance(self._printer, Printer):
            return self._printer.print_job(job.payload, self._attention)
        return self._printer.print_traced(job, self._attention, partial(self._ledger.note, job.job_id))

    def _settle(self, job: Job, outcome: Outcome) -> bool:
        match outcome.kind:
            case "confirmed":
                self._ledger.mark(job.job_id, "confirmed", outcome.reason)
                self._device.say("ready")
            case "unknown":
                self._ledger.mark(job.job_id, "uncertain", outcome.reason)
                self._device.say("lost" if outcome.reason == "gone" else "attention", outcome.reason)
            case "failed" if outcome.reason in FINAL_REASONS:
                self._ledger.mark(job.job_id, "failed", outcome.reason)
            case "failed":
                self._ledger.mark(job.job_id, "queued", outcome.reason)
                self._device.say("attention", outcome.reason)
                return False
        return True

    def _report(self, status: PrinterStatus) -> bool:
        if status.state == "ready":
            self._known, self._failures = True, 0
            self._device.say("ready", "near-end" if status.near_end else "")
            return True
        if status.reason == "gone":
            self._device.say("lost" if self._known else "absent", "gone")
        else:
            self._device.say("attention", status.reason)
        return False

    def _attention(self, reason: str) -> None:
        self._device.say("attention" if reason else "busy", reason)
