"""A document scanner through SANE. Each run is a process of its own: a backend that hangs or dies takes nobody along.

The process is SANE's own `scanimage`: its exit code is the SANE status, it names each page once it is whole, and on
SIGINT it tells the scanner to stop. Pages pass through memory (`/dev/shm`), never over a disk.
Source: SANE standard 1.06, 4.2.7 (status codes), draft 1.1 for 12 and 13; scanimage(1) of sane-backends 1.1.1.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hardware.ports import DeviceState, PageListener, Percent, RunEnd, ScanWish, TakenPage

MEMORY = Path("/dev/shm")
LOOK_S = 0.2
STOP_S = 10.0
"""A scanner that was told to stop brings its sheet out first."""
CLOSE_S = 3.0
STATUS_S = 20.0
"""Opening a scanner that rests; some wake their lamp first."""

GOOD, EOF = 0, 5
PAGE = re.compile(r"page-\d{6}\.png")
STATUS = re.compile(r"\(scanner status = (\d+)\)")
OVER = "Batch terminated"
OPENED = "All options specific to device"
PERCENT = re.compile(r"Progress: (\d+)")

REASONS = {
    1: "gone", 2: "stopped", 3: "busy", 4: "gone", 6: "jam", 7: "no-documents", 8: "cover-open", 9: "error",
    10: "memory", 11: "denied", 12: "warming-up", 13: "locked",
}  # fmt: skip
SOURCES = {"flatbed": "Flatbed", "feeder": "ADF", "feeder-duplex": "ADF Duplex"}
MODES = {"colour": "Color", "grey": "Gray"}


class SaneScanner:
    """`device` as `scanimage -L` names it, or what finds that name at each turn.

    `environ` is what the backend needs beside ours (`SANE_CONFIG_DIR`). `sources` gives this model's words for where
    paper lies, `options` is passed as it is. `ask` is asked after a run that ended in an error for a reason SANE has no
    word for. Nothing of a page for `page_s`: the process is ended, `silent`.
    """

    def __init__(
        self,
        device: str | Callable[[], str],
        *,
        environ: Mapping[str, str] | None = None,
        sources: Mapping[str, str] = SOURCES,
        options: tuple[str, ...] = (),
        ask: Callable[[], str] = lambda: "",
        page_s: float = 90.0,
        stop_s: float = STOP_S,
    ) -> None:
        self._named: Callable[[], str] = (lambda: device) if isinstance(device, str) else device
        self._environ = {**os.environ, **(environ or {})}
        self._sources = sources
        self._options = options
        self._ask = ask
        self._page_s = page_s
        self._stop_s = stop_s

    tells_trouble = False

    def status(self) -> tuple[DeviceState, str]:
        """Opens the device, asks what it can do and shuts it again; no paper moves."""
        running = subprocess.Popen(
            [_program(), "-d", self._named(), "--all-options"], env=self._environ,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            until_s, opened = time.monotonic() + STATUS_S, False
            for line in _lines(running):
                if OPENED in line:
                    # Some backends never come back from closing; that it opens is known by now.
                    opened, until_s = True, time.monotonic() + CLOSE_S
                if time.monotonic() > until_s:
                    break
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(timeout=max(0.0, until_s - time.monotonic()))
        finally:
            _end(running, CLOSE_S)
        if opened:
            return "ready", ""
        reason = REASONS.get(running.returncode, "error") if running.returncode > 0 else "silent"
        return ("absent" if reason == "gone" else "busy" if reason == "busy" else "attention"), reason

    def take(
        self,
        wish: ScanWish,
        on_page: PageListener,
        stopped: Callable[[], bool] = lambda: False,
        percent: Percent = lambda percent: None,
    ) -> RunEnd:
        pages_max = wish.pages_max or (1 if wish.source == "flatbed" else 0)
        with tempfile.TemporaryDirectory(prefix="waystation-scan-", dir=MEMORY if MEMORY.is_dir() else None) as name:
            command = [
                _program(), "-d", self._named(), "--format=png", f"--source={self._sources[wish.source]}",
                f"--mode={MODES[wish.colour]}", f"--resolution={wish.dpi}", *self._options, "--progress",
                "--batch=page-%06d.png", "--batch-print", *([f"--batch-count={pages_max}"] if pages_max else []),
            ]  # fmt: skip
            running = subprocess.Popen(
                command, cwd=name, env=self._environ,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            try:
                return self._follow(running, Path(name), on_page, stopped, percent)
            finally:
                _end(running, self._stop_s)

    def _follow(
        self,
        running: subprocess.Popen[bytes],
        folder: Path,
        on_page: PageListener,
        stopped: Callable[[], bool],
        percent: Percent,
    ) -> RunEnd:
        pages, status, until_s, over = 0, GOOD, time.monotonic() + self._page_s, False
        for line in _lines(running):
            if line.startswith(OVER):
                # Some backends never come back from closing; how the run went has been said by now.
                over, until_s = True, time.monotonic() + CLOSE_S
            elif found := PERCENT.match(line):
                percent(min(100, int(found[1])))
                until_s = until_s if over else time.monotonic() + self._page_s
            elif found := STATUS.search(line):
                status = int(found[1])
            elif PAGE.fullmatch(line):
                pages += 1
                place = folder / line
                on_page(TakenPage(pages, place.read_bytes(), "image/png"))
                place.unlink()
                until_s = until_s if over else time.monotonic() + self._page_s
            if not over and stopped():
                return RunEnd("stopped", pages)
            if time.monotonic() > until_s:
                if not over:
                    return RunEnd("failed", pages, "silent")
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = running.wait(timeout=max(0.0, until_s - time.monotonic()))
        if status in (GOOD, EOF):
            return RunEnd("done", pages) if pages else RunEnd("failed", 0, "no-documents")
        reason = REASONS.get(status, "error")
        return RunEnd("failed", pages, (self._ask() or reason) if reason in ("error", "gone") else reason)


def _program() -> str:
    return shutil.which("scanimage") or "/usr/bin/scanimage"


def _lines(running: subprocess.Popen[bytes]) -> Iterator[str]:
    """What the process writes on both its ways out, line by line until it ends; an empty one when nothing came."""
    assert running.stdout is not None and running.stderr is not None
    held = {running.stdout.fileno(): b"", running.stderr.fileno(): b""}
    while held:
        ready, _, _ = select.select(list(held), [], [], LOOK_S)
        for fd in ready:
            data = os.read(fd, 4096)
            *whole, held[fd] = (held[fd] + data).replace(b"\r", b"\n").split(b"\n")  # progress overwrites its line
            yield from (line.decode("ascii", "replace") for line in whole if line)
            if not data:
                del held[fd]
        if not ready:
            yield ""


def _end(running: subprocess.Popen[bytes], stop_s: float) -> None:
    for pipe in (running.stdout, running.stderr):
        if pipe is not None:
            pipe.close()
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=stop_s)
    if running.poll() is None:
        running.kill()
        running.wait()
