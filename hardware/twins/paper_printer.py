"""An office printer: the real `ippeveprinter` before a tray that can be emptied, jammed and cut off from power."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from hardware.twins import paper_path
from hardware.twins.children import Children
from hardware.twins.journal import Journal

START_S = 30.0
LOOK_S = 0.02
FORMATS = "application/pdf,image/pwg-raster,image/jpeg,image/urf"


class PaperPrinter:
    """`sheets` is what came out: `{n, job, printer_job, sides, colour}`, `sides` the text drawn on each side.

    Power-off is a kill: what it was sent and its list of jobs are gone, sheets that came out stay out.
    """

    def __init__(self, name: str, port: int, folder: Path, children: Children, side_s: float = 0.05) -> None:
        self.name = name
        self.port = port
        self.folder = folder
        self._children = children
        self._process: subprocess.Popen[bytes] | None = None
        self._tray: dict[str, float | None] = {"paper_until": None, "jam_at": None, "side_s": side_s}
        (folder / "spool").mkdir(parents=True, exist_ok=True)
        self._journal = Journal(folder / "sheets.jsonl")
        self._command = folder / "print"
        path = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(paper_path.__file__)}"
        self._command.write_text(f'#!/bin/sh\nexec {path} {shlex.quote(str(folder))} "$1"\n')
        self._command.chmod(0o755)
        self._set()

    @property
    def uri(self) -> str:
        return f"ipp://localhost:{self.port}/ipp/print"

    @property
    def sheets(self) -> list[dict[str, Any]]:
        return self._journal.entries()

    def power_on(self) -> None:
        """Returns when it answers."""
        assert self._process is None
        # The announced name is one of its kind: two rooms may stand on one machine.
        self._process = self._children.start(
            ["ippeveprinter", "-2", "-s", "20,10", "-p", str(self.port), "-n", "localhost", "-r", "off",
             "-c", str(self._command), "-f", FORMATS, "-d", str(self.folder / "spool"), f"{self.name}-{self.port}"],
            self.folder / "printer.log",
        )  # fmt: skip
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("localhost", self.port), 1.0):
                return
            time.sleep(LOOK_S)
        raise RuntimeError(f"{self.name} does not start: {(self.folder / 'printer.log').read_text()[-500:]}")

    def power_off(self) -> None:
        """The printer and what it is doing stop where they are."""
        if self._process is not None:
            self._children.end(self._process)
            self._process = None

    def paper_out(self, after_sheets: int = 0) -> None:
        self._set(paper_until=len(self.sheets) + after_sheets)

    def load_paper(self) -> None:
        self._set(paper_until=None)

    def jam(self, after_sheets: int = 0) -> None:
        """The sheet after so many more gets stuck; once cleared, the printer has dropped its job."""
        self._set(jam_at=len(self.sheets) + after_sheets)

    def clear_jam(self) -> None:
        self._set(jam_at=None)

    def slow(self, side_s: float) -> None:
        """So long a side takes from now on."""
        self._set(side_s=side_s)

    def _set(self, **what: float | None) -> None:
        self._tray |= what
        fresh = self.folder / "tray.new"
        fresh.write_text(json.dumps(self._tray))
        os.replace(fresh, self.folder / "tray.json")
