"""Serving the landing page: one address, its event streams and the watcher behind it."""

from __future__ import annotations

import threading

from cheroot.wsgi import Server

from kiosk_ui.kit.events import EventHub
from provisioning.demo.landing.app import make_landing
from provisioning.demo.landing.watcher import Watcher
from provisioning.demo.stage import Stage
from sync.adapters.clock import SystemClock

HOST = "127.0.0.1"
THREADS = 32
"""Each open page holds one for its stream."""


class Landing:
    """A landing page that is being served. `url` is where."""

    def __init__(self, stage: Stage, port: int) -> None:
        clock = SystemClock()
        self._events = EventHub(clock=clock)
        self._watcher = Watcher(stage, self._events, clock)
        self._server = _bound(make_landing(stage, self._watcher, self._events), port)
        self._thread = threading.Thread(target=self._server.serve, name="landing", daemon=True)
        self.url = f"http://{HOST}:{self._server.bind_addr[1]}/"
        self._watcher.look()
        self._watcher.start()
        self._thread.start()

    def close(self) -> None:
        """Within seconds, whatever pages are open."""
        self._watcher.close()
        self._events.close()
        self._server.stop()
        self._thread.join(5)


def serve(stage: Stage, port: int = 0) -> Landing:
    """Serve the page on the wished port; on one of the system's choice when that is taken, or for 0."""
    return Landing(stage, port)


def _bound(app: object, port: int) -> Server:
    for wish in dict.fromkeys((port, 0)):
        server = Server((HOST, wish), app, numthreads=THREADS, request_queue_size=64, shutdown_timeout=1)
        try:
            server.prepare()
        except OSError:
            if wish == 0:
                raise
        else:
            return server
    raise AssertionError("unreachable: 0 either binds or raises")
