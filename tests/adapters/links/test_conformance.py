"""What every carrier must do for a session: the same facts arrive once, whatever the line does to messages."""

from __future__ import annotations

import time

import pytest

from sync.adapters.clock import ShiftedClock, SystemClock
from sync.kernel.fact import NewFact
from sync.kernel.limits import CLOCK_CEILING_MS
from tests.waiting import until

CARRIERS = ("mqtt", "https", "stick")
PATIENCE_S = 15.0


def notes(store, n: int, start: int = 0) -> None:
    with store.write() as unit:
        for i in range(start, start + n):
            unit.append(NewFact(120, 50, store.node, {1: f"note.n{i}", 5: True}))


def collected(store, stay: str, at_ms: int = 1793491200000) -> None:
    number = stay.split("-")[0]
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: number, 7: at_ms, 9: at_ms}
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def same_log(world, store) -> None:
    """Byte for byte and hash for hash what the machine wrote, no more and no less."""
    query = (
        "SELECT s.incarnation, s.lane, l.seq, l.h, l.fact FROM log l JOIN stream s ON s.id = l.stream "
        "WHERE s.node = ? ORDER BY 1, 2, 3"
    )
    with store.read() as here, world.hub.read() as there:
        mine = [tuple(row) for row in here.execute(query, (store.node,))]
        theirs = [tuple(row) for row in there.execute(query, (store.node,))]
    assert theirs == mine


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.row("F10.14")
def test_an_outbox_drains_and_every_fact_is_there_once(world, carrier) -> None:
    machine = world.machine()
    notes(machine.store, 1200)
    box = world.box(carrier, machine=machine)
    until(box.drained)
    notes(machine.store, 5, start=1200)
    until(box.drained)
    same_log(world, machine.store)
    assert box.link.line_facts().outbox == 0


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    "meddling",
    [{"lose": 0.3}, {"double": 0.5}, {"hold": 0.4}, {"lose": 0.2, "double": 0.2, "hold": 0.2}],
    ids=["messages lost both ways", "messages doubled", "messages overtaken", "all of it"],
)
@pytest.mark.row("F10.14")
def test_a_bad_line_loses_and_doubles_nothing(world, carrier, meddling) -> None:
    """Written while the line misbehaves; then it breaks, comes back, and everything is there once."""
    machine = world.machine()
    for n in range(10):
        collected(machine.store, f"{3000 + n}-1")
    box = world.box(carrier, machine=machine, seed=7, **meddling)
    for n in range(10, 40):
        collected(machine.store, f"{3000 + n}-1")
    until(lambda: box.meddlers[carrier].passed > 3 or box.drained())
    box.meddlers[carrier].mend()
    until(box.drained)
    same_log(world, machine.store)


@pytest.mark.parametrize(("first", "second"), [("mqtt", "https"), ("https", "mqtt"), ("mqtt", "stick")])
@pytest.mark.row("F10.14")
def test_another_carrier_takes_over_in_mid_drain(world, first, second) -> None:
    machine = world.machine()
    notes(machine.store, 6000)
    box = world.box(first, second, machine=machine)
    until(lambda: box.ledger()[1] > 0)
    box.meddlers[first].snap()
    until(box.drained)
    assert box.meddlers[second].passed > 0 or box.ledger()[1] >= 6000
    same_log(world, machine.store)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("year", (1970, 2100))
@pytest.mark.row("H35.8")
def test_a_wrong_clock_loses_nothing(world, carrier, year) -> None:
    """A machine that thinks it is 1970 or 2100: facts are kept, marked, and never sorted behind hub time."""
    wall_ms = 86_400_000 if year == 1970 else CLOCK_CEILING_MS + 86_400_000
    machine = world.machine(clock=ShiftedClock.starting_at(SystemClock(), wall_ms))
    collected(machine.store, "2001-1", wall_ms)
    box = world.box(carrier, machine=machine)
    until(box.drained)
    until(world.digested)
    [(_, fact, note, _)] = world.history(10, "2001-1")
    assert fact.clock == 0
    assert note.order <= world.voice.hub_time()
    assert len(world.hub.state(10, "2001-1").collections) == 1


@pytest.mark.row("H35.8")
def test_a_clock_far_ahead_but_believed_is_clamped_at_the_hub(world) -> None:
    ahead_ms = SystemClock().wall_ms() + 3 * 365 * 86_400_000
    machine = world.machine(clock=ShiftedClock.starting_at(SystemClock(), ahead_ms))
    collected(machine.store, "2002-1", ahead_ms)
    box = world.box("mqtt", machine=machine)
    until(box.drained)
    until(world.digested)
    [(_, fact, note, _)] = world.history(10, "2002-1")
    assert fact.at_ms >= ahead_ms
    assert note.order >> 16 < ahead_ms - 86_400_000


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_raised_epoch_makes_the_machine_send_again_what_the_hub_lost(world, carrier) -> None:
    machine = world.machine()
    notes(machine.store, 20)
    box = world.box(carrier, machine=machine)
    until(box.drained)
    world.lose_facts_of(machine.node)
    world.raise_epoch()
    notes(machine.store, 1, start=50)
    box.link.call_now()
    until(lambda: world.facts_held(machine.node) == box.ledger()[0], 15)
    until(box.drained)
    same_log(world, machine.store)
    assert machine.store.meta_int("hub_epoch") == world.hub.epoch


def test_a_link_stops_within_a_second_in_any_state_of_the_line(world) -> None:
    for carriers in (("mqtt",), ("https",), ("stick",)):
        box = world.box(*carriers)
        until(box.drained)
        began = time.monotonic()
        box.link.stop()
        assert time.monotonic() - began < 1.0
    deaf = world.silent_port()
    box = world.box_at(deaf)
    until(lambda: box.link.line_facts().connected, 30)
    began = time.monotonic()
    box.link.stop()
    assert time.monotonic() - began < 1.0
