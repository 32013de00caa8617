"""One site in virtual time: a heap of things to come, one thread, one source of chance, and who lives in it."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from provisioning.simulator.box import Box
from provisioning.simulator.centre import Centre
from provisioning.simulator.ledger import Ledger
from provisioning.simulator.plan import Plan
from provisioning.simulator.promises import LEASING, Promises
from provisioning.simulator.staff import Staff
from provisioning.simulator.trace import Trace
from provisioning.simulator.wire import Wire

STEPS_MAX = 60_000
"""A schedule takes some thousands; one that takes this many turns in a circle."""


class Endless(Exception):
    """Too many steps."""


class World:
    """`trouble`: whether the weather may strike. All chance comes from `dice`, all that is to come through `after`."""

    hub_name = "hub-aaaaaaaa"

    def __init__(self, plan: Plan, folder: Path, hear: Callable[[str], None] | None = None) -> None:
        self.plan = plan
        self.folder = folder
        self.now_s = 0.0
        self.trouble = True
        self._dice: dict[str, random.Random] = {}
        self.trace = Trace(hear)
        self.hits: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.ledger = Ledger()
        self.promises = Promises()
        self.leasing = not LEASING.isdisjoint(plan.faults)
        self.fallen: list[str] = []
        self.backups_at_s: list[float] = []
        self.greet_after_s = float("-inf")
        self.put_back_at_epoch = 0
        self.forgotten: dict[tuple[int, str], int] = {}
        self.looks_at_retention = False
        self._heap: list[tuple[float, int, str, Callable[[], None]]] = []
        self._count = 0
        self.wire = Wire(self)
        self.hub = Centre(self, folder / "hub")
        self.staff = Staff(self.hub)
        self.boxes = [Box(self, n, folder / f"box{n}") for n in range(plan.shape.boxes)]

    @property
    def machines(self) -> list[Box]:
        """Every box that can run."""
        return [box for box in self.boxes if not box.gone]

    @property
    def expects_set_repair(self) -> bool:
        """A copy was damaged behind the engine's back: only the set hashes can find it."""
        return bool(self.hits["row-damaged"])

    def close(self) -> None:
        """End every process; the files stay."""
        for process in (*self.hub.workers, self.hub, *self.boxes):
            if process.alive:
                process.alive = False
                process.let_go()

    def tell(self, what: str) -> None:
        self.trace.tell(self.now_s, what)

    @property
    def put_back_unnoticed(self) -> bool:
        """Nothing told the hub that it was put back last: its epoch did not rise."""
        return bool(self.hits["hub-rolled-back"]) or self.put_back_at_epoch == self.hub.store.epoch

    def hit(self, fault: str) -> None:
        """A fault really struck."""
        self.hits[fault] += 1

    def dice(self, of: str) -> random.Random:
        """The chance of one thing in one place: what is drawn elsewhere, or comes to be drawn, does not move it."""
        if of not in self._dice:
            self._dice[of] = random.Random(f"{self.plan.seed} {of}")
        return self._dice[of]

    def chance(self, rate: str, where: str) -> bool:
        """Whether something that happens at this rate happens now. No rate, no draw."""
        p = self.plan.rates.get(rate, 0.0)
        return p > 0 and self.trouble and self.dice(f"{rate} {where}").random() < p

    def after(self, delay_s: float, name: str, call: Callable[[], None]) -> None:
        """Do it later; what is due at the same instant happens in the order it was asked for."""
        self._count += 1
        heapq.heappush(self._heap, (self.now_s + delay_s, self._count, name, call))

    def run(self, until_s: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Go on until `done` or the time. True: `done`."""
        while self._heap and self._heap[0][0] <= until_s:
            self._step()
            if done():
                return True
        self.now_s = max(self.now_s, until_s)
        return False

    def _step(self) -> None:
        at_s, _, name, call = heapq.heappop(self._heap)
        self.now_s = max(self.now_s, at_s)
        self.tell(name)
        if self.trace.steps > STEPS_MAX:
            raise Endless
        call()

    def wait(self, delay_s: float) -> None:
        """Somebody waits for an answer while the others go on. Called within a step; waits nest."""
        self.run(self.now_s + delay_s)
