"""Plays a recording of a vendor's service back over the line its mapping names: the same states in the same order."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hardware.codecs.service_mapping import ServiceMapping, ServiceStep, answer_for
from hardware.drivers.recording_file import recorded
from hardware.twins.vendor_service import HOST, POLL_S

SESSION = "s1"


class RecordedService:
    """Answers each request, or tells over a socket after `start`, what was heard then; its last word stays its last."""

    def __init__(self, mapping: ServiceMapping, recording: Path) -> None:
        self._answers: deque[bytes] = deque()
        for entry in recorded(recording):
            if "heard" in entry:
                self._answers.append(answer_for(mapping, ServiceStep(entry["heard"], SESSION, passed=entry["passed"])))
            elif "fault" in entry:
                self._answers.append(b"masked")
        self._mapping = mapping
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Returns the address to ask."""
        http = self._mapping.line == "http"
        if http:
            self._server = ThreadingHTTPServer((HOST, 0), self._handler())
            self._server.daemon_threads = True
            url = f"http://{HOST}:{self._server.server_port}"
        else:
            from websockets.sync.server import serve

            self._server = serve(self._talk, HOST, 0, close_timeout=1.0)
            url = f"ws://{HOST}:{self._server.socket.getsockname()[1]}"
        serving = partial(self._server.serve_forever, POLL_S) if http else self._server.serve_forever
        self._thread = threading.Thread(target=serving, name="recorded-service", daemon=True)
        self._thread.start()
        return url

    def close(self) -> None:
        self._server.shutdown()
        if self._mapping.line == "http":
            self._server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=10.0)

    def _next(self) -> bytes:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0] if self._answers else b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Nobody's business."""

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                data = service._next()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _answer

        return Handler

    def _talk(self, socket: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            socket.recv()
            while self._answers:
                socket.send(self._answers.popleft().decode())
            socket.recv()
        except ConnectionClosed:
            return
