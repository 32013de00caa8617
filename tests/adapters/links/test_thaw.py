"""A process that was copied while it ran: one number, two contents. Stopped, judged by a person, and gone on with."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import hub_lineage, hub_orders
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.streams import own_heads
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.notices import DISCARD, REISSUE

LIVE = 1


@pytest.fixture
def eventually(world_of):
    return world_of[1]


def collected(store, stay: str) -> None:
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: 1793491200000,
            9: 1793491200000}  # fmt: skip
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def running_copy(world, machine):
    """The same process twice: as a virtual machine is copied together with its memory."""
    folder = machine.folder / "copy"
    folder.mkdir()
    with machine.store.read():
        for path in machine.folder.glob("node.db*"):
            shutil.copy(path, folder)
    store = ApplianceStore(
        folder / "node.db", machine.store_key, node=machine.node, role=machine.role, clock=SystemClock(),
        entropy=SystemEntropy(),
    )  # fmt: skip
    store.incarnation = machine.store.incarnation
    with store.read() as conn:
        store._heads = own_heads(conn, suite1.hasher, machine.node, store.incarnation)
    world.closers.append(store.close)
    return replace(machine, store=store)


def held(world, stay: str) -> int:
    state = world.hub.state(10, stay)
    return 0 if state is None else len(state.collections)


def stopped(world, node):
    with world.hub.read() as conn:
        return hub_orders.stopped(conn, node)


def two_histories(world, eventually, carrier):
    """(original with its link stopped, the copy's box). The hub holds two of the original's; the copy wrote three."""
    machine = world.machine()
    collected(machine.store, "5000-1")
    box = world.box(carrier, machine=machine, feeds=False)
    eventually(box.drained)
    box.link.stop()
    copy = running_copy(world, machine)
    for n in (1, 2):
        collected(machine.store, f"500{n}-1")
    for n in (6, 7, 8):
        collected(copy.store, f"500{n}-1")
    original = world.box(carrier, machine=machine, feeds=False)
    eventually(original.drained)
    original.link.stop()
    copied = world.box(carrier, machine=copy, feeds=False)
    eventually(lambda: stopped(world, machine.node))
    eventually(lambda: copied.link.call_now() or stopped(world, machine.node)[0].told == 5)
    return machine, copied


def order(world, eventually, node, choice) -> None:
    """What the administrator's screen does."""
    [stream] = stopped(world, node)
    with world.hub.write(actor="u-admin") as unit:
        hub_orders.thaw(unit, node, stream, choice, "u-admin", 1, "copied")
    eventually(world.digested)
    world.post.deliver(node, [world.voice.hello_wanted(node)])


@pytest.mark.parametrize("carrier", ["mqtt", "https"])
@pytest.mark.row("H35.13")
def test_what_a_copy_wrote_is_issued_again_and_counts_once(world, eventually, carrier) -> None:
    machine, copied = two_histories(world, eventually, carrier)
    [stream] = stopped(world, machine.node)
    assert (stream.lane, stream.good, stream.held, stream.told) == (LIVE, 2, 4, 5)
    eventually(lambda: not copied.drained())
    collected(copied.store, "5009-1")  # it works on meanwhile
    assert held(world, "5006-1") == 0
    before = copied.store.incarnation
    order(world, eventually, machine.node, REISSUE)
    eventually(lambda: held(world, "5009-1"))
    eventually(copied.drained)
    eventually(world.digested)
    assert copied.store.incarnation != before
    assert [held(world, f"500{n}-1") for n in (0, 1, 2, 6, 7, 8, 9)] == [1] * 7
    assert len(copied.store.state(10, "5006-1").collections) == 1
    assert stopped(world, machine.node) == []
    with world.hub.read() as conn:
        assert [fork.verdict for fork in hub_lineage.forks(conn, machine.node)] in ([], ["thawed"])
    assert world.hub.node_row(machine.node).state == "known"
    with copied.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM behind").fetchone()[0] == 4
        assert conn.execute("SELECT count(*) FROM pending").fetchone()[0] >= 0


@pytest.mark.row("H35.13")
def test_the_original_whose_history_the_hub_holds_goes_on_and_issues_nothing_twice(world, eventually) -> None:
    machine, copied = two_histories(world, eventually, "https")
    copied.link.stop()
    collected(machine.store, "5003-1")
    original = world.box("https", machine=machine, feeds=False)
    eventually(lambda: not original.drained())
    order(world, eventually, machine.node, REISSUE)
    eventually(lambda: held(world, "5003-1"))
    eventually(original.drained)
    eventually(world.digested)
    assert [held(world, f"500{n}-1") for n in range(4)] == [1] * 4


@pytest.mark.row("H35.13")
def test_what_is_given_up_is_named_by_an_operator_and_leaves_the_screen(world, eventually) -> None:
    machine, copied = two_histories(world, eventually, "https")
    collected(copied.store, "5009-1")  # nobody at the hub has heard of this one
    order(world, eventually, machine.node, DISCARD)
    eventually(lambda: held(world, "5009-1"))
    eventually(copied.drained)
    eventually(world.digested)
    assert copied.store.state(10, "5006-1") is None
    assert held(world, "5006-1") == 0
    with world.hub.read() as conn:
        [loss] = hub_orders.losses(conn)
    assert (loss.node, loss.lane, loss.first, loss.last, loss.why) == (machine.node, LIVE, 3, 5, "discarded")
    assert loss.signed_by == "u-admin"
    assert len(copied.store.state(10, "5009-1").collections) == 1


@pytest.mark.parametrize("carrier", ["mqtt", "https"])
def test_a_machine_that_is_stopped_works_on_and_sends_when_it_may(world, eventually, carrier) -> None:
    machine = world.machine()
    box = world.box(carrier, machine=machine, feeds=False)
    eventually(box.drained)
    world.set_state(machine.node, "frozen")
    with world.hub.write() as unit:
        stop = hub_orders.hold(unit, machine.node, "u-admin", 1, freeze=True)
    world.post.deliver(machine.node, [world.voice.say(message.ORDER, stop.body(), machine.node)])
    eventually(lambda: box.link.state == "held")
    collected(machine.store, "5100-1")
    assert len(machine.store.state(10, "5100-1").collections) == 1
    assert not box.drained()
    world.set_state(machine.node, "known")
    with world.hub.write() as unit:
        go = hub_orders.hold(unit, machine.node, "u-admin", 1, freeze=False)
    world.post.deliver(machine.node, [world.voice.say(message.ORDER, go.body(), machine.node)])
    eventually(box.drained)
    eventually(lambda: held(world, "5100-1"))


def test_a_stop_that_came_as_frozen_streams_ends_with_the_next_welcome(world, eventually) -> None:
    """The order was lost; the acknowledgement said frozen for every stream, and the welcome says open again."""
    machine = world.machine()
    box = world.box("https", machine=machine, feeds=False)
    eventually(box.drained)
    world.set_state(machine.node, "frozen")
    collected(machine.store, "5200-1")
    eventually(lambda: box.link.counts or not box.drained())
    world.set_state(machine.node, "known")
    box.link.call_now()
    world.post.deliver(machine.node, [world.voice.hello_wanted(machine.node)])
    eventually(box.drained, 60.0)
    eventually(lambda: held(world, "5200-1"))
