"""Callers who connect to the machines' door and say nothing hold nobody up."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.web.serve import Serving, client_context
from provisioning.trust.site import SiteTrust, make_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.kernel.suite import suite1

WITHIN_S = 20.0


def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Says who the certificate names."""
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(environ.get("SSL_CLIENT_S_DN_CN")).encode()]


@dataclass
class Door:
    port: int
    site: SiteTrust

    def ask(self, context: ssl.SSLContext) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            heard = b""
            while more := line.recv(4096):
                heard += more
            return heard

    @property
    def ours(self) -> ssl.SSLContext:
        keys = self.site.keys
        return client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    site = make_site(tmp_path / "keys", site="s", now_ms=SystemClock().wall_ms(), entropy=SystemEntropy(), suite=suite1)
    serving = Serving(app, "127.0.0.1", 0, threads=32, name="door")
    serving.demand_certificates(site.server_certificate_path, site.server_key_path, site.keys.ca_path)
    serving.start()
    yield Door(serving.port, site)
    serving.stop()


def test_twenty_silent_callers_hold_nobody_up(door: Door) -> None:
    with contextlib.ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(socket.create_connection(("127.0.0.1", door.port)))
        began = time.monotonic()
        for _ in range(3):
            assert door.site.worker.encode() in door.ask(door.ours)
        assert time.monotonic() - began < WITHIN_S


def test_noise_and_strangers_are_shown_out(door: Door) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 64, b"\0" * 1000):
        with socket.create_connection(("127.0.0.1", door.port), timeout=WITHIN_S) as plain:
            plain.sendall(noise)
            with contextlib.suppress(ConnectionError):
                assert b"200 OK" not in plain.recv(4096)
    without = ssl.create_default_context(cafile=str(door.site.keys.ca_path))
    assert b"401 Unauthorized" in door.ask(without)
    assert b"200 OK" in door.ask(door.ours), "the door still opens for our own"
