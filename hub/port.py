"""What every page of the hub asks: who is signed in, how the machines stand."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hub.backup.keeping import Keeping
from hub.features.fleet.safety import Safety
from hub.features.fleet.service import Overview
from hub.link.own_key import OwnKey
from hub.link.refill import Refill
from hub.web.frame import Strip
from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts
from sync.adapters.clock import Clock
from sync.adapters.sqlite_log.hub_store import HubStore

OVERVIEW_S = 1.0


def safety(store: HubStore, backups: Keeping, refill: Refill, own_key: OwnKey) -> Safety:
    """How safe what the centre holds is, now."""
    seen, key = backups.seen, own_key.to_come
    return Safety(
        epoch=store.epoch,
        place=seen.place,
        newest_ms=seen.newest_ms,
        counting=seen.counting,
        fault=seen.fault is not None,
        missed=backups.nightly_fault is not None,
        same_disk=seen.same_disk,
        own_lag=backups.lag(),
        now_ms=store.clock.wall_ms(),
        waits_for=len(refill.waits_for()) if refill.keeps_back() else None,
        key_from_ms=None if key is None else key.from_ms,
        key_missing=key is not None and not key.here,
    )


class Port:
    """What every page asks, from memory for a second."""

    def __init__(self, clock: Clock, who: Callable[[str], Principal | None], fleet: Callable[[], Overview]) -> None:
        self._clock = clock
        self._who = who
        self._fleet = fleet
        self._lock = threading.Lock()
        self._held: tuple[float, Overview] | None = None

    def principal(self, token: str) -> Principal | None:
        return self._who(token)

    def line(self) -> LineFacts:
        return LineFacts(connected=True, last_ack_age_s=0.0)

    def ledger(self) -> LedgerView:
        return self.overview().total.view()

    def overview(self) -> Overview:
        now = self._clock.mono_s()
        with self._lock:
            if self._held is None or now - self._held[0] > OVERVIEW_S:
                self._held = (now, self._fleet())
            return self._held[1]

    def strip(self) -> Strip:
        overview = self.overview()
        counts = overview.counts
        return Strip(
            machines=len(overview.machines) - counts.get("revoked", 0),
            online=counts.get("online", 0),
            silent=counts.get("silent", 0) + counts.get("late", 0),
            never=counts.get("never", 0),
            trouble=counts.get("frozen", 0),
            at_ms=self._clock.wall_ms(),
        )
