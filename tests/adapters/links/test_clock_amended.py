"""A machine whose clock runs ahead: it finishes its outbox, opens a new incarnation at hub time, and says so."""

from __future__ import annotations

import pytest

from sync.adapters.clock import ShiftedClock, SystemClock
from sync.adapters.sqlite_log import hub_lineage
from sync.kernel.codec import decode_fact
from sync.kernel.fact import NewFact

DAY_MS = 86_400_000


@pytest.fixture
def eventually(world_of):
    return world_of[1]


def collected(store, stay: str) -> None:
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: 1793491200000,
            9: 1793491200000}  # fmt: skip
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def openings(world, node) -> list[tuple[int, str]]:
    with world.hub.read() as conn:
        rows = conn.execute("SELECT incarnation, why FROM opening WHERE node = ? ORDER BY n", (node,)).fetchall()
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("carrier", ["mqtt", "https"])
@pytest.mark.row("H35.8")
def test_a_clock_that_ran_ahead_is_amended_once_everything_is_sent(world, eventually, carrier) -> None:
    now_ms = SystemClock().wall_ms()
    machine = world.machine(clock=ShiftedClock.starting_at(SystemClock(), now_ms + 400 * DAY_MS))
    store = machine.store
    before = store.incarnation
    collected(store, "7000-1")
    assert store.high >> 16 > now_ms + 399 * DAY_MS
    box = world.box(carrier, machine=machine)
    eventually(lambda: store.high >> 16 < now_ms + DAY_MS)
    assert store.incarnation != before
    eventually(box.drained)
    collected(store, "7001-1")
    eventually(box.drained)
    eventually(world.digested)
    assert openings(world, machine.node) == [(before, "start"), (store.incarnation, "clock amended")]
    with world.hub.read() as conn:
        assert hub_lineage.forks(conn, machine.node) == []
        [raw] = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.incarnation = ? AND s.lane = 1 "
            "AND l.seq = 2",
            (store.incarnation,),
        ).fetchone()
    fact = decode_fact(raw)
    assert abs(fact.at_ms - now_ms) < DAY_MS and fact.clock == 2
    for stay in ("7000-1", "7001-1"):
        assert len(world.hub.state(10, stay).collections) == 1
    box.link.call_now()
    collected(store, "7002-1")
    eventually(box.drained)
    assert len(openings(world, machine.node)) == 2, "amended once"


@pytest.mark.parametrize("ahead_ms", [0, 240_000, -400 * DAY_MS])
def test_a_clock_that_is_right_or_behind_begins_nothing_anew(world, eventually, ahead_ms) -> None:
    clock = ShiftedClock.starting_at(SystemClock(), SystemClock().wall_ms() + ahead_ms)
    machine = world.machine(clock=clock)
    before = machine.store.incarnation
    collected(machine.store, "7100-1")
    box = world.box("https", machine=machine)
    eventually(box.drained)
    collected(machine.store, "7101-1")
    eventually(box.drained)
    assert machine.store.incarnation == before


def test_stamps_of_before_bind_no_later_start(world, eventually) -> None:
    now_ms = SystemClock().wall_ms()
    machine = world.machine(clock=ShiftedClock.starting_at(SystemClock(), now_ms + 400 * DAY_MS))
    before = machine.store.incarnation
    box = world.box("https", machine=machine)
    eventually(lambda: machine.store.incarnation != before and box.drained())
    machine.store._load()
    assert machine.store.high >> 16 < now_ms + DAY_MS
