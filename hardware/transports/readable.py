"""Read a file descriptor, or stop because somebody closed it from another thread."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Sequence

from sync.kernel.outcome import Unavailable


class Readable:
    """One per stream. A pipe wakes the thread that waits, so that closing needs no polling.

    `release` closes the descriptor. It runs once, and never while a read is under way: a number that the kernel has
    given to another file meanwhile would be read instead.
    """

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release
        self._wake_r, self._wake_w = os.pipe()
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def read(self, fd: int, timeout_s: float | None, size: int = 4096) -> bytes:
        """What is there; `b""` after `timeout_s`. Unavailable `device.closed`, or `device.gone` at its end."""
        self._begin()
        try:
            if not self._select([fd], timeout_s):
                return b""
            data = os.read(fd, size)
        except BlockingIOError:
            return b""
        except (OSError, ValueError):
            raise Unavailable("device.gone") from None
        finally:
            self._done()
        if not data:
            raise Unavailable("device.gone")
        return data

    def wait(self, fds: Sequence[int], timeout_s: float | None) -> list[int]:
        """Which of them have something; none after `timeout_s`. Unavailable `device.closed`."""
        self._begin()
        try:
            return self._select(fds, timeout_s)
        except (OSError, ValueError):
            raise Unavailable("device.gone") from None
        finally:
            self._done()

    def _begin(self) -> None:
        with self._lock:
            if self._closed:
                raise Unavailable("device.closed")
            self._reading = True

    def _select(self, fds: Sequence[int], timeout_s: float | None) -> list[int]:
        ready, _, _ = select.select([*fds, self._wake_r], [], [], timeout_s)
        if self._wake_r in ready:
            raise Unavailable("device.closed")
        return ready

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._reading:
                os.write(self._wake_w, b"x")
            else:
                self._drop()

    def _done(self) -> None:
        with self._lock:
            self._reading = False
            if self._closed:
                self._drop()

    def _drop(self) -> None:
        os.close(self._wake_r)
        os.close(self._wake_w)
        self._release()
