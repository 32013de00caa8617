"""TLS that greets each caller in that caller's own thread.

cheroot's adapter shakes hands in the thread that accepts: one caller who connects and says nothing would keep every
other one waiting for ten seconds, and a line that comes back leaves dozens of them. Here the accepting thread only
wraps; the first read, in a worker, does the greeting.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter


class GreetsLater(ssl.SSLSocket):
    """A server's socket whose first read shakes hands. Raises FatalSSLAlert for a caller that cannot or does not."""

    greeted = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if not self.greeted:
            try:
                self.do_handshake()
            except OSError as fault:
                raise FatalSSLAlert(*fault.args) from fault
            self.greeted = True
        return super().recv_into(*args, **kwargs)


class _Environ(Mapping[str, Any]):
    """What a request is told of its connection; asked for after the greeting, made once."""

    def __init__(self, adapter: PatientAdapter, line: ssl.SSLSocket) -> None:
        self._adapter = adapter
        self._line = line
        self._made: dict[str, Any] | None = None

    def _values(self) -> dict[str, Any]:
        if self._made is None:
            self._made = dict(self._adapter.get_environ(self._line))
        return self._made

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __bool__(self) -> bool:
        return True


class PatientAdapter(BuiltinSSLAdapter):
    """The adapter of the machines' door: TLS 1.2 or newer, and a certificate of this site's own authority, or none.

    Who shows another one, or one that is over, is not heard. What becomes of who shows none is `named_only`'s.
    """

    def __init__(self, certificate: str, key: str, authority: str) -> None:
        super().__init__(certificate, key, authority)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.context.sslsocket_class = GreetsLater

    def wrap(self, sock: Any) -> tuple[ssl.SSLSocket, Mapping[str, Any]]:
        """Never waits for the caller."""
        line = self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True)
        return line, _Environ(self, line)


def named_only(app: Callable[..., Any], but_for: Collection[str]) -> Callable[..., Any]:
    """The app for callers whose certificate names them; others reach the paths alone by which they get one."""

    def asked(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ.get("SSL_CLIENT_S_DN_CN") or environ.get("PATH_INFO") in but_for:
            return app(environ, start)
        body = b'{"type":"about:blank","status":401,"code":"certificate-missing"}'
        start("401 Unauthorized", [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))])
        return [body]

    return asked
