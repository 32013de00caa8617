"""Raw key events of one input device; of a gun grabbed, so that nobody else hears them.

Source: Linux kernel, include/uapi/linux/input.h (EVIOCGRAB).
"""

from __future__ import annotations

import fcntl
import os
import stat

from hardware.transports.readable import Readable
from sync.kernel.outcome import Unavailable

EVIOCGRAB = 0x40044590
READ_BYTES = 24 * 64


class InputStream:
    """An opened `/dev/input/event*`; `read` gives `input_event` structs, maybe cut anywhere.

    `grab` only for a device that was bound as a gun: a mistaken grab locks the only keyboard.
    """

    def __init__(self, path: str, *, grab: bool = True) -> None:
        try:
            # Without O_CREAT: a node that is missing must not become a file that blocks the real one.
            if not stat.S_ISCHR(os.stat(path).st_mode):
                raise Unavailable("device.not-an-input", retry_s=10.0)
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            raise Unavailable("device.no-access", retry_s=10.0) from None
        except OSError:
            raise Unavailable("device.gone", retry_s=2.0) from None
        try:
            if grab:
                fcntl.ioctl(self._fd, EVIOCGRAB, 1)
        except OSError:
            os.close(self._fd)
            raise Unavailable("device.taken", retry_s=5.0) from None
        self._readable = Readable(lambda: os.close(self._fd))

    def read(self, timeout_s: float | None) -> bytes:
        return self._readable.read(self._fd, timeout_s, READ_BYTES)

    def write(self, data: bytes) -> None:
        raise Unavailable("device.read-only")

    def close(self) -> None:
        """Ends the grab with the descriptor."""
        self._readable.close()
