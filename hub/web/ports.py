"""Ports that the machine chose once stay the hub's: machines and bookmarks find it again after a restart."""

from __future__ import annotations

import json
import secrets
import socket
from pathlib import Path
from typing import Any

from sync.adapters.keys import write_whole
from sync.kernel.outcome import Unavailable

LOWEST_PORT = 15_000
TRIES = 200
CALLERS = "/proc/sys/net/ipv4/ip_local_port_range"


class Ports:
    """The file in which they are kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            held: Any = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            held = {}
        self._held = {name: port for name, port in held.items() if isinstance(port, int)}

    def get(self, name: str) -> int:
        return self._held.get(name, 0)

    def free(self, name: str) -> int:
        """The port of the last start if nobody took it meanwhile; 0 lets the system choose."""
        port = self.get(name)
        if port:
            try:
                with socket.create_server(("127.0.0.1", port)):
                    return port
            except OSError:
                return 0
        return 0

    def keep(self, **ports: int) -> None:
        self._held |= ports
        write_whole(self._path, json.dumps(self._held).encode())


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, below those the system hands out to callers.

    One of theirs could be taken by any outgoing connection before it is bound, and again whenever the hub is down.
    """
    low, high = LOWEST_PORT, _callers_from()
    for _ in range(TRIES):
        port = low + secrets.randbelow(high - low)
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))  # without SO_REUSEADDR: also one that is only kept for later is taken
                return port
        except OSError:
            continue
    raise Unavailable("port.none")


def _callers_from() -> int:
    """The lowest port the kernel gives to outgoing connections."""
    try:
        return max(LOWEST_PORT + 1000, int(Path(CALLERS).read_text("ascii").split()[0]))
    except (OSError, ValueError):
        return 32768


def bind_host(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
