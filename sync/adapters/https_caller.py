"""Calls to the hub over HTTPS with a client certificate: bounded answers, and sockets that another thread can cut."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError

from sync.adapters.carrier import CONNECT_S_MAX, why_of
from sync.kernel.outcome import PeerFault, Unavailable

MEDIA_TYPE = "application/vnd.way1"
ROOT = "/api/v1/sync"
ANSWER_S_MAX = 10.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
PIECE_BYTES = 64 * 1024


class HttpRefused(Exception):
    """The hub answered no. `status` is HTTP's, `code` the problem document's."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class Caller:
    """One thread's HTTP session to the hub, whose open sockets another thread can cut."""

    def __init__(self, base_url: str, tls: ssl.SSLContext, ca: Path) -> None:
        self._base = base_url.rstrip("/") + ROOT
        self._lines: set[socket.socket] = set()
        self._cut = False
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca)
        self._session.mount("https://", _Adapter(tls, self._note))

    def _note(self, line: socket.socket) -> None:
        self._lines = {each for each in self._lines if each.fileno() >= 0} | {line}
        if self._cut:
            _shut(line)

    def cut(self) -> None:
        """End what is under way, from another thread; later calls fail at once."""
        self._cut = True
        for line in tuple(self._lines):
            _shut(line)

    def call(self, method: str, path: str, body: bytes | None = None, *, wait_s: float = ANSWER_S_MAX) -> bytes:
        """The answer's body, `b""` for 204. Raises HttpRefused or requests.RequestException."""
        return b"".join(self.stream(method, path, body, wait_s=wait_s))

    def stream(
        self, method: str, path: str, body: bytes | None = None, *, wait_s: float = ANSWER_S_MAX
    ) -> Iterator[bytes]:
        """The answer's body piece by piece, each as soon as it is here."""
        if self._cut:
            raise requests.ConnectionError("cut")
        headers = {"Accept": f"{MEDIA_TYPE}, application/problem+json"}
        if body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        with self._session.request(
            method,
            self._base + path,
            data=body,
            headers=headers,
            timeout=(CONNECT_S_MAX, wait_s),
            stream=True,
            allow_redirects=False,
        ) as answer:
            refused = bytearray()
            total = 0
            while piece := _read(answer):
                total += len(piece)
                if total > ANSWER_BYTES_MAX:
                    raise PeerFault("answer.too-long")
                if answer.status_code >= 300:
                    refused += piece
                else:
                    yield piece
            if answer.status_code >= 300:
                raise HttpRefused(answer.status_code, _problem_code(bytes(refused)))

    def close(self) -> None:
        self._session.close()


def _read(answer: requests.Response) -> bytes:
    """What has come, at least a byte; nothing at the end."""
    try:
        piece: bytes = answer.raw.read1(PIECE_BYTES, decode_content=True)
    except HTTPError as fault:
        raise requests.ConnectionError(fault) from fault
    return piece


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _problem_code(raw: bytes) -> str:
    try:
        code = json.loads(raw).get("code", "")
    except (ValueError, AttributeError, RecursionError):
        code = ""
    return code if type(code) is str else ""


class _Adapter(HTTPAdapter):
    """Our TLS context, and a look at each socket as it opens."""

    def __init__(self, tls: ssl.SSLContext, note: Any) -> None:
        self._tls = tls
        self._note = note
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        note = self._note

        class Connection(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                if self.sock is not None:
                    note(self.sock)

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = {"https": Pool}
        self.poolmanager = manager


FAULTS = (HttpRefused, requests.RequestException, OSError, ValueError)
"""What a call may end in; `told` says what it means."""


def told(fault: Exception) -> Exception:
    """What a failed call is to the box: the line's fault, or the hub's word about the question."""
    if not isinstance(fault, HttpRefused):
        return Unavailable(f"line.{why_of(fault)}", 2.0)
    if fault.status >= 500:
        return Unavailable("line.refused", 5.0)
    return PeerFault(fault.code or "http-refused")
