"""The hub's store with the two things that every service asks beside it: what day it is, and "is it digested yet?"."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.fleet.facts import noted

SETTLE_S_MAX = 5.0


class Desk:
    """Handed to services. `settle` returns when what this hub wrote before the call shows in its tables."""

    def __init__(self, store: HubStore, zone: str, settle: Callable[[], None]) -> None:
        self.store = store
        self.zone = ZoneInfo(zone)
        self.settle = settle

    def now_ms(self) -> int:
        return self.store.clock.wall_ms()

    def local(self, at_ms: int) -> datetime:
        """An instant in the site's zone."""
        return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(self.zone)

    def today(self) -> date:
        """The civil date at the site."""
        return self.local(self.now_ms()).date()

    def midnight_ms(self, on: date) -> int:
        """The instant at which a civil date begins at the site."""
        return round(datetime(on.year, on.month, on.day, tzinfo=self.zone).timestamp() * 1000)

    def new_key(self, n: int = 8) -> str:
        """A name nobody can guess, as hex."""
        return self.store.entropy.bytes(n).hex()

    @contextmanager
    def write(self, actor: str | None) -> Iterator[Unit]:
        with self.store.write(actor=actor) as unit:
            yield unit

    def note(
        self,
        unit: Unit,
        what: str,
        *,
        etype: int | None = None,
        key: str | None = None,
        detail: str | None = None,
        ok: bool = True,
    ) -> None:
        """One audit line in the transaction of what it tells of."""
        unit.append(noted(self.store.node, what, etype=etype, key=key, detail=detail, ok=ok))


class Settled:
    """Waits for the digest to pass what is in the log now."""

    def __init__(self, store: HubStore, within_s: float = SETTLE_S_MAX) -> None:
        self._store = store
        self._within_s = within_s
        self._bell = threading.Condition()
        store.listen(self._ring)

    def __call__(self) -> None:
        with self._store.read() as conn:
            end = conn.execute("SELECT max(pos) FROM undigested").fetchone()[0]
        if end is None:
            return
        deadline = self._store.clock.mono_s() + self._within_s
        while not self._passed(end) and self._store.clock.mono_s() < deadline:
            with self._bell:
                self._bell.wait(0.05)

    def _ring(self, _changes: object) -> None:
        with self._bell:
            self._bell.notify_all()

    def _passed(self, pos: int) -> bool:
        with self._store.read() as conn:
            return conn.execute("SELECT 1 FROM undigested WHERE pos <= ? LIMIT 1", (pos,)).fetchone() is None
