"""A document camera: live pictures while it is open, and a still when somebody asks for one.

OpenCV opens it in a process of its own (`camera_worker`), so that a driver which hangs or dies takes nobody along.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from hardware.drivers.camera_worker import CANNOT_OPEN
from sync.kernel.outcome import Unavailable

FIRST_S = 20.0
SILENT_S = 5.0
STILL_S = 10.0
PICTURE_BYTES_MAX = 64 * 1024 * 1024
HEAD_BYTES = 5


class DocumentCamera:
    """A session for `supervisor.Keeper`. `on_preview(jpeg)` is called in its thread, about five times a second.

    `source` is a camera's number or a stream's address. Without a picture for `silent_s` it counts as gone.
    """

    def __init__(
        self, source: str, on_preview: Callable[[bytes], None], *, first_s: float = FIRST_S, silent_s: float = SILENT_S
    ) -> None:
        self._source = source
        self._on_preview = on_preview
        self._first_s = first_s
        self._silent_s = silent_s
        self._changed = threading.Condition()
        self._worker: subprocess.Popen[bytes] | None = None
        self._stills: list[bytes] = []
        self._dropped = False
        self._closed = False

    def run(self, opened: Callable[[], None]) -> None:
        """Unavailable `device.gone` when it cannot be opened or goes away, `device.silent`, `device.closed`."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "hardware.drivers.camera_worker", self._source],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        with self._changed:
            self._worker = worker
            self._dropped = self._closed
        try:
            first = True
            for kind, picture in self._frames(worker):
                if first:
                    opened()
                    first = False
                if kind == b"S":
                    with self._changed:
                        self._stills.append(picture)
                        self._changed.notify_all()
                else:
                    self._on_preview(picture)
        finally:
            with self._changed:
                self._worker = None
                self._changed.notify_all()
            _end(worker)

    def still(self, timeout_s: float = STILL_S) -> bytes:
        """A JPEG at full size, taken after this call. Unavailable `device.gone`, `device.silent`."""
        with self._changed:
            worker = self._worker
            if worker is None or worker.stdin is None:
                raise Unavailable("device.gone")
            self._stills.clear()
            try:
                worker.stdin.write(b"still\n")
            except (OSError, ValueError):  # its way in was shut meanwhile
                raise Unavailable("device.gone") from None
            self._changed.wait_for(lambda: self._stills or self._worker is not worker, timeout_s)
            if self._stills:
                return self._stills.pop(0)
            raise Unavailable("device.silent" if self._worker is worker else "device.gone")

    def drop(self) -> None:
        """From any thread; the present `run` ends with `Unavailable` and may be called again."""
        with self._changed:
            self._dropped = True
            worker = self._worker
        if worker is not None and worker.stdin is not None:
            with contextlib.suppress(OSError):
                worker.stdin.close()

    def close(self) -> None:
        """From any thread; `run` ends with `Unavailable`."""
        with self._changed:
            self._closed = True
        self.drop()

    def _frames(self, worker: subprocess.Popen[bytes]) -> Iterator[tuple[bytes, bytes]]:
        assert worker.stdout is not None
        fd, held, until_s = worker.stdout.fileno(), bytearray(), time.monotonic() + self._first_s
        while True:
            ready, _, _ = select.select([fd], [], [], max(0.0, until_s - time.monotonic()))
            if self._dropped:
                raise Unavailable("device.closed")
            if not ready:
                raise Unavailable("device.silent")
            data = os.read(fd, 1 << 20)
            if not data:
                code = worker.wait(timeout=STILL_S)
                raise Unavailable("device.gone", retry_s=5.0 if code == CANNOT_OPEN else 1.0)
            held += data
            while len(held) >= HEAD_BYTES:
                size = int.from_bytes(held[1:HEAD_BYTES], "big")
                assert size <= PICTURE_BYTES_MAX, "our own worker"
                if len(held) < HEAD_BYTES + size:
                    break
                yield bytes(held[:1]), bytes(held[HEAD_BYTES : HEAD_BYTES + size])
                del held[: HEAD_BYTES + size]
                until_s = time.monotonic() + self._silent_s


def _end(worker: subprocess.Popen[bytes]) -> None:
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        worker.wait(timeout=3.0)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
