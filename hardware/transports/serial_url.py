"""A serial port by path or URL (`/dev/ttyUSB0`, `socket://host:port`, `rfc2217://…`, `loop://`) as a byte stream."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from typing import Any

from hardware.transports.readable import Readable
from sync.kernel.outcome import Unavailable

WRITE_S = 10.0
WRITE_BYTES = 1024
"""So much may take `WRITE_S`: a label of 15 KB is on its way for 16 s at 9600 baud."""
POLL_S = 0.02
"""Only for URL handlers without a file descriptor (`loop://`, `rfc2217://`)."""


class SerialStream:
    """One open port, 8 bits, no parity, one stop bit.

    A port with a file descriptor is read as soon as the kernel has a byte; nothing waits for a buffer to fill. What
    arrives while it opens is thrown away by the library; on a network, `tcp.TcpStream` keeps it.
    """

    def __init__(self, url: str, baud: int = 9600, write_s: float = WRITE_S) -> None:
        import serial  # opening is the first moment at which the library is needed

        self._writing = threading.Lock()
        self._fault: Any = (serial.SerialException, OSError, ValueError)
        try:
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=0, write_timeout=write_s)
            if hasattr(self._port, "exclusive") and "://" not in url:
                self._port.exclusive = True
        except self._fault as fault:
            refused = getattr(fault, "errno", None) == errno.EACCES
            raise Unavailable("device.no-access" if refused else "device.gone", retry_s=2.0) from None
        try:
            self._fd: int | None = self._port.fileno()
        except (OSError, AttributeError):
            self._fd = None
        self._readable = Readable(self._release)

    def read(self, timeout_s: float | None) -> bytes:
        if self._fd is None:
            return self._poll(timeout_s)
        return self._readable.read(self._fd, timeout_s)

    def _poll(self, timeout_s: float | None) -> bytes:
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            self._port.timeout = POLL_S
            while True:
                data = bytes(self._port.read(max(1, int(self._port.in_waiting))))
                if data or (until_s is not None and time.monotonic() >= until_s):
                    return data
        except self._fault:
            raise Unavailable("device.gone") from None

    def write(self, data: bytes) -> None:
        with self._writing:
            try:
                for at in range(0, len(data), WRITE_BYTES):
                    piece = data[at : at + WRITE_BYTES]
                    sent = self._port.write(piece)
                    if sent is not None and sent < len(piece):
                        raise Unavailable("device.closed")
                self._port.flush()
            except self._fault:
                raise Unavailable("device.gone") from None

    def close(self) -> None:
        with contextlib.suppress(AttributeError, TypeError, *self._fault):
            self._port.cancel_write()
        self._readable.close()

    def _release(self) -> None:
        # Closed under a write, the library would meet a descriptor that is gone, or worse, another file's.
        held = self._writing.acquire(timeout=WRITE_S)
        try:
            with contextlib.suppress(*self._fault):
                self._port.close()
        finally:
            if held:
                self._writing.release()
