"""Writes down what is asked of a print server and answered, for support; see `codecs.server_recording` for what."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

from hardware.codecs import document_ticket
from hardware.codecs.server_recording import kept_answer, kept_question, like
from hardware.drivers.cups_client import PrintServer, Refused
from hardware.drivers.document_printer import Attention, DocumentPrinter, Note
from hardware.drivers.recording_file import RecordingFile
from hardware.ports import Job, Outcome, PrinterStatus
from sync.kernel.outcome import PeerFault, Unavailable

ACTS = frozenset({"make", "free", "cancel", "cancel_at_printer"})
"""Written at once: power may fail now."""


class ServerRecorder:
    """The recording of one printer. It is a print server to the driver, and beside it a printer to the queue.

    A printer at rest is asked the same every half minute, one that waits twice a second: a round that went like the
    last one is counted and not written again.
    """

    def __init__(self, file: RecordingFile, server: PrintServer, mono_s: Callable[[], float]) -> None:
        self._file = file
        self._server = server
        self._mono_s = mono_s
        self._began_s = mono_s()
        self._papers: dict[bytes, int] = {}
        self._round: list[dict[str, Any]] = []
        self._last: list[dict[str, Any]] = []
        self._written = self._same = 0

    def begin(self, **told: Any) -> None:
        self._file.add(self._at({"speaks": "cups", **told}))

    def ask(self, do: str, data: bytes = b"", **what: Any) -> Any:
        asked = kept_question(do, what)
        if any(entry.get("ask") == asked for entry in self._round):
            self._turn()
        try:
            answer = self._server.ask(do, data, **what)
        except Refused as no:
            self._add({"ask": asked, "refused": no.status})
            raise
        except Unavailable as fault:
            self._add({"ask": asked, "away": fault.code})
            raise
        self._add({"ask": asked, "ok": kept_answer(do, answer)})
        if do in ACTS:
            self._write()
        return answer

    def close(self) -> None:
        self._server.close()

    def call(self, **told: Any) -> None:
        self._turn()
        self._add(told)

    def end(self, state: str, reason: str) -> None:
        self._add({"end": [state, reason]})

    def paper(self, data: bytes) -> dict[str, Any]:
        """Known again by its digest, which never leaves this process: from it a short text could be guessed."""
        number = self._papers.setdefault(hashlib.sha256(data).digest(), len(self._papers) + 1)
        return {"paper": len(data), "no": number, "ticket": _ticket(data)}

    def finish(self) -> None:
        self._turn()
        self._tell_same()

    def _at(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {"at_s": round(self._mono_s() - self._began_s, 6), **entry}

    def _add(self, entry: dict[str, Any]) -> None:
        self._round.append(self._at(entry))

    def _turn(self) -> None:
        """The round is over."""
        if not self._written and self._round and like(self._round, self._last):
            self._same += 1
        else:
            self._write()
            # a round that acted is never left out, nor is the one after it
            self._last = [] if any(entry.get("ask", {}).get("do") in ACTS for entry in self._round) else self._round
        self._round, self._written = [], 0

    def _write(self) -> None:
        self._tell_same()
        for entry in self._round[self._written :]:
            self._file.add(entry)
        self._written = len(self._round)

    def _tell_same(self) -> None:
        if self._same:
            self._file.add(self._at({"same": self._same}))
            self._same = 0


def _ticket(data: bytes) -> dict[str, Any] | None:
    try:
        return dataclasses.asdict(document_ticket.decode(data)[0])
    except PeerFault:
        return None


class HeardPrinter:
    """A printer behind a print server whose calls are written down."""

    def __init__(self, printer: DocumentPrinter, recorder: ServerRecorder) -> None:
        self._printer = printer
        self._recorder = recorder

    def status(self) -> PrinterStatus:
        self._recorder.call(call="status")
        status = self._printer.status()
        self._recorder.end(status.state, status.reason)
        return status

    def print_traced(self, job: Job, attention: Attention, note: Note) -> Outcome:
        self._recorder.call(call="print", job=job.job_id, **self._recorder.paper(job.payload), trail=job.trail)
        outcome = self._printer.print_traced(job, attention, note)
        self._recorder.end(outcome.kind, outcome.reason)
        return outcome

    def close(self) -> None:
        self._printer.close()
