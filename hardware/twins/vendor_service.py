"""A vendor's local service for a signature pad and a face terminal, over HTTP and over a WebSocket. A stand-in.

Whoever plays the person calls `sign`, `look` or `walk_away`. Faults are those of such services: silence, slowness, no
JSON, an unknown state, an answer too large, a redirect away from this machine, an error.
"""

from __future__ import annotations

import base64
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["", "silence", "garbage", "unknown-state", "huge", "redirect", "error-status", "error"]
HOST = "127.0.0.1"
POLL_S = 0.02
"""How long `close` may go unheard."""


class VendorServiceTwin:
    """`asked` holds (what, action) of every call, and nothing that a person gave."""

    def __init__(self, http_port: int = 0, socket_port: int = 0) -> None:
        self._changed = threading.Condition()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._closed = threading.Event()
        self.fault: Fault = ""
        self.asked: list[tuple[str, str]] = []
        self._http = ThreadingHTTPServer((HOST, http_port), self._handler())
        self._http.daemon_threads = True
        self._socket_port = socket_port
        self._socket: Any = None
        self._threads: list[threading.Thread] = []

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self._http.server_port}"

    @property
    def socket_url(self) -> str:
        return f"ws://{HOST}:{self._socket_port}"

    def start(self) -> None:
        from websockets.sync.server import serve

        self._socket = serve(self._talk, HOST, self._socket_port, close_timeout=1.0)
        self._socket_port = self._socket.socket.getsockname()[1]
        for serving in (partial(self._http.serve_forever, POLL_S), self._socket.serve_forever):
            thread = threading.Thread(target=serving, name="vendor-twin", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        if self._socket is not None:
            self._socket.shutdown()
        for thread in self._threads:
            thread.join(timeout=10.0)

    def wait_session(self, timeout_s: float = 30.0) -> str:
        """The session that waits for a person. TimeoutError when none does."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._open() is not None, timeout_s):
                raise TimeoutError
            found = self._open()
            assert found is not None
            return found

    def wait_asked(self, what: str, action: str, timeout_s: float = 30.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: (what, action) in self.asked, timeout_s)

    def sign(self, image: bytes) -> None:
        """The person signs; the picture goes out once and is forgotten."""
        self._finish({"state": "finished", "event": "result", "image": base64.b64encode(image).decode()})

    def look(self, match: bool) -> None:
        """The person looks up. Pictures and features go out as well, as real terminals send them unasked."""
        face = base64.b64encode(b"\xff\xd8 a face").decode()
        self._finish({"state": "finished", "event": "result", "match": match, "face": face, "features": [0.1] * 128})

    def walk_away(self) -> None:
        """The person presses cancel at the device."""
        self._finish({"state": "cancelled", "event": "cancelled"})

    def _open(self) -> str | None:
        return next((name for name, told in self._sessions.items() if told["state"] in ("ready", "signing")), None)

    def _finish(self, result: dict[str, Any]) -> None:
        with self._changed:
            name = self._open()
            assert name is not None, "nobody asked for a person"
            self._sessions[name] |= result
            self._changed.notify_all()

    def _act(self, what: str, action: str, name: str) -> dict[str, Any]:
        with self._changed:
            self.asked.append((what, action))
            if action == "start":
                name = f"s{len(self._sessions) + 1}"
                self._sessions[name] = {"session": name, "state": "ready", "event": "accepted"}
            elif action == "cancel" and name in self._sessions:
                self._sessions[name] |= {"state": "cancelled", "event": "cancelled"}
            self._changed.notify_all()
            told = dict(self._sessions.get(name, {"session": name, "state": "error", "event": "error"}))
            if self.fault == "unknown-state":
                told |= {"state": "dancing", "event": "dancing"}
            elif self.fault == "error":
                told |= {"state": "error", "event": "error"}
            return told

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        twin = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """What a service is told is nobody's business."""

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                _, _, _, what, action, *rest = [*self.path.split("/"), "", ""]
                told = twin._act(what, action, rest[0] or str(body.get("session", "")))
                if twin.fault == "silence":
                    twin._closed.wait(30.0)
                    return
                status, data = 200, json.dumps({"code": 0, "data": told}).encode()
                if twin.fault == "garbage":
                    data = b"<html>busy</html>"
                elif twin.fault == "huge":
                    data = b'"' + b"x" * (5 * 1024 * 1024) + b'"'
                elif twin.fault == "error-status":
                    status = 500
                elif twin.fault == "redirect":
                    status = 302
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://192.0.2.1/away")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = _answer

        return Handler

    def _talk(self, socket: Any) -> None:
        """Says every change of the session that was started over this socket."""
        from websockets.exceptions import ConnectionClosed

        name, shown = "", None
        try:
            while not self._closed.is_set():
                try:
                    heard = json.loads(socket.recv(timeout=0.05))
                    told = self._act(str(heard.get("what", "face")), heard["cmd"], str(heard.get("id", "")))
                    name = name or told["session"]
                except TimeoutError:
                    with self._changed:
                        told = dict(self._sessions.get(name, {}))
                if self.fault == "silence" or not told:
                    continue
                if told != shown:
                    shown = told
                    match self.fault:
                        case "garbage":
                            socket.send("<busy>")
                        case "huge":
                            socket.send("x" * (5 * 1024 * 1024))
                        case _:
                            socket.send(json.dumps({"id": name, **told}))
        except ConnectionClosed:
            return
