"""A camera as a network stream of JPEGs: a stand-in, because a kernel without V4L2 shows no other.

Source: RFC 2046, 5.1 (multipart); cameras call it motion JPEG.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from hardware.twins.tcp_server import OneClientServer

BOUNDARY = b"frame"


class StreamCameraTwin:
    """`picture(n)` is the n-th frame, a JPEG. `freeze` stops the pictures and keeps the line, `close` cuts it."""

    def __init__(self, picture: Callable[[int], bytes], every_s: float = 0.05) -> None:
        self._picture = picture
        self._every_s = every_s
        self._awake = threading.Event()
        self._awake.set()
        self._over = threading.Event()
        self._server = OneClientServer(self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/stream.mjpg"

    def start(self) -> None:
        self._server.start()

    def freeze(self) -> None:
        self._awake.clear()

    def close(self) -> None:
        self._over.set()
        self._awake.set()
        self._server.close()

    def _serve(self, client: socket.socket) -> None:
        client.recv(65536)
        with contextlib.suppress(OSError):
            head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" + BOUNDARY + b"\r\n\r\n"
            client.sendall(head)
            n = 0
            while not self._over.wait(self._every_s):
                self._awake.wait()
                made = self._picture(n)
                told = f"--{BOUNDARY.decode()}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(made)}\r\n\r\n"
                client.sendall(told.encode("ascii") + made + b"\r\n")
                n += 1
