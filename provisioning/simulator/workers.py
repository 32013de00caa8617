"""Further workers of one hub: each takes what the broker gives it, over the same tables, and one of all digests.

The tables lie in SQLite here as everywhere in the simulator, so their transactions follow each other; two that overlap
are the store's contract with PostgreSQL (tests/adapters/store). What is shown here is what a worker keeps in memory
while others write, die in their commits and take over its turn.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from hub.backup.watch import BackupWatch, relies_on_noted
from hub.link.door import Door
from hub.link.greeting import for_the_first
from hub.link.key_desk import KeyDesk
from hub.link.lease_office import LeaseOffice
from hub.link.refill import is_refilling
from hub.link.voice import Voice, not_safe
from hub.worker import LOOK_S, NoMarks
from provisioning.simulator.process import STORE_KEY
from provisioning.simulator.safekeeping import DISK, is_kept, place_of
from provisioning.simulator.site import Site
from provisioning.simulator.taker import Taker
from provisioning.simulator.wire import MQTT, SimCarrier
from sync.adapters.sqlite_log.connection import DatabaseError, SqlcipherFile
from sync.adapters.sqlite_log.database import Connection
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_inbound import feed_labels
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.limits import TICK_EVERY_S
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

WORKERS = "workers"
"""The kind of fault that needs this; a schedule without it has one process at the hub."""
SOFTWARE = "simulated"
AGAIN_S = 1.0
PASSED_ON_S = 0.005


class Turn:
    """Which connection digests: held until it ends, as an advisory lock of PostgreSQL is."""

    def __init__(self) -> None:
        self._holder: Connection | None = None

    def lead(self, conn: Connection) -> bool:
        if self._holder is None or (self._holder is not conn and _has_ended(self._holder)):
            self._holder = conn
        return self._holder is conn


def _has_ended(conn: Connection) -> bool:
    try:
        return conn.total_changes < 0
    except DatabaseError:
        return True


class SharedFile(SqlcipherFile):
    """A file that says of itself what PostgreSQL says: several write here, and one of them at a time digests."""

    def __init__(self, path: Path, key32: bytes, turn: Turn) -> None:
        super().__init__(path, key32)
        self._turn = turn

    def _mark(self, conn: Connection) -> Connection:
        conn.for_update = conn.for_share = " /* of several */"
        conn.lead = partial(self._turn.lead, conn)
        return super()._mark(conn)


class Worker(Taker):
    """Worker `number`, from 2: what `hub.worker` puts together, without threads. It never grants and never ticks."""

    def __init__(self, world: Site, number: int) -> None:
        self._hub: Any = world.hub
        label = f"worker{number}"
        super().__init__(world, label, self._hub.directory / label, chance=f"{label} ", reaches=frozenset({MQTT}))
        self.clock = self._hub.clock  # the hub's own machine
        self.crash_rate = "crash-worker"

    @property
    def database(self) -> Path:
        path: Path = self._hub.database
        return path

    def start(self) -> None:
        """Nobody starts a worker on a disk that an operator is busy with."""
        if self._hub.stopped or not self._hub.starts:
            self.world.after(AGAIN_S, f"{self.label} start", self.start)
        else:
            super().start()

    def begin(self) -> None:
        self.clear()
        hub, world = self._hub, self.world
        self.store = HubStore(
            self.database, STORE_KEY, node=self.node, role="hub", clock=self.clock, entropy=self.entropy(),
            point=self.point, database=SharedFile(self.database, STORE_KEY, hub.turn), suite=suite1,
        )  # fmt: skip
        try:
            self.store.start_incarnation(SOFTWARE)
            self._refilling = is_refilling(self.store)
        except Unavailable:
            self.die(5.0)
            return
        self.voice = Voice(self.store, hub.keys, hub.bundle)
        self._watch = None
        if is_kept(world.plan):
            self._watch = BackupWatch(place_of(hub), relies_on_noted(hub.monotone), DISK)
            self._watches()
        safe = self._watch.safe if self._watch else not_safe
        self.office = LeaseOffice(self.store, self.voice, NoMarks())
        office = self.office if world.leasing else None
        self.door = Door(
            self.store, self.voice, behind=lambda _: self.store.follow_epoch(), office=office, safe=safe
        )  # fmt: skip
        self.feeds = Feeds(self.store)
        self.key_desk = KeyDesk(self.store, self.voice, self.deliver)
        self._led = False
        self.store.on_arrival(self._told_all)
        self.arrived()
        self.after(LOOK_S, "looks at the hub", self._look)

    def _told_all(self) -> None:
        self.arrived()
        self._hub.look_for_turn(self)

    def quiet(self) -> bool:
        return self._refilling

    def _look(self) -> None:
        self.store.follow_epoch()
        self._refilling = is_refilling(self.store)
        self.after(LOOK_S, "looks at the hub", self._look)

    def _watches(self) -> None:
        assert self._watch is not None
        self._watch.look()
        self.after(TICK_EVERY_S, "looks at backups", self._watches)

    def arrives(self, carrier: SimCarrier, raw: bytes) -> None:
        if for_the_first(raw, self.store.epoch):
            self.world.after(PASSED_ON_S, f"{self.label} passes on", partial(self._hub.passed_on, carrier, raw))
        else:
            super().arrives(carrier, raw)

    def after_digest(self) -> None:
        """Whoever had the turn before may have died before it told."""
        if self.store.leads and not self._led and not self.quiet():
            self.rings(sorted(feed_labels(self.store)))
        self._led = self.store.leads
