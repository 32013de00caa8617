"""Where a batch stands in its stream, through the real door: gaps, overlaps, another history."""

from __future__ import annotations

import pytest

from hub.link.door import Door
from sync.adapters.sqlite_log import outbox
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.ack import FROZEN, OPEN, Ack, StreamAck, acked_digest
from sync.protocol.batch import make_batch
from sync.protocol.hello import Hello, HelloStream, Welcome


def notes(machine, n: int) -> None:
    with machine.store.write() as unit:
        for i in range(n):
            unit.append(NewFact(120, 50, machine.node, {1: f"note.n{i}", 5: True}))


def batch_of(world, machine, first: int, last: int, *, items=None) -> bytes:
    stream = next(s for s in outbox.own_streams(machine.store) if s.lane == 0)
    cut = outbox.cut(machine.store, stream, first, facts_max=last - first + 1, bytes_max=65536)
    assert cut is not None
    return make_batch(
        node=machine.node,
        incarnation=stream.incarnation,
        lane=0,
        first=first,
        prev_hash=cut.prev_hash,
        items=items or cut.items,
        signing_key=machine.signing,
        key_id=machine.key_id,
        hub_seal_key=suite1.sealing_public(world.voice.keys.sealing),
        suite=suite1,
    )


def told(world, machine, raw: bytes) -> StreamAck:
    answers = world.door.receive(raw, "mqtt", machine.node)
    opened = message.open_message(
        answers[-1], keys=lambda _n, _k: world.voice.public, audience=machine.node, suite=suite1
    )
    return Ack.read(opened.body).streams[0]


def test_a_later_batch_waits_for_the_one_before_it(world) -> None:
    machine = world.machine()
    notes(machine, 9)
    parked = told(world, machine, batch_of(world, machine, 6, 10))
    assert (parked.upto, parked.gaps) == (0, ((1, 5),))
    joined = told(world, machine, batch_of(world, machine, 1, 5))
    assert (joined.upto, joined.gaps) == (10, ())


@pytest.mark.row("F10.14")
def test_batches_of_other_borders_overlap_without_doubling(world) -> None:
    machine = world.machine()
    notes(machine, 9)
    assert told(world, machine, batch_of(world, machine, 1, 4)).upto == 4
    assert told(world, machine, batch_of(world, machine, 3, 8)).upto == 8
    assert told(world, machine, batch_of(world, machine, 1, 10)).upto == 10
    assert told(world, machine, batch_of(world, machine, 2, 5)).upto == 10
    assert world.facts_held(machine.node) == 10


def test_another_history_freezes_the_stream_and_is_kept_whole(world) -> None:
    """Same seq, other fact: evidence is stored, the acknowledgement stands still and says so."""
    machine = world.machine()
    notes(machine, 4)
    assert told(world, machine, batch_of(world, machine, 1, 3)).state == OPEN
    other = batch_of(world, machine, 2, 3, items=(b"\xa1\x01\x01", b"\xa1\x01\x02"))
    frozen = told(world, machine, other)
    assert (frozen.state, frozen.upto) == (FROZEN, 3)
    later = told(world, machine, batch_of(world, machine, 4, 5))
    assert (later.state, later.upto) == (FROZEN, 3)
    with world.hub.read() as conn:
        rows = conn.execute("SELECT code, raw FROM evidence WHERE node = ? ORDER BY id", (machine.node,)).fetchall()
    assert [row[0] for row in rows] == ["equivocation", "stream-frozen"]
    assert rows[0][1] == other
    assert world.hub_count("evidence.equivocation") == 1


@pytest.mark.parametrize("state", ("revoked", "closed", "frozen"))
@pytest.mark.row("H35.6")
def test_a_machine_that_is_shut_out_leaves_evidence_and_no_facts(world, state: str) -> None:
    machine = world.machine()
    notes(machine, 2)
    assert told(world, machine, batch_of(world, machine, 1, 1)).upto == 1
    world.set_state(machine.node, state)
    assert told(world, machine, batch_of(world, machine, 2, 3)).state == FROZEN
    assert world.facts_held(machine.node) == 1


def test_a_withheld_fact_is_filled_in_when_its_bytes_come(world) -> None:
    from sync.protocol.batch import Withheld

    machine = world.machine()
    notes(machine, 2)
    stream = next(s for s in outbox.own_streams(machine.store) if s.lane == 0)
    items = list(outbox.cut(machine.store, stream, 1, facts_max=3, bytes_max=65536).items)
    gap = [items[0], Withheld(suite1.hash(items[1])), items[2]]
    assert told(world, machine, batch_of(world, machine, 1, 3, items=gap)).upto == 3
    assert world.fact_bytes(machine.node, 2) == suite1.hash(items[1])
    assert told(world, machine, batch_of(world, machine, 1, 3)).upto == 3
    assert world.fact_bytes(machine.node, 2) == items[1]


def hello(world, machine, streams, acked_hashes) -> Welcome:
    """What the hub answers to a hello that names these streams, with `safe` at 3 for all of them."""
    door = Door(world.hub, world.voice, safe=lambda _stream: 3)
    body = Hello("test", machine.store.incarnation, 1, streams, acked_digest(suite1.hasher, acked_hashes)).body()
    raw = message.make_message(
        message.HELLO,
        body,
        signer=machine.node,
        audience=world.hub.node,
        epoch=1,
        signing_key=machine.signing,
        suite=suite1,
    )
    opened = message.open_message(
        door.receive(raw, "mqtt", machine.node)[-1],
        keys=lambda _n, _k: world.voice.public,
        audience=machine.node,
        suite=suite1,
    )
    return Welcome.read(opened.body)


def test_a_complete_stream_of_an_earlier_start_hears_how_far_it_is_safe(world) -> None:
    machine = world.machine()
    notes(machine, 9)
    upto = told(world, machine, batch_of(world, machine, 1, 10))
    assert upto.safe == 0, "no backup stands behind it"
    earlier = machine.store.incarnation
    machine.store.incarnation = 0
    machine.store._heads.clear()
    machine.store.start_incarnation("test")
    named = (HelloStream(earlier, 0, 10, 10, 1),)
    [ack] = hello(world, machine, named, [upto.h]).ack.streams
    assert (ack.incarnation, ack.upto, ack.safe) == (earlier, 10, 3)
    still = (HelloStream(earlier, 0, 11, 10, 1),)
    assert hello(world, machine, still, [upto.h]).ack.streams == (), "one that is being sent hears it with its marks"


def test_a_machine_ahead_of_a_hub_that_was_put_back_is_told_its_scopes_under_a_version_that_counts(world) -> None:
    machine = world.machine(scopes=["site", "ward:W12"])
    body = Hello("test", machine.store.incarnation, 1, (), scope_version=7).body()
    raw = message.make_message(
        message.HELLO,
        body,
        signer=machine.node,
        audience=world.hub.node,
        epoch=1,
        signing_key=machine.signing,
        suite=suite1,
    )
    opened = message.open_message(
        world.door.receive(raw, "mqtt", machine.node)[-1],
        keys=lambda _n, _k: world.voice.public,
        audience=machine.node,
        suite=suite1,
    )
    version, labels = Welcome.read(opened.body).scope_set
    row = world.hub.node_row(machine.node)
    assert row is not None and row.scope_version == version > 7 and labels == ("site", "ward:W12")
