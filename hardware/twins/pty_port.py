"""A device on a pseudo terminal under a path that stays the same while it is plugged in and out."""

from __future__ import annotations

import contextlib
import os
import threading
import tty
from collections.abc import Callable
from pathlib import Path

from hardware.transports.readable import Readable
from sync.kernel.outcome import Unavailable

Hear = Callable[[bytes], list[tuple[bytes, float]]]
"""Bytes that came → what to say to them, each after so many seconds."""


class PtyPort:
    """`hear` is called in the port's thread. Whoever has it open at `close` meets the end that a pulled plug is."""

    def __init__(self, path: Path, hear: Hear) -> None:
        self.path = path
        self._hear = hear
        self._stop = threading.Event()
        self._theirs = -1
        self._readable: Readable | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ours, self._theirs = os.openpty()
        tty.setraw(ours)
        tty.setraw(self._theirs)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.path.symlink_to(os.ttyname(self._theirs))
        self._stop.clear()
        self._readable = readable = Readable(lambda: os.close(ours))
        self._thread = threading.Thread(target=self._serve, args=(ours, readable), name="pty-twin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._readable is None or self._thread is None:
            return
        self._stop.set()
        self._readable.close()
        self._thread.join(timeout=10.0)
        os.close(self._theirs)
        self._readable = self._thread = None
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def _serve(self, ours: int, readable: Readable) -> None:
        with contextlib.suppress(Unavailable, OSError):
            while True:
                for data, wait_s in self._hear(readable.read(ours, None)):
                    if wait_s and self._stop.wait(wait_s):
                        return
                    while data:
                        data = data[os.write(ours, data) :]
