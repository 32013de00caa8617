"""Who tells the hub that a device is not as it was told.

A box greets its hub every quarter of an hour and says how its devices are. What changes in between is worth a greeting
of its own, but not each paper that a printer prints, nor each turn of a plug that somebody wiggles.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sync.protocol.hello import HelloDevice

SETTLE_S = 5.0

Told = tuple[HelloDevice, ...]


class Herald:
    """`greet` is called at most once in `settle_s`, and only where the devices differ from what was told last."""

    def __init__(self, told: Callable[[], Told], greet: Callable[[], None], settle_s: float = SETTLE_S) -> None:
        self._told = told
        self._greet = greet
        self._settle_s = settle_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._last = _matters(told())
        self._closed = False

    def changed(self) -> None:
        """From any thread."""
        with self._lock:
            if self._closed or self._timer is not None:
                return
            self._timer = threading.Timer(self._settle_s, self._due)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        with self._lock:
            self._closed, timer = True, self._timer
        if timer is not None:
            timer.cancel()

    def _due(self) -> None:
        with self._lock:
            self._timer = None  # what changes from here on is due anew
        now = self._told()
        with self._lock:
            before, self._last = self._last, {**self._last, **_matters(now)}
            news = not self._closed and before != self._last
        if news:
            self._greet()


def _matters(told: Told) -> dict[str, tuple[str, str]]:
    """What of it is news: that a printer prints, or that something is being opened, is not."""
    return {
        each.name: ("ready" if each.state == "busy" else each.state, each.reason)
        for each in told
        if each.state != "opening"
    }
