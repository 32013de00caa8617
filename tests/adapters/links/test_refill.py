"""After a raised epoch nobody hears where feeds stand until the boxes have given back what the hub lost."""

from __future__ import annotations

import pytest

from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.feed_desk import FeedDesk
from hub.link.refill import Refill
from sync.adapters.clock import SystemClock
from sync.adapters.sqlite_log import outbox
from sync.kernel.limits import REFILL_S_MAX
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.batch import make_batch
from sync.protocol.hello import Hello, HelloStream
from sync.protocol.notices import Head

LABEL = "site"


class Later(SystemClock):
    """Time that a test moves."""

    more_s = 0.0

    def mono_s(self) -> float:
        return super().mono_s() + self.more_s


@pytest.fixture
def keeper(world) -> EpochKeeper:
    made = EpochKeeper(world.hub, world.folder / "epoch.json")
    made.settle()
    return made


def hello(world, machine, epoch: int) -> bytes:
    streams = tuple(HelloStream(s.incarnation, s.lane, s.last, 0, 1) for s in outbox.own_streams(machine.store))
    body = Hello("test", machine.store.incarnation, epoch, streams).body()
    return message.make_message(
        message.HELLO,
        body,
        signer=machine.node,
        audience=world.hub.node,
        epoch=epoch,
        signing_key=machine.signing,
        suite=suite1,
    )


def batch(world, machine) -> bytes:
    [own] = outbox.own_streams(machine.store)
    cut = outbox.cut(machine.store, own, 1, facts_max=9, bytes_max=65536)
    assert cut is not None
    return make_batch(
        node=machine.node, incarnation=own.incarnation, lane=own.lane, first=1, prev_hash=cut.prev_hash,
        items=cut.items, signing_key=machine.signing, hub_seal_key=suite1.sealing_public(world.voice.keys.sealing),
        suite=suite1,
)  # fmt: skip


def told(world, desk: FeedDesk, machine) -> list[str]:
    raw = desk.head_message(machine.node, [LABEL])
    opened = message.open_message(raw, keys=lambda _n, _k: world.voice.public, audience=machine.node, suite=suite1)
    return [scope.label for scope in Head.read(opened.body).scopes]


def test_heads_wait_until_every_machine_has_given_back_what_it_has(world, keeper) -> None:
    machine, quiet_one = world.machine(scopes=[LABEL]), world.machine()
    door = Door(world.hub, world.voice)
    door.receive(hello(world, machine, 1), "mqtt", machine.node)
    door.receive(batch(world, machine), "mqtt", machine.node)
    refill = Refill(world.hub)
    desk = FeedDesk(world.hub, world.feeds, world.voice, refill.keeps_back)
    assert not refill.look() and told(world, desk, machine) == [LABEL]

    world.lose_facts_of(machine.node)
    keeper.above(1)
    assert not refill.look() and refill.keeps_back()
    assert told(world, desk, machine) == [], "a message of heads that names none"
    assert refill.waits_for() == [machine.node], "not the one that nobody has seen"
    door.receive(hello(world, machine, 2), "mqtt", machine.node)
    assert not refill.look(), "it has told what it has, and not sent it"
    door.receive(batch(world, machine), "mqtt", machine.node)
    assert refill.look(), "all heads are to be told anew"
    assert told(world, desk, machine) == [LABEL]
    assert not refill.look() and not Refill(world.hub).look(), "once"
    assert quiet_one.node not in refill.waits_for()


def test_a_machine_that_stays_away_is_waited_for_a_quarter_of_an_hour(world, keeper) -> None:
    machine = world.machine(scopes=[LABEL])
    Door(world.hub, world.voice).receive(hello(world, machine, 1), "mqtt", machine.node)
    world.hub.clock = Later()
    refill = Refill(world.hub)
    keeper.above(1)
    assert not refill.look()
    world.hub.clock.more_s = REFILL_S_MAX - 60
    assert not refill.look() and refill.waits_for() == [machine.node]
    world.hub.clock.more_s = REFILL_S_MAX + 60
    assert refill.look() and not refill.keeps_back()


def test_a_restart_in_the_middle_goes_on_waiting(world, keeper) -> None:
    machine = world.machine(scopes=[LABEL])
    Door(world.hub, world.voice).receive(hello(world, machine, 1), "mqtt", machine.node)
    keeper.above(1)
    again = Refill(world.hub)
    assert not again.look() and again.keeps_back()
