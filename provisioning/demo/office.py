"""The records room's office printer: the real cupsd and ippeveprinter, in a print room of the demo's own.

It stands where these programs are installed and may be started (the message bus and avahi of a room of its own need
root); elsewhere the demo has no office printer and says so. It comes up beside the hub, so that nobody waits for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom

NAME, QUEUE = "office-printer", "office"
"""Of the device on the box's pages, which have words for it, and at the print server."""
SERVER_PROGRAMS = ("cupsd", "lpadmin", "ippeveprinter", "avahi-daemon", "dbus-daemon", "unshare", "pdftotext")
SIDE_S = 0.3


def lacking() -> str:
    """Why there is no office printer here; empty where there is one."""
    absent = [program for program in SERVER_PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return "" if os.geteuid() == 0 else "it needs root"


class Office:
    """`begin` returns at once; `fault` waits until it is up. `close` keeps the journal of its sheets in `kept`."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        # The printer daemon's user must reach it, and the path of a socket is short.
        self._folder = Path(tempfile.mkdtemp(prefix="room-"))
        self._room = PrintRoom(self._folder)
        self._printer: PaperPrinter | None = None
        self._fault = ""
        self._rising = threading.Thread(target=self._rise, name="office", daemon=True)

    def begin(self) -> None:
        self._rising.start()

    def _rise(self) -> None:
        try:
            self._room.start()
            self._printer = self._room.add_printer(QUEUE, SIDE_S)
            self._room.add_queue(QUEUE, self._printer)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as fault:
            self._fault = str(fault)

    def fault(self) -> str:
        """Why it did not come up; empty when it did."""
        self._rising.join()
        return self._fault

    @property
    def printer(self) -> PaperPrinter:
        self._rising.join()
        assert self._printer is not None, self._fault
        return self._printer

    def settings(self) -> dict[str, Any]:
        """For the box that prints on it."""
        return {
            "print_server": self._room.server,
            "document_printers": [{"name": NAME, "queue": QUEUE, "counts_pages": True}],
        }

    def close(self) -> None:
        self._rising.join()
        self._room.close()
        journal = self._folder / QUEUE / "sheets.jsonl"
        if journal.exists():
            self.kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(journal, self.kept / journal.name)
        shutil.rmtree(self._folder, ignore_errors=True)
