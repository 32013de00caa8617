"""A TCP connection as a byte stream: network printers (port 9100) and serial servers in raw mode."""

from __future__ import annotations

import contextlib
import socket

from hardware.transports.readable import Readable
from sync.kernel.outcome import Unavailable

CONNECT_S = 5.0
SEND_S = 10.0
KEEP_IDLE_S, KEEP_BETWEEN_S = 10, 5


class TcpStream:
    """One connection. Printers of this kind accept one client at a time: open late, close soon."""

    def __init__(self, host: str, port: int, connect_s: float = CONNECT_S) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=connect_s)
        except OSError:
            raise Unavailable("device.gone", retry_s=2.0) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(SEND_S)
        # A gun is silent for hours: without these, one whose cable was pulled would be ready for ever.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_IDLE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_BETWEEN_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        self._readable = Readable(self._release)

    def read(self, timeout_s: float | None) -> bytes:
        return self._readable.read(self._socket.fileno(), timeout_s)

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            raise Unavailable("device.gone") from None

    def close(self) -> None:
        self._readable.close()

    def _release(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
