"""The HTTP server of this box's screen. One open event stream holds one thread, so there are many."""

from __future__ import annotations

import threading
from typing import Any

from cheroot.wsgi import Server

THREADS = 40
HEADER_BYTES_MAX = 64 * 1024


class Screen:
    """Serves an app on one address; `port` is known after `start`."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._server = Server((host, port), app, numthreads=THREADS, request_queue_size=64, timeout=20)
        self._server.shutdown_timeout = 1
        self._server.max_request_header_size = HEADER_BYTES_MAX
        self._thread = threading.Thread(target=self._server.serve, name="screen", daemon=True)

    def start(self) -> int:
        """Binds and serves; returns the port."""
        self._server.prepare()
        self._thread.start()
        return int(self._server.bind_addr[1])

    def close(self) -> None:
        self._server.stop()
        self._thread.join(timeout=3)
