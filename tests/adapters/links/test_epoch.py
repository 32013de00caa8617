"""A hub that was put back learns it: from the file beside its database, or from a machine that shows its signature."""

from __future__ import annotations

import pytest

from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.monotone import read_monotone
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.batch import make_batch
from sync.protocol.hello import Hello, HelloStream, Welcome


@pytest.fixture
def keeper(world) -> EpochKeeper:
    made = EpochKeeper(world.hub, world.folder / "epoch.json")
    made.settle()
    return made


def opening(world, machine) -> bytes:
    """The machine's first fact, as a batch."""
    [own] = outbox.own_streams(machine.store)
    cut = outbox.cut(machine.store, own, 1, facts_max=1, bytes_max=65536)
    assert cut is not None
    return make_batch(
        node=machine.node,
        incarnation=own.incarnation,
        lane=own.lane,
        first=1,
        prev_hash=cut.prev_hash,
        items=cut.items,
        signing_key=machine.signing,
        hub_seal_key=suite1.sealing_public(world.voice.keys.sealing),
        suite=suite1,
    )


def put_back(world, tick: int) -> None:
    """The database as it was at an earlier tick."""
    with world.hub.write() as unit:
        set_meta(unit.conn, "tick", tick)


def test_a_plain_restart_raises_nothing(world, keeper) -> None:
    keeper.tick()
    EpochKeeper(world.hub, world.folder / "epoch.json").settle()
    assert world.hub.epoch == 1


def test_a_database_behind_its_file_was_put_back(world, keeper) -> None:
    keeper.tick()
    keeper.tick()
    put_back(world, 2)
    EpochKeeper(world.hub, world.folder / "epoch.json").settle()
    assert world.hub.epoch == 2
    EpochKeeper(world.hub, world.folder / "epoch.json").settle()
    assert world.hub.epoch == 2


@pytest.mark.parametrize("damage", ["gone", "no JSON", "other fields", "no number"])
def test_a_hub_in_service_does_not_start_without_its_file(world, keeper, damage) -> None:
    path = world.folder / "epoch.json"
    keeper.tick()
    if damage == "gone":
        path.unlink()
    else:
        path.write_text(
            {"no JSON": "{", "other fields": '{"when": 1}', "no number": '{"epoch": "9", "tick": 1}'}[damage]
        )
    with pytest.raises(Unavailable, match=r"hub\.epoch-file"):
        EpochKeeper(world.hub, path).settle()


def test_a_shown_signature_above_what_the_hub_holds_raises_the_epoch_once(world, keeper) -> None:
    machine = world.machine()
    door = Door(world.hub, world.voice, behind=keeper.above)
    receipt = door.receive(opening(world, machine), "mqtt", machine.node)[-1]
    door.receive(receipt, "mqtt", machine.node)
    assert world.hub.epoch == 1
    world.lose_facts_of(machine.node)
    door.receive(receipt, "mqtt", machine.node)
    assert world.hub.epoch == 2
    door.receive(receipt, "mqtt", machine.node)
    assert world.hub.epoch == 2


def test_a_welcome_that_signed_for_facts_is_a_receipt_too(world, keeper) -> None:
    """Where the acknowledgement itself was lost, the next greeting is all that the machine has in hand."""
    machine = world.machine()
    door = Door(world.hub, world.voice, behind=keeper.above)
    door.receive(opening(world, machine), "mqtt", machine.node)
    welcome = door.receive(hello_of(world, machine, 1, number=2, acked=0), "https", machine.node)[-1]
    assert message.parse_short_header(welcome).type == message.WELCOME
    world.lose_facts_of(machine.node)
    assert door.receive(welcome, "https", machine.node) == []
    assert world.hub.epoch == 2


def test_a_receipt_is_believed_for_our_signature_and_from_its_own_machine_alone(world, keeper) -> None:
    machine, other = world.machine(), world.machine()
    door = Door(world.hub, world.voice, behind=keeper.above)
    receipt = door.receive(opening(world, machine), "mqtt", machine.node)[-1]
    world.lose_facts_of(machine.node)
    forged = receipt[:-1] + bytes((receipt[-1] ^ 1,))
    assert door.receive(forged, "mqtt", machine.node) == []
    assert door.receive(receipt, "mqtt", other.node) == []
    assert world.hub.epoch == 1
    assert world.hub_count("refused.message.foreign") == 1


def hello_of(world, machine, epoch: int, number: int = 1, acked: int = 1) -> bytes:
    [own] = outbox.own_streams(machine.store)
    hello = Hello("test", own.incarnation, number, (HelloStream(own.incarnation, 0, 1, acked, 1),))
    return message.make_message(
        message.HELLO,
        hello.body(),
        signer=machine.node,
        audience=world.hub.node,
        epoch=epoch,
        signing_key=machine.signing,
        suite=suite1,
    )


def test_a_machine_that_has_seen_a_higher_epoch_is_answered_above_it(world, keeper) -> None:
    machine = world.machine()
    door = Door(world.hub, world.voice, behind=keeper.above)
    raw = door.receive(hello_of(world, machine, 9), "https", machine.node)[-1]
    welcome = message.open_message(raw, keys=lambda _n, _k: world.voice.public, audience=machine.node, suite=suite1)
    assert welcome.epoch == world.hub.epoch == 10
    assert Welcome.read(welcome.body).answers[1] == 1


def test_one_machine_cannot_use_up_the_epochs(world, keeper) -> None:
    machine = world.machine()
    door = Door(world.hub, world.voice, behind=keeper.above)
    assert door.receive(hello_of(world, machine, 2**32 - 1), "https", machine.node) == []
    assert world.hub.epoch == 1
    assert world.hub_count("refused.message.epoch") == 1


def test_an_operator_states_an_epoch_where_the_file_is_lost(world, keeper) -> None:
    path = world.folder / "epoch.json"
    keeper.tick()
    path.write_text("{")
    with pytest.raises(Unavailable, match=r"hub\.epoch-low"):
        EpochKeeper(world.hub, path).settle(1)
    EpochKeeper(world.hub, path).settle(7)
    assert world.hub.epoch == 7
    EpochKeeper(world.hub, path).settle(7)
    assert world.hub.epoch == 7, "a start command that keeps naming it raises nothing"
    EpochKeeper(world.hub, path).settle()
    assert world.hub.epoch == 7


def test_nothing_in_the_file_falls(world, keeper) -> None:
    keeper.reserve("ticket:W01", 40)
    keeper.reserve("ticket:W01", 20)
    keeper.reserve("ticket:W02", 3)
    keeper.rely_on(2_000)
    keeper.rely_on(1_000)
    keeper.tick()
    again = EpochKeeper(world.hub, world.folder / "epoch.json")
    assert (again.mark("ticket:W01"), again.mark("ticket:W02"), again.mark("ticket:W03")) == (40, 3, 0)
    held = read_monotone(world.folder / "epoch.json")
    assert held is not None
    assert (held.relied_ms, held.tick, held.epoch) == (2_000, 2, 1)


def test_the_file_of_the_first_version_is_read(world) -> None:
    path = world.folder / "epoch.json"
    path.write_text('{"epoch": 4, "tick": 9}')
    EpochKeeper(world.hub, path).settle()
    assert world.hub.epoch == 5, "the database never ticked so far: it was put back"
