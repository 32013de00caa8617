"""The line switches over HTTP, for the demo's landing page and for acceptance: `GET /lines`, `POST /lines/<name>`.

Loopback only, no cookies, JSON in and out; errors are problem documents (RFC 9457).
"""

from __future__ import annotations

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from provisioning.demo.relay import MODES, LineView, Relay

_BODY_BYTES_MAX = 1024


class _Problem(Exception):
    def __init__(self, status: int, code: str, **fields: object) -> None:
        super().__init__(code)
        self.status = status
        self.document = {"type": "about:blank", "status": status, "code": code, **fields}


class RelayControl:
    """A small HTTP server of its own; `start` gives it a port, `stop` ends it."""

    def __init__(self, relay: Relay, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(relay))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="line-control", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "waystation-lines"
        sys_version = ""
        timeout = 30

        def do_GET(self) -> None:
            self._answer(lambda: self._get())

        def do_POST(self) -> None:
            self._answer(lambda: self._post())

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads this server's log."""

        def _answer(self, work: Any) -> None:
            try:
                self._own_host()
                status, document, kind = 200, work(), "application/json"
            except _Problem as problem:
                status, document, kind = problem.status, problem.document, "application/problem+json"
                self.close_connection = True
            body = json.dumps(document, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def _own_host(self) -> None:
            if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):
                raise _Problem(403, "host")

        def _get(self) -> dict[str, object]:
            if self.path != "/lines":
                raise _Problem(404, "not-found")
            return {"lines": [_document(view) for view in relay.lines()]}

        def _post(self) -> dict[str, object]:
            if not self.path.startswith("/lines/"):
                raise _Problem(404, "not-found")
            mode = self._mode()
            try:
                return _document(relay.set_mode(unquote(self.path.removeprefix("/lines/")), mode))
            except KeyError:
                raise _Problem(404, "line-unknown") from None

        def _mode(self) -> Any:
            if self.headers.get_content_type() != "application/json":
                raise _Problem(415, "json-only")
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()) or int(length) > _BODY_BYTES_MAX:
                raise _Problem(413, "length")
            try:
                body = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                raise _Problem(400, "json") from None
            if not isinstance(body, dict) or set(body) != {"mode"} or body["mode"] not in MODES:
                raise _Problem(400, "mode", modes=list(MODES))
            return body["mode"]

    return Handler


def _document(view: LineView) -> dict[str, object]:
    return {**dataclasses.asdict(view), "modes": list(MODES)}
