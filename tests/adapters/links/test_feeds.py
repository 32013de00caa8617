"""What comes down: a copy equals what the hub placed, whenever it starts and whatever it missed."""

from __future__ import annotations

import pytest

from hub.link.door import Door
from sync.adapters.sqlite_log import down
from sync.kernel import canonical
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from sync.protocol import feed, message
from sync.protocol.hello import Hello, Welcome
from tests.waiting import until

STAYS = "site:stays"
PATIENCE_S = 15.0


def opened(world, n: int, start: int = 1000, ward: str = "W12") -> None:
    with world.hub.write() as unit:
        for i in range(start, start + n):
            body = {1: str(i), 2: "1", 3: ward, 4: "2026-11-01", 8: 1793491200000 + i, 9: f"c{i}"}
            unit.append(NewFact(40, 10, f"{i}-1", body))


def due(world, no: int, ward: str = "W12") -> None:
    body = {1: "甲某", 2: "F", 3: ward, 4: "2026-11-18", 5: str(no), 6: "1", 7: "JM"}
    with world.hub.write() as unit:
        unit.append(NewFact(60, 11, f"{no}-1", body))


def collected(store, stay: str) -> None:
    number = stay.split("-")[0]
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: number, 7: 1793491200000, 9: 1793491200000}
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def same_copy(world, box, label: str) -> bool:
    return world.digested() and box.copy(label) == world.placed(label)


@pytest.mark.parametrize("carrier", ("mqtt", "https"))
@pytest.mark.row("F10.1")
def test_a_new_subscriber_becomes_equal_and_stays_equal(world, carrier) -> None:
    opened(world, 700)
    until(world.digested)
    box = world.box(carrier, machine=world.machine(scopes=[STAYS, "ward:W12"]))
    until(lambda: same_copy(world, box, STAYS))
    assert len(box.copy(STAYS)) == 700
    opened(world, 30, start=5000)
    due(world, 5000)
    until(lambda: same_copy(world, box, STAYS) and len(box.copy(STAYS)) == 730)
    until(lambda: same_copy(world, box, "ward:W12") and len(box.copy("ward:W12")) == 1)


def test_own_facts_come_back_as_the_hubs_and_count_once(world) -> None:
    opened(world, 3)
    box = world.box("mqtt", machine=world.machine(scopes=[STAYS]))
    until(lambda: same_copy(world, box, STAYS) and len(box.copy(STAYS)) == 3)
    collected(box.store, "1001-1")
    assert len(box.store.state(10, "1001-1").collections) == 1
    until(lambda: box.drained() and same_copy(world, box, STAYS))
    assert len(box.store.state(10, "1001-1").collections) == 1
    with box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM pending").fetchone()[0] == 0


def test_a_fact_that_comes_late_travels_as_a_fresh_state(world) -> None:
    """B repaired its copy, so a checkpoint was published; A's older fact sorts below it."""
    opened(world, 2)
    first = world.machine(scopes=[STAYS])
    collected(first.store, "1001-1")
    later = world.box("mqtt", machine=world.machine(scopes=[STAYS]))
    until(lambda: same_copy(world, later, STAYS) and len(later.copy(STAYS)) == 2)
    collected(later.store, "1001-1")
    until(lambda: later.drained() and same_copy(world, later, STAYS))
    fresh = world.box("mqtt", machine=world.machine(scopes=[STAYS]))
    until(lambda: same_copy(world, fresh, STAYS))
    late = world.box("mqtt", machine=first)
    until(late.drained)
    until(world.digested)
    last = [e for e in world.entries(STAYS) if not isinstance(e, feed.EvictEntry)][-1]
    assert isinstance(last, feed.StateEntry)
    for box in (later, fresh, late):
        until(lambda box=box: same_copy(world, box, STAYS))
        assert len(box.store.state(10, "1001-1").collections) == 2


@pytest.mark.row("A05.9")
def test_an_entity_that_leaves_a_scope_leaves_the_machine(world) -> None:
    due(world, 1001)
    box = world.box("mqtt", machine=world.machine(scopes=["ward:W12"]))
    until(lambda: len(box.copy("ward:W12")) == 1)
    with world.hub.write() as unit:
        unit.append(NewFact(62, 11, "1001-1", {}))
    until(lambda: same_copy(world, box, "ward:W12") and not box.copy("ward:W12"))
    assert box.store.state(11, "1001-1") is None


def test_a_scope_taken_away_takes_its_copies_along(world) -> None:
    opened(world, 5)
    due(world, 1001)
    machine = world.machine(scopes=[STAYS, "ward:W12"])
    box = world.box("mqtt", machine=machine)
    until(lambda: same_copy(world, box, STAYS) and len(box.copy("ward:W12")) == 1)
    world.set_scopes(machine.node, [STAYS])
    box.link.call_now()
    until(lambda: box.store.state(11, "1001-1") is None)
    assert len(box.copy(STAYS)) == 5


def test_a_copy_that_was_tampered_with_is_found_and_mended(world) -> None:
    opened(world, 50)
    box = world.box("mqtt", machine=world.machine(scopes=[STAYS]))
    until(lambda: same_copy(world, box, STAYS) and len(box.copy(STAYS)) == 50)
    with box.store.write() as unit:
        unit.conn.execute("DELETE FROM entity WHERE key = '1007-1'")
        unit.conn.execute("DELETE FROM member WHERE key = '1008-1'")
        unit.conn.execute("UPDATE cursor SET to_repair = 1")
    opened(world, 1, start=9000)
    until(lambda: same_copy(world, box, STAYS) and len(box.copy(STAYS)) == 51)


@pytest.mark.row("H35.5")
def test_who_does_not_hold_a_scope_is_not_served_it(world) -> None:
    opened(world, 2)
    until(world.digested)
    machine = world.machine(scopes=["site"])
    feeds = world.feeds_of(machine)
    with pytest.raises(Exception, match="scope-not-held"):
        feeds.segment(STAYS, world.hub.epoch, 1)
    with pytest.raises(Exception, match="scope-not-held"):
        feeds.repair(STAYS, b"")


def test_a_tail_fetched_for_a_scope_that_was_taken_away_is_left_alone(world) -> None:
    """The line was slow, the order to leave the ward was not: no name may come back onto the machine."""
    due(world, 1001)
    until(world.digested)
    machine = world.machine(scopes=["ward:W12"])
    down.set_scopes(machine.store, 2, ["site"])
    entries = world.entries("ward:W12")
    down.apply_round(machine.store, [down.Tail("ward:W12", 1, len(entries), bytes(32), entries)], 1)
    [fact] = entries
    down.apply_repair(machine.store, "ward:W12", 1, 1, bytes(32), [(11, "1001-1", bytes(16))], frozenset(), [], 1)
    assert isinstance(fact, feed.FactEntry)
    assert machine.store.state(11, "1001-1") is None
    with machine.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM member").fetchone()[0] == 0


@pytest.mark.row("H35.5")
def test_a_copy_whose_membership_was_lost_goes_when_a_scope_is_left(world) -> None:
    """No comparison with the hub finds it then: the box no longer asks about that scope."""
    due(world, 1001)
    until(world.digested)
    machine = world.machine(scopes=["ward:W12"])
    down.set_scopes(machine.store, 2, ["ward:W12"])
    entries = world.entries("ward:W12")
    down.apply_round(machine.store, [down.Tail("ward:W12", 1, len(entries), bytes(32), entries)], 1)
    assert machine.store.state(11, "1001-1") is not None
    with machine.store.write() as unit:
        unit.conn.execute("DELETE FROM member")
    down.set_scopes(machine.store, 3, ["site"])
    assert machine.store.state(11, "1001-1") is None
    with machine.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM copy_fact").fetchone()[0] == 0


def test_a_rejected_fact_is_counted_once_however_often_it_is_told(world) -> None:
    machine = world.machine()
    machine.store.role = "hub"
    with machine.store.write() as unit:
        unit.append(NewFact(43, 10, "1001-1", {8: 1, 9: "c"}), lane=1)
    box = world.box("mqtt", machine=machine)
    until(lambda: box.drained() and box.counted("reject.fact.role") == 1)
    assert machine.store.state(10, "1001-1") is None
    for _ in range(3):
        collected(machine.store, "1002-1")
        until(box.drained)
    assert box.counted("reject.fact.role") == 1


def test_a_rejected_fact_of_a_complete_stream_is_told_with_every_welcome(world) -> None:
    """The acknowledgement that told it may have been lost, and the box may have been started anew since."""
    machine = world.machine()
    machine.store.role = "hub"
    with machine.store.write() as unit:
        unit.append(NewFact(43, 10, "1001-1", {8: 1, 9: "c"}), lane=1)
    box = world.box("mqtt", machine=machine)
    until(lambda: box.drained() and box.counted("reject.fact.role") == 1)
    hello = Hello("test", 99, 1, ())
    raw = message.make_message(
        message.HELLO,
        hello.body(),
        signer=machine.node,
        audience=world.hub.node,
        epoch=1,
        signing_key=machine.signing,
        suite=suite1,
    )
    answer = Door(world.hub, world.voice).receive(raw, "mqtt", machine.node)[-1]
    told = Welcome.read(canonical.decode(answer[message.SIGNED_BYTES :])).ack.streams
    assert [(each.incarnation, each.lane) for each in told] == [(machine.store.incarnation, 1)]
    assert [(seq, code) for seq, code, _ in told[0].rejects] == [(2, "fact.role")]
