"""The thread that makes snapshots of scopes that deserve one, and lets old feed entries go.

Source: protocol way/1, sections 6.5 and 7.1.
"""

from __future__ import annotations

import threading
from functools import partial

from hub.link.voice import Voice
from sync.adapters import bugs
from sync.adapters.sqlite_log import hub_inbound, hub_snapshots
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.sqlite_log.hub_store import HubStore

LOOK_EVERY_S = 60.0
FORGET_EVERY_LOOKS = 60
STOP_S_MAX = 10.0
TRIES = 3
"""How often a snapshot is made again that a late fact overtook; the next look finds the scope as due as now."""


class Publisher:
    """One a hub process. `look` may also be called by hand, from any thread but one at a time."""

    def __init__(self, store: HubStore, voice: Voice, worth: Worth) -> None:
        self._store = store
        self._voice = voice
        self._worth = worth
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)

    def look(self, *, forget: bool = False) -> list[str]:
        """Publish what is due; returns the labels."""
        published = []
        for label in sorted(hub_inbound.feed_labels(self._store)):
            if self._stop.is_set():
                break
            if forget:
                hub_snapshots.forget_old(self._store, label, self._store.clock.wall_ms())
            with self._store.read() as conn:
                due = hub_snapshots.is_due(conn, self._store.epoch, label, self._worth)
            if due and self.publish(label):
                published.append(label)
        return published

    def publish(self, label: str) -> bool:
        """Make a snapshot of a scope now. False: there is nothing to make one of, or late facts overtook it."""
        for _ in range(TRIES):
            made = hub_snapshots.make(self._store, label, self._voice.segment, self._voice.hub_time())
            if made is None:
                return False
            signed = self._voice.manifest(made.manifest)
            if hub_snapshots.publish(self._store, made, signed, self._store.clock.wall_ms()):
                return True
        return False

    def _run(self) -> None:
        looks = 0
        while not self._stop.is_set():
            bugs.survive("publisher", partial(self.look, forget=looks % FORGET_EVERY_LOOKS == 0))
            looks += 1
            self._stop.wait(LOOK_EVERY_S)
