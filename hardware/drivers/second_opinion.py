"""Asks zbar, which lives in a process of its own with a deadline: it may end, hang or answer nonsense there."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hardware.drivers.zbar_worker import ANSWER, NAMES, PICTURE, REQUEST

if TYPE_CHECKING:
    from PIL.Image import Image

DEADLINE_S = 5.0
ANSWER_BYTES_MAX = 1 << 20
COMMAND = (sys.executable, "-m", "hardware.drivers.zbar_worker")


class SecondOpinion:
    """One child, started when first asked and again after it was lost. Calls from several threads take turns."""

    def __init__(self, deadline_s: float = DEADLINE_S, command: tuple[str, ...] = COMMAND) -> None:
        self._deadline_s = deadline_s
        self._command = command
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self.lost = 0
        """How often the child had to be given up."""

    def ask(
        self, pictures: Sequence[Image], wanted: Iterable[str], *, rows_alone: bool = False
    ) -> list[tuple[str, bytes]] | None:
        """(symbology, bytes) of what it saw in these grey pictures.

        `rows_alone`: no columns are looked along. None when it did not answer in time.
        """
        names = " ".join(name for name in wanted if name in NAMES).encode()
        if not names or not pictures:
            return []
        with self._lock:
            try:
                child = self._child or self._start()
                until_s = time.monotonic() + self._deadline_s
                self._write(child, REQUEST.pack(int(rows_alone), len(names), len(pictures)) + names, until_s)
                for picture in pictures:
                    self._write(child, PICTURE.pack(*picture.size) + picture.tobytes(), until_s)
                (length,) = ANSWER.unpack(self._read(child, ANSWER.size, until_s))
                if length > ANSWER_BYTES_MAX:
                    raise ValueError("answer")
                told = json.loads(self._read(child, length, until_s))
                return [(str(name), bytes.fromhex(raw)) for name, raw in told]
            except (OSError, ValueError, TypeError, EOFError):
                self.lost += 1
                self._end()
                return None

    def close(self) -> None:
        with self._lock:
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert child.stdin is not None and child.stdout is not None
        os.set_blocking(child.stdin.fileno(), False)
        self._child = child
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _write(self, child: subprocess.Popen[bytes], data: bytes, until_s: float) -> None:
        assert child.stdin is not None
        left = memoryview(data)
        while left:
            _, ready, _ = select.select([], [child.stdin], [], max(0.0, until_s - time.monotonic()))
            if not ready:
                raise EOFError("deadline")
            left = left[os.write(child.stdin.fileno(), left) :]

    def _read(self, child: subprocess.Popen[bytes], size: int, until_s: float) -> bytes:
        assert child.stdout is not None
        held = b""
        while len(held) < size:
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, until_s - time.monotonic()))
            data = os.read(child.stdout.fileno(), size - len(held)) if ready else b""
            if not data:
                raise EOFError("deadline" if not ready else "ended")
            held += data
        return held
