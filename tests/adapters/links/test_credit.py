"""After an outage: bulk goes by turns, live goes at once, and every turn is told to whom it belongs."""

from __future__ import annotations

import pytest

from hub.link.digester import DRAIN_RUN_FACTS, RUN_FACTS, Digester
from hub.link.door import LONG_PIECES, Offer
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.digest import digest_some
from sync.kernel.fact import NewFact
from sync.kernel.ids import BULK
from sync.kernel.limits import BACKLOG_FACTS, CREDIT_BATCHES, CREDIT_NODES_MAX
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.ack import Ack
from sync.protocol.batch import make_batch
from sync.protocol.hello import Hello, HelloStream, Welcome

BULK_FACTS = 2600


def backlog(store, n: int = BULK_FACTS) -> None:
    with store.write() as unit:
        for i in range(n):
            unit.append(NewFact(120, 50, store.node, {1: f"note.n{i}", 5: True}), lane=BULK)


def collect(store, stay: str) -> None:
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: 1, 9: 1}
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


@pytest.mark.parametrize("carrier", ["mqtt", "https", "stick"])
def test_bulk_and_live_drain_over_every_carrier(world, patiently, carrier) -> None:
    machine = world.machine()
    backlog(machine.store)
    box = world.box(carrier, machine=machine)
    collect(machine.store, "3000-1")
    patiently(box.drained)
    assert world.facts_held(machine.node) == box.ledger()[0]


def test_bulk_that_comes_later_asks_and_gets_its_turn(world, patiently) -> None:
    box = world.box("mqtt")
    patiently(box.drained)
    backlog(box.store, 40)
    patiently(box.drained)


def greet(world, machine, facts: int, number: int = 1) -> Welcome:
    body = Hello("test", 7, number, (HelloStream(7, BULK, facts, 0, 1),)).body()
    raw = message.make_message(
        message.HELLO,
        body,
        signer=machine.node,
        audience=world.hub.node,
        epoch=1,
        signing_key=machine.signing,
        suite=suite1,
    )
    answers = world.door.receive_many([Offer(raw, "mqtt", machine.node)]).answers[machine.node]
    return Welcome.read(opened(world, answers[-1]).body)


def opened(world, raw: bytes) -> message.Message:
    return message.open_message(raw, keys=lambda signer, key_id: world.voice.public, suite=suite1)


@pytest.mark.row("H01.1")
def test_a_crowd_gets_turns_in_a_row_and_the_next_one_is_told_when_its_turn_comes(world) -> None:
    machines = [world.machine() for _ in range(CREDIT_NODES_MAX + 2)]
    credits = [greet(world, machine, 5000).ack.credit for machine in machines]
    assert [credit.batches for credit in credits] == [CREDIT_BATCHES] * CREDIT_NODES_MAX + [0, 0]
    assert 0 < credits[-2].not_before_ms <= credits[-1].not_before_ms

    fact = b"\xa0" + bytes(60_000)
    first, turns = machines[0], []
    for n in range(1, 4):
        raw = make_batch(
            node=first.node, incarnation=7, lane=BULK, first=n, prev_hash=bytes(32), items=[fact],
            signing_key=first.signing, hub_seal_key=None, backlog=True, suite=suite1,
)  # fmt: skip
        turns += world.door.receive_many([Offer(raw, "mqtt", first.node)]).turns
    assert turns == [], "a batch that proved bad spends nothing"

    done = Hello("test", 7, 2, (HelloStream(7, BULK, 0, 0, 1),)).body()
    raw = message.make_message(
        message.HELLO,
        done,
        signer=first.node,
        audience=world.hub.node,
        epoch=1,
        signing_key=first.signing,
        suite=suite1,
    )
    turns = world.door.receive_many([Offer(raw, "mqtt", first.node)]).turns
    assert [node for node, _ in turns] == [machines[CREDIT_NODES_MAX].node]
    told = Ack.read(opened(world, turns[0][1]).body)
    assert told.streams == () and told.credit is not None and told.credit.batches == CREDIT_BATCHES


def test_a_node_with_nothing_to_drain_is_told_nothing_of_credit(world) -> None:
    assert greet(world, world.machine(), 0).ack.credit is None


def test_hellos_that_come_together_are_kept_in_one_commit_and_each_is_answered(world) -> None:
    machines = [world.machine() for _ in range(6)]
    body = Hello("test", 7, 1, ()).body()
    raws = [
        message.make_message(
            message.HELLO,
            body,
            signer=each.node,
            audience=world.hub.node,
            epoch=1,
            signing_key=each.signing,
            suite=suite1,
        )
        for each in machines
    ]
    commits = []
    world.hub.point, before = lambda name: commits.append(name), world.hub.point
    offers = [Offer(raw, "mqtt", each.node) for raw, each in zip(raws, machines, strict=True)]
    outcome = world.door.receive_many([Offer(raws[0], "mqtt", machines[1].node), *offers, Offer(b"x", "mqtt", None)])
    world.hub.point = before
    assert commits.count("hello.note:after") == 1
    assert [code is None for code in outcome.refused] == [False, *[True] * 6, False]
    assert all(Welcome.read(opened(world, outcome.answers[each.node][-1]).body).answers == (7, 1) for each in machines)
    for each in machines:
        with world.hub.read() as conn:
            assert (
                conn.execute("SELECT hello FROM node WHERE node = ?", (each.node,)).fetchone()[0]
                == raws[machines.index(each)]
            )


def crowd(world, monkeypatch) -> None:
    """A long backlog has come in, and the door goes on taking it for one that comes in just now."""
    monkeypatch.setattr("hub.link.door.DRAIN_S", 600.0)
    machine = world.machine()
    backlog(machine.store, BACKLOG_FACTS)
    own = next(each for each in outbox.own_streams(machine.store) if each.lane == BULK)
    cut = outbox.cut(machine.store, own, 1, facts_max=BACKLOG_FACTS, bytes_max=10**6)
    piece = make_batch(
        node=machine.node, incarnation=own.incarnation, lane=BULK, first=1, prev_hash=cut.prev_hash, items=cut.items,
        signing_key=machine.signing, hub_seal_key=suite1.sealing_public(world.voice.keys.sealing), suite=suite1,
    )  # fmt: skip
    world.door.receive_many([Offer(piece, "mqtt", machine.node)] * LONG_PIECES)
    assert world.door.crowded


def test_while_a_long_backlog_comes_in_the_digest_takes_short_turns(world, patiently, monkeypatch) -> None:
    world.digester.stop()
    coming, runs = [True], []

    def counted(store, feeds, follow, facts, hurry):
        runs.append((coming[0], facts))
        return digest_some(store, feeds, follow, facts, hurry)

    monkeypatch.setattr("hub.link.digester.digest_some", counted)
    backlog(world.hub, 40 * DRAIN_RUN_FACTS)
    crowd(world, monkeypatch)
    behind = Digester(world.hub, world.feeds, world.door, world.voice, world.post)
    behind.start()
    try:
        patiently(lambda: len(runs) >= 2)
        assert behind.lag() > 0 and {facts for came, facts in runs if came} == {DRAIN_RUN_FACTS}
        monkeypatch.setattr("hub.link.door.DRAIN_S", 0.0)
        coming[0] = False
        patiently(lambda: behind.lag() == 0)
    finally:
        behind.stop()
    assert runs[-1] == (False, RUN_FACTS)


def test_while_the_digest_is_behind_a_scope_that_moves_is_told_seldom_and_once_more_in_the_end(
    world, patiently, monkeypatch
) -> None:
    world.digester.stop()
    machine = world.machine()
    for n in range(6 * DRAIN_RUN_FACTS):
        collect(machine.store, f"{4000 + n}-1")
    box = world.box("mqtt", machine=machine, feeds=False)
    patiently(box.drained)
    crowd(world, monkeypatch)
    behind = Digester(world.hub, world.feeds, world.door, world.voice, world.post)
    monkeypatch.setattr("hub.link.digester.CROWD_TELL_S", 3.0)
    moved: list[int] = []
    monkeypatch.setattr(world.post, "moved", lambda labels: moved.append(behind.lag()))
    behind.start()
    try:
        patiently(lambda: moved[-1:] == [0])
    finally:
        behind.stop()
    assert moved[0] > 0, "the first time at once"
    assert len(moved) < 6, "six runs moved the scope"
