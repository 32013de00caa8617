"""Guns on the network that call us: one listening port a gun."""

from __future__ import annotations

import contextlib
import socket
import threading

from hardware.transports.readable import Readable
from hardware.transports.tcp import KEEP_BETWEEN_S, KEEP_IDLE_S
from sync.kernel.outcome import Unavailable


class Listening:
    """The port. It stays open between two calls, so that a gun that dials again is not turned away."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, once `open` was called."""
        return self._port

    def open(self) -> ListenStream:
        """Unavailable `device.port-taken` when another program listens there."""
        with self._lock:
            if self._socket is None:
                listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    listener.bind((self._host, self._port))
                    listener.listen(8)
                except OSError:
                    listener.close()
                    raise Unavailable("device.port-taken", retry_s=5.0) from None
                self._port = listener.getsockname()[1]
                listener.setblocking(False)
                self._socket = listener
            return ListenStream(self._socket)

    def close(self) -> None:
        with self._lock:
            held, self._socket = self._socket, None
        if held is not None:
            held.close()


class ListenStream:
    """One caller at a time; a new caller takes the place of the old.

    A gun that lost its radio dials again, and the kernel may take minutes to see that the first call is dead.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._caller: socket.socket | None = None
        self._readable = Readable(self._release)

    def await_caller(self) -> None:
        """Blocks until somebody has called. Unavailable `device.closed`."""
        while self._caller is None:
            self._readable.wait([self._listener.fileno()], None)
            self._accept()

    def read(self, timeout_s: float | None) -> bytes:
        caller = self._caller
        if caller is None:
            raise Unavailable("device.waiting")
        ready = self._readable.wait([caller.fileno(), self._listener.fileno()], timeout_s)
        if caller.fileno() in ready:
            return self._readable.read(caller.fileno(), 0)
        if ready:
            # Its call is taken at the next opening: half a scan of the old call must not meet its first bytes.
            raise Unavailable("device.called-again")
        return b""

    def write(self, data: bytes) -> None:
        raise Unavailable("device.read-only")

    def close(self) -> None:
        self._readable.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            caller, _ = self._listener.accept()
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_IDLE_S)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_BETWEEN_S)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            self._caller = caller

    def _release(self) -> None:
        if self._caller is not None:
            self._caller.close()
