"""One process of one node: it runs, dies at a place that the weather chooses, and leaves its disk behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from provisioning.simulator.clock import NodeClock
from provisioning.simulator.site import Site
from provisioning.simulator.synthetic import OWN, spoken
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log.connection import OperationalError

STORE_KEY = bytes(32)
FILES = frozenset({"lease.witness:before", "key.next:before", "key.identity:before", "key.switch:before"})
"""Steps that are no commit of the database: their disk fails in other words."""
CRASH_AT = "crash-at"
T = TypeVar("T")


class Died(BaseException):
    """The process of `who` is no more; everything it was doing ends here."""

    def __init__(self, who: Process, start: int) -> None:
        super().__init__(who.label)
        self.who = who
        self.start = start


class Process:
    """Base of a box and of the hub. `label` names this machine; a clone shares the node's name and not the label."""

    def __init__(self, world: Site, label: str, node: str, folder: Path, drift_ppm: int) -> None:
        self.world = world
        self.label = label
        self.node = node
        self.folder = folder
        self.clock = NodeClock(lambda: world.now_s, label, drift_ppm=drift_ppm)
        self.starts = 0
        self.alive = False
        self.gone = False
        self.schema = OWN
        self.crash_rate = "crash-hub" if node == world.hub_name else "crash"
        folder.mkdir(parents=True)

    @property
    def database(self) -> Path:
        return self.folder / "node.db"

    def entropy(self) -> SeededEntropy:
        """This process start's own chance."""
        return SeededEntropy(f"{self.world.plan.seed}/{self.label}/{self.starts}")

    def start(self) -> None:
        """A new process on what lies on the disk."""
        if self.alive or self.gone:
            return
        self.starts += 1
        self.world.tell(f"{self.label} starts")
        self.alive = True
        self.living(self.begin)

    def begin(self) -> None:
        """What a process does first."""
        raise AssertionError("a process is a box's or the hub's")

    def let_go(self) -> None:
        """Close what the process held, as its end does."""
        raise AssertionError("a process is a box's or the hub's")

    def living(self, act: Callable[[], T]) -> T | None:
        """Do it if the process lives; None when it is dead, or dies of it."""
        if not self.alive:
            return None
        try:
            with spoken(self.schema):
                return act()
        except Died as end:
            if end.who is not self:
                raise
            if end.start == self.starts:
                self.die()
            return None

    def after(self, delay_s: float, name: str, act: Callable[[], object]) -> None:
        """Later, if this very process still lives then."""
        mine = self.starts

        def due() -> None:
            if self.starts == mine:
                self.living(act)

        self.world.after(delay_s, f"{self.label} {name}", due)

    def die(self, back_in_s: float | None = None) -> None:
        """End the process where it stands; it is started again later."""
        if self.alive:
            self.world.tell(f"{self.label} dies")
            self.alive = False
            self.let_go()
        if back_in_s is None:
            back_in_s = self.world.dice(f"down {self.label}").choice((0.2, 2.0, 15.0, 60.0))
        self.world.after(back_in_s, f"{self.label} start", self.start)

    def point(self, place: str) -> None:
        """What the store tells of: here the weather may strike."""
        world = self.world
        world.places[place] += 1
        if not world.trouble:
            return
        asked_for = world.plan.rates.get(f"{CRASH_AT} {place}") == world.places[place]
        if asked_for or world.chance(self.crash_rate, f"{self.label} {place}"):
            world.crashes[place] += 1
            world.hit(CRASH_AT if asked_for else "crash")
            world.tell(f"{self.label} crash at {place}")
            raise Died(self, self.starts)
        if place.endswith(":before") and not place.startswith(("epoch.file", "trust.save")):
            for rate, words in (("disk-full", "database or disk is full"), ("io-error", "disk I/O error")):
                if world.chance(rate, f"{self.label} {place}"):
                    world.hit(rate)
                    world.tell(f"{self.label} {rate} at {place}")
                    raise OSError(words) if place in FILES else OperationalError(words)

    def photograph(self, into: Path) -> None:
        """A copy of the disk as it is now, between two transactions."""
        shutil.copytree(self.folder, into)

    def put_back(self, photograph: Path) -> None:
        """The disk is what it was; the process must be dead."""
        assert not self.alive
        shutil.rmtree(self.folder)
        shutil.copytree(photograph, self.folder)
