"""A box that has dropped what the hub's backups hold goes on with the hub, also under a higher epoch."""

from __future__ import annotations

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.pruning import DAY_MS, prune
from sync.kernel.fact import NewFact
from tests.waiting import until


class Later(SystemClock):
    """The hub's wall clock, moved by a test."""

    more_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.more_ms


def notes(box, n: int) -> None:
    with box.store.write() as unit:
        for i in range(n):
            unit.append(NewFact(120, 50, box.machine.node, {1: f"note.n{i}", 5: True}))


def kept(box) -> int:
    with box.store.read() as conn:
        return int(conn.execute("SELECT count(*) FROM log").fetchone()[0])


@pytest.mark.parametrize("carrier", ["mqtt", "https", "stick"])
def test_dropping_sending_and_a_raised_epoch_over_each_carrier(world, carrier: str) -> None:
    clock = world.hub.clock = Later()
    box = world.box(carrier, feeds=False)
    notes(box, 20)
    until(box.drained)
    assert prune(box.store) == 0
    world.door._safe = world.door._greeting._safe = lambda stream: 15  # as two backups would say
    clock.more_ms = 15 * DAY_MS
    notes(box, 1)
    until(box.drained)
    assert prune(box.store) == 14, "up to the anchor at 15"
    assert kept(box) == 8
    notes(box, 3)
    until(box.drained)

    world.raise_epoch()
    world.door._safe = world.door._greeting._safe = lambda stream: 0
    notes(box, 2)
    until(lambda: box.store.meta_int("hub_epoch") == 2 and box.drained())
    assert world.facts_held(box.machine.node) == 27
    [own] = outbox.own_streams(box.store)
    assert (own.acked, own.last, own.oldest_kept, own.state) == (27, 27, 15, 0)
    assert box.counted("alarm.ack.behind") == box.counted("alarm.ack.other-history") == 0
    assert prune(box.store) == 0, "ages begin anew"
