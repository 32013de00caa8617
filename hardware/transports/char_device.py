"""A printer behind the kernel's USB printer class driver (`/dev/usb/lp0`) as a byte stream.

Source: Linux kernel, drivers/usb/class/usblp.c: one writer, read gives what the printer sent back.
"""

from __future__ import annotations

import os
import select
import stat
import time

from hardware.transports.readable import Readable
from sync.kernel.outcome import Unavailable

WRITE_S = 30.0
"""A printer out of paper takes no more bytes; its person gets this long before the rest is in doubt."""


class CharDeviceStream:
    """One opened node. Without O_CREAT: a node that is missing must not become a file that blocks the real one."""

    def __init__(self, path: str, write_s: float = WRITE_S) -> None:
        try:
            if not stat.S_ISCHR(os.stat(path).st_mode):
                raise Unavailable("device.not-a-device", retry_s=10.0)
            self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            raise Unavailable("device.gone", retry_s=2.0) from None
        self._write_s = write_s
        self._readable = Readable(lambda: os.close(self._fd))

    def read(self, timeout_s: float | None) -> bytes:
        return self._readable.read(self._fd, timeout_s)

    def write(self, data: bytes) -> None:
        left, until_s = memoryview(data), time.monotonic() + self._write_s
        try:
            while left:
                _, ready, _ = select.select([], [self._fd], [], max(0.0, until_s - time.monotonic()))
                if not ready:
                    raise Unavailable("device.stuck")
                left = left[os.write(self._fd, left) :]
        except (OSError, ValueError):
            raise Unavailable("device.gone") from None

    def close(self) -> None:
        self._readable.close()
