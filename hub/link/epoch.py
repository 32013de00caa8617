"""The hub's epoch, and the small file outside the database that remembers it when the database is put back.

The file only rises. A database older than the file was restored, so the epoch is raised before anyone is answered:
appliances then forget what was acknowledged and send again what this hub lost.
Source: protocol way/1, sections 5.1 and 5.2.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel.outcome import Unavailable

TICK_EVERY_S = 60.0
EPOCH_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Monotone:
    """What must never fall."""

    epoch: int
    tick: int


class EpochKeeper:
    """Keeps file and database in step. One process uses it."""

    def __init__(self, store: HubStore, path: Path) -> None:
        self._store = store
        self._path = path
        self._lock = threading.Lock()

    def settle(self) -> None:
        """Before the first answer: create the file of a new hub, or raise the epoch of a database that was put back.

        Raises Unavailable `hub.epoch-file` when a hub that has taken facts has lost its file: an operator must state
        an epoch above any seen.
        """
        held = self._read()
        tick = self._store.meta_int("tick")
        if held is None:
            if tick:
                raise Unavailable("hub.epoch-file", 3600.0)
            self._write(self._store.epoch, 1)
        elif held.tick > tick or held.epoch > self._store.epoch:
            self._write(max(held.epoch, self._store.epoch) + 1, held.tick)

    def above(self, epoch: int) -> None:
        """Somebody holds proof of an epoch or of facts that this hub forgot: go on one above both."""
        with self._lock:
            held = self._read()
            self._write(max(epoch, self._store.epoch, held.epoch if held else 0) + 1, held.tick if held else 1)

    def tick(self) -> None:
        """Every 60 s, database first: a database that was put back is then behind the file."""
        with self._lock:
            tick = self._store.meta_int("tick") + 1
            with self._store.write(step="epoch.tick") as unit:
                set_meta(unit.conn, "tick", tick)
            self._write_file(Monotone(self._store.epoch, tick))

    def _write(self, epoch: int, tick: int) -> None:
        assert epoch <= EPOCH_MAX
        self._write_file(Monotone(epoch, tick))
        with self._store.write(step="epoch.raise") as unit:
            set_meta(unit.conn, "hub_epoch", epoch)
            set_meta(unit.conn, "tick", tick)
        self._store.epoch = epoch

    def _write_file(self, held: Monotone) -> None:
        self._store.point("epoch.file:before")
        write_whole(self._path, json.dumps(asdict(held)).encode())
        self._store.point("epoch.file:after")

    def _read(self) -> Monotone | None:
        try:
            return Monotone(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as fault:
            raise Unavailable("hub.epoch-file", 3600.0) from fault
