"""A machine whose disk was put back or copied, over real carriers: taken in, told apart, shown, asked about."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from appliance.link.letters import Letters
from appliance.link.trust_book import BoxKeys, TrustBook
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import hub_lineage, outbox, regained
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.streams import own_heads
from sync.kernel.fact import NewFact
from sync.kernel.ids import LIVE
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1


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
        machine.store_key,
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


def own_log(store) -> list[tuple]:
    with store.read() as conn:
        rows = conn.execute(
            "SELECT s.incarnation, s.lane, l.seq, l.h, l.fact FROM log l JOIN stream s ON s.id = l.stream "
            "WHERE s.node = ? ORDER BY 1, 2, 3",
            (store.node,),
        )
        return [tuple(row) for row in rows]


def held_log(world, node) -> list[tuple]:
    with world.hub.read() as conn:
        rows = conn.execute(
            "SELECT s.incarnation, s.lane, l.seq, l.h, l.fact FROM log l JOIN stream s ON s.id = l.stream "
            "WHERE s.node = ? ORDER BY 1, 2, 3",
            (node,),
        )
        return [tuple(row) for row in rows]


def rolled_back(world, eventually, carrier):
    """A machine that worked on in its old process and a next one after the backup, all of it at the hub."""
    machine = world.machine()
    collected(machine.store, "4400-1")
    box = world.box(carrier, machine=machine)
    eventually(box.drained)
    stop(world, box)
    back = image(machine, "backup")
    for n in (1, 2):
        machine = start(world, machine)
        collected(machine.store, f"440{n}-1")
        box = world.box(carrier, machine=machine)
        eventually(box.drained)
        stop(world, box)
    eventually(world.digested)
    return start(world, machine, back)


@pytest.mark.parametrize("carrier", ["mqtt", "https"])
@pytest.mark.row("H35.12")
def test_a_disk_put_back_gets_its_own_lost_facts_back(world, eventually, carrier) -> None:
    machine = rolled_back(world, eventually, carrier)
    store = machine.store
    assert store.state(10, "4401-1") is None
    box = world.box(carrier, machine=machine)
    eventually(lambda: own_log(store) == held_log(world, machine.node))
    for n in range(3):
        assert len(store.state(10, f"440{n}-1").collections) == 1
    assert box.drained()
    with store.read() as conn:
        highest = conn.execute("SELECT max(hlc) FROM stream WHERE own = 2").fetchone()[0]
        sent = world.hub_count("batch.duplicate")
    assert store.high > highest
    collected(store, "4409-1")
    eventually(box.drained)
    assert world.hub_count("batch.duplicate") == sent
    stop(world, box)
    later = start(world, machine, machine.folder / "backup")
    eventually(world.box(carrier, machine=later).drained)
    eventually(world.digested)
    assert [fork.incarnation for fork in forks(world, machine.node)] == [store.incarnation]


@pytest.mark.row("H35.12")
def test_nobody_is_given_another_nodes_history(world, eventually) -> None:
    machine, other = world.machine(), world.machine()
    eventually(world.box("https", machine=machine, feeds=False).drained)
    feeds = world.feeds_of(other)
    assert feeds.own_history(machine.store.incarnation, 0, 1) == b""
    assert world.feeds_of(machine).own_history(machine.store.incarnation, 0, 1) != b""
    for place in ((machine.store.incarnation, 9, 1), (2**63, 0, 1), (machine.store.incarnation, 0, 0)):
        with pytest.raises(PeerFault, match="stream-unknown"):
            feeds.own_history(*place)


def test_history_that_does_not_follow_on_is_left_and_told(world, eventually) -> None:
    machine = rolled_back(world, eventually, "https")
    store = machine.store
    with store.write(step="act") as unit:
        unit.conn.execute("UPDATE stream SET head = ? WHERE lane = 0 AND acked = last", (bytes(32),))
        stream = unit.conn.execute("SELECT incarnation, last FROM stream WHERE lane = 0 ORDER BY id").fetchone()
        regained.note(unit.conn, stream[0], 0, stream[1] + 5)
    with world.hub.write() as unit:
        row = unit.conn.execute("SELECT id FROM stream WHERE incarnation = ? AND lane = 0", (stream[0],)).fetchone()
        unit.conn.execute(
            "INSERT INTO log (stream, seq, h, fact) VALUES (?, ?, ?, ?)", (row[0], stream[1] + 1, bytes(32), b"x")
        )
        unit.conn.execute(
            "INSERT INTO arrival (stream, first, last, hub_hlc, header) SELECT stream, ?, ?, hub_hlc, header "
            "FROM arrival WHERE stream = ? AND header IS NOT NULL",
            (stream[1] + 1, stream[1] + 1, row[0]),
        )
    box = world.box("https", machine=machine)
    eventually(lambda: box.counted("alarm.history.other"))
    eventually(lambda: store.state(10, "4402-1") is not None)
    eventually(lambda: regained.lost(store) == [])


def speaks_as_a_copy(world, machine, stay: str) -> None:
    """A copy of the running process writes under its numbers, and is heard once."""
    store = machine.store
    store._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    twin = ApplianceStore(
        image(machine, "twin") / "node.db", machine.store_key, node=machine.node, role=machine.role,
        clock=SystemClock(), entropy=SystemEntropy(),
    )  # fmt: skip
    twin.incarnation = store.incarnation
    twin._heads = own_heads(twin._conn, twin.suite.hasher, twin.node, twin.incarnation)
    collected(twin, stay)
    book = TrustBook(BoxKeys(machine.node, machine.signing, suite=suite1), world.bundle.raw, lambda raw: None)
    [live] = [own for own in outbox.own_streams(twin) if own.lane == LIVE]
    raw, _ = Letters(twin, book, "test").batch((live.incarnation, LIVE), live.acked + 1)
    twin.close()
    world.door.receive(raw, "https", machine.node)


@pytest.mark.row("H35.13")
def test_a_process_whose_numbers_another_goes_on_under_begins_anew(world, eventually) -> None:
    """A running copy spoke and the original was silent: what it wrote next would bear numbers that are taken."""
    machine = world.machine()
    store = machine.store
    collected(store, "4601-1")
    box = world.box("https", machine=machine)
    eventually(box.drained)
    before = store.incarnation
    speaks_as_a_copy(world, machine, "4602-1")
    world.post.deliver(machine.node, [world.voice.hello_wanted(machine.node)])
    eventually(lambda: store.state(10, "4602-1") is not None)
    assert store.incarnation != before
    collected(store, "4603-1")
    eventually(box.drained)
    eventually(world.digested)
    assert [world.hub.state(10, f"460{n}-1") is not None for n in (1, 2, 3)] == [True] * 3
    assert world.hub_count("evidence.equivocation") == 0
