"""A listening socket for a device that serves one client at a time, as network printers and serial servers do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

HOST = "127.0.0.1"


class OneClientServer:
    """Serves clients one after the other in a thread of its own. `port` 0 asks the system and then stays the same.

    `start` and `close` may follow each other as power goes on and off.
    """

    def __init__(self, serve: Callable[[socket.socket], None], port: int = 0, host: str = HOST) -> None:
        self._serve = serve
        self._host = host
        self.port = port
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self.port))
        listener.listen(8)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._thread = threading.Thread(target=self._accept, args=(listener,), name=f"twin-{self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is None:
            return
        # shutdown wakes the accept; close alone would leave it waiting
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.hang_up()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=10.0)

    def hang_up(self) -> None:
        """Cut the client off, as a pulled plug does."""
        with self._lock:
            if self._client is not None:
                with contextlib.suppress(OSError):
                    self._client.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._listener is not listener:
                    client.close()
                    return
                self._client = client
            try:
                with contextlib.suppress(OSError):
                    self._serve(client)
            finally:
                with self._lock:
                    self._client = None
                client.close()
