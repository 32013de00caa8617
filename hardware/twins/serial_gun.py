"""A gun on a serial server: whoever opens `socket://127.0.0.1:<port>` hears what it scans."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from hardware.twins.tcp_server import OneClientServer


class SerialGunTwin:
    """`sent` holds every scan that left, in order, with the monotonic time of its last byte."""

    def __init__(self, port: int = 0, suffix: bytes = b"\r", encoding: str = "utf-8") -> None:
        self._server = OneClientServer(self._serve, port)
        self._suffix = suffix
        self._encoding = encoding
        self._changed = threading.Condition()
        self._client: socket.socket | None = None
        self.sent: list[tuple[bytes, float]] = []

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    unplug = close
    plug = start

    def wait_connected(self, timeout_s: float = 30.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._client is not None, timeout_s)

    def scan(self, text: str, suffix: bytes | None = None) -> float:
        """Read a code. Answers the monotonic time at which its last byte left. ConnectionError when nobody listens."""
        return self.send(text.encode(self._encoding) + (self._suffix if suffix is None else suffix))

    def send(self, raw: bytes) -> float:
        """Any bytes, as a gun with wrong settings or a bad cable sends them."""
        with self._changed:
            if self._client is None:
                raise ConnectionError("nobody has opened this gun's port")
            self._client.sendall(raw)
            at_s = time.monotonic()
            self.sent.append((raw, at_s))
            return at_s

    def _serve(self, client: socket.socket) -> None:
        with self._changed:
            self._client = client
            self._changed.notify_all()
        try:
            # A gun takes commands that this one does not know; reading them also tells when the other side is gone.
            with contextlib.suppress(OSError):
                while client.recv(4096):
                    pass
        finally:
            with self._changed:
                self._client = None
