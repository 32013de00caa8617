"""A search over what boxes, disks, clocks and the hub may do to leases, on real databases and files, by seed.

Two boxes draw numbers and spend grants. Disks are put back, processes cut at every named step, clocks set wrong, the
hub put back from a backup. No number comes twice; of a grant nobody sees more, or later, than was granted unless
database and witness were rolled back together, which is not tried here: the hub finds that, in `test_grants`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.adapters.leases.book import LeaseBook
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log import hub_lineage
from sync.kernel.outcome import Refused
from sync.protocol import held as rules
from sync.protocol.lease import NUMBER, READ
from tests.adapters.leases.conftest import Box, Centre, HeldClock

TICKETS, RECORDS = "ticket:hall-1", "record:W12"
QUOTA, LASTS_S = 3, 900
STEPS = 80
CUTS = (
    None, None, None, "act:before", "act:after", "lease.witness:before", "lease.witness:after", "lease.take:before",
    "lease.take:after", "lease.mark:before", "lease.grant:before", "lease.grant:after", "epoch.file:after",
)  # fmt: skip
WRONG_S = (0, 0, -300, -86_400, -2_000_000_000, 86_400, 3_000_000_000)


class Cut(BaseException):
    """The process is gone."""


class Site:
    """One hub, two boxes, and everything that may happen to them, drawn from one seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = HeldClock()
        self.centre = Centre(folder, self.clock)
        self.boxes = [Box(self.centre, folder, name) for name in ("records-bbbbbbbb", "records-cccccccc")]
        self.drawn: set[str] = set()
        self.seen: dict[bytes, int] = {}
        self.granted_at: dict[bytes, float] = {}
        self.copies: dict[str, Path] = {}
        self.backup = self.centre.back_up()
        for box in self.boxes:
            self.begun(box)

    def close(self) -> None:
        for box in self.boxes:
            box.stop()

    def step(self) -> None:
        acts: dict[Callable[[Box], None], int] = {
            self.talk: 5, self.draw: 5, self.grant: 4, self.read: 12, self.time_passes: 4, self.clock_is_set: 1,
            self.restart: 1, self.reboot: 1, self.put_back: 3, self.lose_the_witness: 1,
            self.greet: 3, self.hub_is_put_back: 1,
        }  # fmt: skip
        (act,) = self.rng.choices(list(acts), list(acts.values()))
        act(self.rng.choice(self.boxes))

    def begun(self, box: Box) -> None:
        box.leases.want_numbers(TICKETS, 5)

    def maybe_cut(self, box: Box, act: Callable[[], Any]) -> None:
        """Do something that may be cut at a named step. A cut at the hub rolls its transaction back."""
        place = self.rng.choice(CUTS)

        def point(here: str) -> None:
            if here == place:
                self.point(box, lambda _: None)
                raise Cut

        self.point(box, point)
        try:
            act()
        except Cut:
            assert place is not None
            if not place.startswith(("lease.grant", "epoch")):
                self.restart(box)
        finally:
            self.point(box, lambda _: None)

    def point(self, box: Box, point: Callable[[str], None]) -> None:
        box.point = self.centre.store.point = self.centre.epochs._file.point = point

    def talk(self, box: Box) -> None:
        deaf = self.rng.random() < 0.2
        self.maybe_cut(box, lambda: box.ask(deaf=True) if deaf else box.talk())

    def draw(self, box: Box) -> None:
        printed: list[str] = []

        def act() -> None:
            for _ in range(self.rng.randint(1, 6)):
                with box.store.write() as unit:
                    number = box.leases.next_number(unit, TICKETS)
                printed.append(number.text)

        self.maybe_cut(box, act)
        for text in printed:
            assert text not in self.drawn, f"{text} twice"
            self.drawn.add(text)

    def grant(self, box: Box) -> None:
        if len(box.leases.usable(READ, RECORDS)) >= 2:
            return
        wish = Wish(READ, RECORDS, QUOTA, LASTS_S, 900)
        raw = self.centre.office.grant(self.centre.node(box.name), wish, "u-admin")
        if isinstance(raw, Refused):
            return self.say_it_was_restored(box)
        known = {held.lease.id for held in box.leases.listing()}
        box.hear(raw)
        for held in box.leases.listing():
            if held.lease.id not in known:
                self.granted_at[held.lease.id] = self.clock.true_s
        if self.rng.random() < 0.5:
            self.back_up(box)
        return None

    def say_it_was_restored(self, box: Box) -> None:
        """The hub has seen two pasts of this box, and grants it nothing before a person has spoken."""
        with self.centre.store.write() as unit:
            while hub_lineage.settle(unit, box.name, "restored", "u-admin", 1):
                pass

    def read(self, box: Box) -> None:
        shown: list[tuple[bytes, int]] = []

        def act() -> None:
            for lease in box.leases.usable(READ, RECORDS)[:1]:
                units = self.rng.randint(1, 2)
                with box.store.write() as unit:
                    done = box.leases.use(unit, lease.id, units)
                if not isinstance(done, Refused):
                    shown.append((lease.id, units))

        self.maybe_cut(box, act)
        for lease, units in shown:
            self.seen[lease] = self.seen.get(lease, 0) + units
            assert self.seen[lease] <= QUOTA, "more was seen than was granted"
            assert self.clock.true_s - self.granted_at[lease] <= LASTS_S, "seen after the term"

    def time_passes(self, _box: Box) -> None:
        for _ in range(self.rng.randint(1, 50)):
            self.clock.true_s += 15
            for box in self.boxes:
                box.clock.true_s = self.clock.true_s
                box.leases.look()
        self.centre.office.tidy()

    def clock_is_set(self, box: Box) -> None:
        box.clock.wrong_ms = self.rng.choice(WRONG_S) * 1000
        box.leases.look()

    def restart(self, box: Box) -> None:
        box.restart()
        self.begun(box)

    def reboot(self, box: Box) -> None:
        box.reboot()
        self.begun(box)

    def back_up(self, box: Box) -> None:
        self.copies[box.name] = box.back_up()
        self.begun(box)

    def put_back(self, box: Box) -> None:
        if box.name in self.copies:
            box.put_back(self.copies[box.name])
            self.begun(box)

    def lose_the_witness(self, box: Box) -> None:
        """The database is whole: with both gone nobody could know."""
        box.witness.unlink(missing_ok=True)
        self.restart(box)

    def greet(self, box: Box) -> None:
        box.deliver()
        box.greet()

    def hub_is_put_back(self, _box: Box) -> None:
        """It finds its boxes by their identity records, and they send again what it lost."""
        self.centre.put_back(self.backup)
        self.centre.epochs.above(self.centre.store.epoch)
        for box in self.boxes:
            if self.centre.store.node_row(box.name) is None:
                box.enrol()


@pytest.mark.row("G18.1", "E05.2")
@pytest.mark.parametrize("seed", range(10))
def test_no_number_twice_and_no_read_too_many(tmp_path: Path, seed: int) -> None:
    site = Site(tmp_path, seed)
    try:
        for _ in range(STEPS):
            site.step()
    finally:
        site.close()
        site.centre.store.close()
    assert len(site.drawn) > 10, "a search that draws nothing finds nothing"


def test_the_search_sees_a_box_that_believes_its_database_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that finds nothing where something is wrong would prove nothing."""
    begun = rules.started
    monkeypatch.setattr(
        rules, "started", lambda held, now, seen: begun(held, now, seen) if held.lease.kind == NUMBER else held
    )
    monkeypatch.setattr(LeaseBook, "witnessed", lambda self, lease: 0)
    with pytest.raises(AssertionError, match="more was seen"):
        for seed in range(20):
            folder = tmp_path / str(seed)
            folder.mkdir()
            site = Site(folder, seed)
            try:
                for _ in range(STEPS):
                    site.step()
            finally:
                site.close()
                site.centre.store.close()
