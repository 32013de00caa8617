"""HTTP servers of the hub: its screens, and the machines' door behind client certificates."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from cheroot.wsgi import Server

from hub.web.tls import PatientAdapter, named_only

SCREEN_THREADS = 96
"""Every open page holds one thread for its event stream: 64 streams, and room for requests beside them."""
DOOR_THREADS = 64
"""A machine that waits for news holds one thread, up to 25 s at a time."""
STOP_S = 1


class Serving:
    """One server in its own thread. `port` is known after `start`."""

    def __init__(self, app: Callable[..., Any], host: str, port: int, *, threads: int, name: str) -> None:
        self._server = Server((host, port), app, numthreads=threads, request_queue_size=64, shutdown_timeout=STOP_S)
        self._server.max_request_header_size = 64 * 1024
        self._name = name
        self._thread: threading.Thread | None = None

    def demand_certificates(
        self, certificate: Path, key: Path, authority: Path, *, but_for: Collection[str] = ()
    ) -> None:
        """TLS 1.2 or newer. Who shows a certificate that is not this site's, or is over, is not heard.

        Who shows none is told 401, whatever the app says, except at the paths `but_for`.
        """
        self._server.ssl_adapter = PatientAdapter(str(certificate), str(key), str(authority))
        self._server.wsgi_app = named_only(self._server.wsgi_app, but_for)

    def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name=self._name, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.bind_addr[1])

    def stop(self) -> None:
        if self._thread is not None:
            self._server.stop()
            self._thread.join(STOP_S + 1)


def client_context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """How the hub itself calls its broker."""
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(certificate), str(key))
    return context
