"""A hub put back too far, and a machine that had rightly dropped what it lost: a person signs, and it goes on."""

from __future__ import annotations

import pytest

from provisioning.verifier.waystation_verify import check
from sync.adapters.sqlite_log import hub_holes, hub_orders
from sync.adapters.sqlite_log.node_store import set_meta
from sync.domain.fleet.facts import loss_reported
from sync.kernel.fact import NewFact

LIVE = 1


@pytest.fixture
def eventually(world_of):
    return world_of[1]


def collected(store, stay: str) -> None:
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: 1793491200000,
            9: 1793491200000}  # fmt: skip
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def dropped_up_to(store, seq: int) -> None:
    """As pruning leaves it: nothing below, and the fact at `seq` as the anchor."""
    with store.write() as unit:
        stream = unit.conn.execute(
            "SELECT id FROM stream WHERE incarnation = ? AND lane = ?", (store.incarnation, LIVE)
        ).fetchone()[0]
        unit.conn.execute("DELETE FROM log WHERE stream = ? AND seq < ?", (stream, seq))
        unit.conn.execute("DELETE FROM pending WHERE stream = ? AND seq < ?", (stream, seq))
        set_meta(unit.conn, f"pruned.{stream}", seq)


def state_of(store) -> int:
    with store.read() as conn:
        return conn.execute(
            "SELECT state FROM stream WHERE incarnation = ? AND lane = ?", (store.incarnation, LIVE)
        ).fetchone()[0]


def held(world, node) -> list[int]:
    with world.hub.read() as conn:
        rows = conn.execute(
            "SELECT l.seq FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? AND s.lane = ? ORDER BY l.seq",
            (node, LIVE),
        )
        return [row[0] for row in rows]


def verified(world):
    """The hub's file as the stand-alone verifier sees it."""
    key = world.folder / "hub.key"
    key.write_bytes(world.hub._database._key32)
    return check(f"{world.folder / 'hub.db'}:{key}")


@pytest.mark.parametrize("carrier", ["mqtt", "https"])
@pytest.mark.row("H35.14")
def test_a_stream_waits_for_a_person_and_goes_on_behind_what_was_signed_as_lost(world, eventually, carrier) -> None:
    machine = world.machine()
    for n in range(9):
        collected(machine.store, f"610{n}-1")
    box = world.box(carrier, machine=machine, feeds=False)
    eventually(box.drained)
    world.wait_digested()
    dropped_up_to(machine.store, 6)
    world.lose_facts_of(machine.node)
    world.raise_epoch()
    collected(machine.store, "6109-1")
    box.link.call_now()
    eventually(lambda: state_of(machine.store) == 2)
    with world.hub.read() as conn:
        assert hub_holes.holes(conn, machine.node) == [(machine.store.incarnation, LIVE, 1, 6)]
    assert held(world, machine.node) == []
    collected(machine.store, "6110-1")  # it works on
    assert not box.drained()
    with world.hub.write(actor="u-admin") as unit:
        unit.append(loss_reported(machine.node, machine.store.incarnation, LIVE, 1, 6, "hole", "backup too old"))
    eventually(world.digested)
    world.post.deliver(machine.node, [world.voice.hello_wanted(machine.node)])
    eventually(box.drained)
    assert held(world, machine.node) == list(range(7, machine.store._heads[LIVE].last + 1))
    assert state_of(machine.store) == 0
    eventually(world.digested)
    assert len(world.hub.state(10, "6110-1").collections) == 1
    with world.hub.read() as conn:
        assert hub_holes.holes(conn, machine.node) == []
        assert [(loss.first, loss.last, loss.why) for loss in hub_orders.losses(conn)] == [(1, 6, "hole")]
    collected(machine.store, "6111-1")
    eventually(box.drained)
    assert verified(world).faults == []
    with world.hub.write() as unit:
        unit.conn.execute("DELETE FROM loss")
    assert "missing, the next row is 7" in verified(world).faults[0]


def test_a_batch_before_the_end_of_a_hole_is_no_duplicate_of_anything(world, eventually) -> None:
    """Whatever comes for numbers that were signed as lost is kept as evidence; the door stays open."""
    machine = world.machine()
    for n in range(5):
        collected(machine.store, f"620{n}-1")
    box = world.box("https", machine=machine, feeds=False)
    eventually(box.drained)
    with world.hub.write(actor="u-admin") as unit:
        stream = unit.conn.execute("SELECT id FROM stream WHERE node = ? AND lane = ?", (machine.node, LIVE)).fetchone()
        unit.conn.execute("DELETE FROM log WHERE stream = ? AND seq IN (2, 3)", (stream[0],))
    raw, _ = box.link._letters.batch((machine.store.incarnation, LIVE), 1, 3) or (b"", 0)
    world.door.receive(raw, "https", machine.node)
    assert world.hub_count("batch.equivocation") == 1
