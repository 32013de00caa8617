"""A machine whose disk was put back or copied, over real carriers: taken in, told apart, shown, asked about."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import hub_lineage
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.fact import NewFact


def stop(world, box) -> None:
    """The process ends; what it did not send stays on its disk."""
    box.link.stop()
    box.store.close()
    world.closers.remove(box.link.stop)
    world.closers.remove(box.store.close)


def image(machine, name: str):
    """A copy of a stopped machine's disk."""
    folder = machine.folder / name
    folder.mkdir()
    for path in machine.folder.glob("node.db*"):
        shutil.copy(path, folder)
    return folder


def start(world, machine, folder=None):
    """The machine's next process, on its disk or on an image of it."""
    store = ApplianceStore(
        (folder or machine.folder) / "node.db",
        machine.store._key32,
        node=machine.node,
        role=machine.role,
        clock=SystemClock(),
        entropy=SystemEntropy(),
    )
    store.start_incarnation("test")
    world.closers.append(store.close)
    return replace(machine, store=store)


def collected(store, stay: str) -> None:
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: 1793491200000,
            9: 1793491200000}  # fmt: skip
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def forks(world, node):
    with world.hub.read() as conn:
        return hub_lineage.forks(conn, node)


@pytest.fixture
def eventually(world_of):
    return world_of[1]


@pytest.mark.parametrize("carrier", ["mqtt", "https", "stick"])
@pytest.mark.row("H35.10")
def test_ordinary_restarts_raise_nothing(world, eventually, carrier) -> None:
    machine = world.machine()
    for n in range(3):
        collected(machine.store, f"{4000 + n}-1")
        box = world.box(carrier, machine=machine, feeds=False)
        if n != 1:  # once it is cut off in the middle: the next process brings the rest
            eventually(box.drained)
        stop(world, box)
        machine = start(world, machine)
    eventually(world.box(carrier, machine=machine, feeds=False).drained)
    eventually(world.digested)
    assert forks(world, machine.node) == []
    assert world.hub.node_row(machine.node).state == "known"


@pytest.mark.parametrize("carrier", ["mqtt", "https", "stick"])
@pytest.mark.row("H35.10")
def test_a_disk_put_back_is_found_and_everything_of_both_lives_is_taken(world, eventually, carrier) -> None:
    machine = world.machine()
    collected(machine.store, "4100-1")
    box = world.box(carrier, machine=machine, feeds=False)
    eventually(box.drained)
    stop(world, box)
    back = image(machine, "backup")
    later = start(world, machine)
    collected(later.store, "4101-1")
    box = world.box(carrier, machine=later, feeds=False)
    eventually(box.drained)
    stop(world, box)
    restored = start(world, machine, back)
    collected(restored.store, "4102-1")
    eventually(world.box(carrier, machine=restored, feeds=False).drained)
    eventually(world.digested)
    [fork] = forks(world, machine.node)
    assert (fork.incarnation, fork.line, fork.verdict) == (restored.store.incarnation, 1, None)
    assert world.hub.node_row(machine.node).state == "rewound"
    for stay, line in (("4100-1", 0), ("4101-1", 0), ("4102-1", 1)):
        [(_, _, note, _)] = world.history(10, stay)
        assert note.line == line
    with world.hub.write() as unit:
        assert hub_lineage.settle(unit, machine.node, "restored", "u-admin", 1)
    assert world.hub.node_row(machine.node).state == "known"
    with world.hub.read() as conn:
        lost = hub_lineage.beyond(conn, machine.node, restored.store.incarnation)
    assert {incarnation for incarnation, _ in lost} == {later.store.incarnation}


def test_a_copy_that_runs_beside_its_original_is_found_from_a_fact_that_comes_later(world, eventually) -> None:
    """The copy is heard first and looks like a restart, until the original, still running, sends more."""
    machine = world.machine()
    collected(machine.store, "4200-1")
    box = world.box("https", machine=machine, feeds=False)
    eventually(box.drained)
    stop(world, box)
    copied = start(world, machine, image(machine, "copy"))
    copy = world.box("https", machine=copied, feeds=False)
    eventually(copy.drained)
    eventually(world.digested)
    assert forks(world, machine.node) == []
    stop(world, copy)
    original = start(world, machine)
    collected(original.store, "4201-1")
    eventually(world.box("https", machine=original, feeds=False).drained)
    eventually(world.digested)
    assert [fork.why for fork in forks(world, machine.node)] == ["sibling"]
    assert world.hub.node_row(machine.node).state == "rewound"


def test_what_a_hello_told_counts_though_it_never_came(world, eventually) -> None:
    """The line was good enough for a hello and no more; then the disk was put back to before that work."""
    machine = world.machine()
    collected(machine.store, "4300-1")
    box = world.box("https", machine=machine, feeds=False)
    eventually(box.drained)
    with world.hub.write(step="hello.note") as unit:
        hub_lineage.told(world.hub, unit, machine.node, [(machine.store.incarnation, 1, 9)])
    stop(world, box)
    again = start(world, machine)
    eventually(world.box("https", machine=again, feeds=False).drained)
    eventually(world.digested)
    assert [fork.why for fork in forks(world, machine.node)] == ["told-more"]
