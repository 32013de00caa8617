"""The hub's epoch: kept in step with the file that remembers it when the database is put back.

A database older than the file was restored, so the epoch is raised before anyone is answered: appliances then forget
what was acknowledged and send again what this hub lost. Source: protocol way/1, sections 5.1 and 5.2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from hub.link.monotone import Monotone, MonotoneFile
from hub.link.refill import begin as begin_refill
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel.limits import EPOCH_MAX
from sync.kernel.outcome import Unavailable


class EpochKeeper:
    """Keeps file and database in step. One process uses it."""

    def __init__(self, store: HubStore, path: Path, trust: Callable[[], int] = lambda: 0) -> None:
        """`trust`: the version of the hub's trust bundle."""
        self._store = store
        self._file = MonotoneFile(path, store.point)
        self._trust = trust
        self.rose: Callable[[Monotone], None] = lambda told: None
        """Hears what must not be lost with this machine, before anybody acts on it."""
        self._lock = threading.Lock()

    def settle(self, stated: int | None = None) -> None:
        """Before the first answer: create the file of a new hub, or raise the epoch of a database that was put back.

        `stated`: an operator's epoch, above any ever seen. Without it a hub in service whose file is gone or not whole
        does not start: Unavailable `hub.epoch-file`. One that is not above what is known here: `hub.epoch-low`.
        """
        with self._lock:
            held = self._held(stated)
            tick = self._store.meta_int("tick")
            if held is None:
                if tick and stated is None:
                    raise Unavailable("hub.epoch-file", 3600.0)
                if stated is not None and tick and stated <= self._store.epoch:
                    raise Unavailable("hub.epoch-low", 3600.0)
                epoch = max(self._store.epoch, stated or 0)
                self._file.replace_broken(Monotone(epoch, max(tick, 1), self._trust()))
                self._adopt(epoch, max(tick, 1))
            elif held.tick > tick or held.epoch > self._store.epoch:
                self._raise(max(held.epoch, self._store.epoch) + 1, held.tick)
            elif stated is not None and stated > self._store.epoch:
                self._raise(stated, tick)

    def _held(self, stated: int | None) -> Monotone | None:
        try:
            return self._file.read()
        except Unavailable:
            if stated is None:
                raise
            return None

    def above(self, epoch: int) -> None:
        """Somebody holds proof of an epoch or of facts that this hub forgot: go on one above both."""
        with self._lock:
            held = self._file.read() or Monotone()
            self._raise(max(epoch, self._store.epoch, held.epoch) + 1, max(held.tick, 1))

    def tick(self) -> None:
        """Every 60 s, database first: a database that was put back is then behind the file."""
        with self._lock:
            tick = self._store.meta_int("tick") + 1
            with self._store.write(step="epoch.tick") as unit:
                set_meta(unit.conn, "tick", tick)
            self._file.rise(Monotone(self._store.epoch, tick, self._trust()))

    def mark(self, resource: str) -> int:
        """The highest number of a resource that was ever given away or reserved."""
        held = self._file.read()
        return 0 if held is None else held.marks.get(resource, 0)

    def reserve(self, resource: str, upto: int) -> None:
        """Numbers up to this may be given away from now on; no restore will bring them back."""
        self.rose(self._file.rise(Monotone(marks={resource: upto})))

    def rely_on(self, began_ms: int) -> None:
        """What appliances may prune relies on a backup that began at this instant; none older may be put back."""
        self._file.rise(Monotone(relied_ms=began_ms))

    def _raise(self, epoch: int, tick: int) -> None:
        assert epoch <= EPOCH_MAX
        self.rose(self._file.rise(Monotone(epoch, tick, self._trust())))
        self._adopt(epoch, tick)

    def _adopt(self, epoch: int, tick: int) -> None:
        with self._store.write(step="epoch.raise") as unit:
            set_meta(unit.conn, "hub_epoch", epoch)
            set_meta(unit.conn, "tick", tick)
            if epoch > self._store.epoch:
                begin_refill(unit.conn, epoch)
        self._store.epoch = epoch
