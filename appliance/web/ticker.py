"""Tells the pages that the line or the books have changed; they ask for the words themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.port import KitPort
from kiosk_ui.kit.screens.line import line_view
from sync.adapters import bugs

EVERY_S = 0.5
PUBLISH_GAP_S = 1.0


class Ticker:
    """Looks twice a second, publishes `line` and `ledger` at most once a second, and only what differs."""

    def __init__(self, port: KitPort, events: EventHub, mono_s: Callable[[], float]) -> None:
        self._port = port
        self._events = events
        self._mono_s = mono_s
        self._stop = threading.Event()
        self._shown: tuple[object, ...] = ()
        self._published_at = -PUBLISH_GAP_S
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=3)

    def look(self) -> bool:
        """One look; whether the pages were told."""
        facts, ledger = self._port.line(), self._port.ledger()
        view = line_view(facts)
        age_min = None if facts.last_ack_age_s is None or not view.grey else int(facts.last_ack_age_s // 60)
        numbers = tuple(sorted(view.numbers.items()))
        shown = (view.state, numbers, ledger.produced, ledger.received, ledger.waiting, age_min)
        now_s = self._mono_s()
        if shown == self._shown or now_s - self._published_at < PUBLISH_GAP_S:
            return False
        books_before, self._shown, self._published_at = self._shown[2:5], shown, now_s
        self._events.publish("line", {"state": view.state})
        if shown[2:5] != books_before:
            books = {"produced": ledger.produced, "received": ledger.received, "waiting": ledger.waiting}
            self._events.publish("ledger", books)
        return True

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            bugs.survive("ticker", self.look)
