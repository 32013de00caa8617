"""A box that is told nonsense: over the broker, by long poll and in the answers to its questions.

Whatever is wrong is counted and changes nothing; the next true word is obeyed. Most of it bears the hub's own
signature: a centre with a bug must not break the machines either.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import cbor2
import pytest

from hub.link.post import WAITING_MAX
from provisioning.trust.broker_rules import Rules
from sync.adapters.mqtt_link import TRUST_TOPIC, ack_topic, batch_topic, head_topic, new_client
from sync.kernel.fact import NewFact
from sync.protocol import message
from sync.protocol.ack import Ack, Credit, StreamAck
from sync.protocol.hello import Welcome
from sync.protocol.lease import NUMBER, STANDS, Lease, LeaseWord
from sync.protocol.notices import HELLO_WANTED, THAW, Notice, Order
from sync.protocol.trust import Identity
from tests.adapters.bad_input.envelopes import Kind, of_types, short_kinds
from tests.adapters.links.conftest import HUB, Box, Machine, World
from tests.adapters.links.test_feeds import opened, same_copy
from tests.waiting import until

STAYS = "site:stays"
TOGETHER = 400
"""Fewer than a link's queue holds: what comes beyond that is dropped, and asked for again."""

Report = Callable[[str, int], None]


@pytest.fixture
def report(capfd: pytest.CaptureFixture[str]) -> Report:
    """Prints how many kinds a door was given, also where output is captured."""

    def say(door: str, kinds: int) -> None:
        with capfd.disabled():
            print(f"\n  {door}: {kinds} kinds", end="")

    return say


def words(world: World, machine: Machine, incarnation: int) -> list[Kind]:
    """Everything that the hub may say to one machine, wrong."""
    key, now = world.voice.keys.signing, world.voice.hub_time()
    stream = StreamAck(incarnation, 0, 1, bytes(32), 0, ((2, 3),), ((2, "batch.chain"),), ((1, "fact.role", 1),), 0)
    ack = Ack((stream,), now, Credit(1, 1, 0, 1), ((bytes(32), False),))
    lease = Lease(bytes(16), NUMBER, "tickets:hall", machine.node, now, incarnation, 1, 10)
    told: list[tuple[int, Any]] = [
        (message.ACK, ack.body()),
        (message.WELCOME, Welcome((incarnation, 1), ack, wanted=(1,), scope_set=(9, ("site",))).body()),
        (message.LEASE, LeaseWord(STANDS, lease=lease, answers=(incarnation, 1)).body()),
        (message.ORDER, Order(1, THAW, (incarnation, 0), 1, 1, 1, bytes(32)).body()),
        (message.NOTICE, Notice(HELLO_WANTED, now, bytes(32)).body()),
        (message.TRUST, dict(cbor2.loads(world.bundle.raw[message.SIGNED_BYTES :])) | {1: 99}),
        (message.IDENTITY, Identity("courier-zzzzzzzz", "courier", 1, *(bytes(32),) * 3, 1).body()),
    ]
    made = [kind for type, body in told for kind in short_kinds(type, body, key, HUB, machine.node)]
    unheard = set(message.NAMES) - {type for type, _ in told} - {message.HEAD}
    made += of_types(sorted(unheard), key, HUB, machine.node)
    by_nobody = random.Random(1).randbytes(32)
    made += of_types(sorted(message.NAMES), by_nobody, HUB, machine.node)
    return [kind for kind in made if kind.raw]


def standing(box: Box) -> list[Any]:
    """What a wrong word must not move."""
    with box.store.read() as conn:
        rows: list[Any] = []
        for query in (
            "SELECT own, lane, last, acked, state FROM stream ORDER BY id",
            "SELECT label, epoch, sseq, to_repair FROM cursor ORDER BY label",
            "SELECT count(*) FROM lease",
            "SELECT count(*) FROM entity",
            "SELECT value FROM meta WHERE name = 'scope_version'",
        ):
            rows.append(conn.execute(query).fetchall())
    return rows


@contextmanager
def second_mouth(world: World, node: str) -> Iterator[Callable[[list[bytes]], None]]:
    """Another worker of the hub, which says to one machine whatever it is given, on all topics that one hears."""
    name = f"{HUB}.w9"
    workers = frozenset({f"{HUB}.w1", name})
    world.broker.tell(Rules(workers=workers, scopes=dict(world.scopes)))
    client, up = new_client(name, world.tls(name), queue_max=0), threading.Event()
    client.on_connect = lambda *_: up.set()
    client.connect("127.0.0.1", world.broker.port, keepalive=60, clean_start=True)
    client.loop_start()
    assert up.wait(30)
    topics = (ack_topic(node), batch_topic(node), TRUST_TOPIC, head_topic(STAYS))

    def say(words: list[bytes]) -> None:
        for n, raw in enumerate(words):
            client.publish(topics[n % len(topics)], raw, qos=1)

    yield say
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("carrier", ("mqtt", "https"))
@pytest.mark.row("H35.7")
def test_wrong_words_are_counted_and_change_nothing(
    world: World, carrier: str, report: Report, capfd: pytest.CaptureFixture[str]
) -> None:
    opened(world, 3)
    machine = world.machine(scopes=[STAYS])
    box = world.box(carrier, machine=machine)
    until(lambda: box.drained() and same_copy(world, box, STAYS))
    kinds = words(world, machine, box.store.incarnation)
    before, counted = standing(box), sum(box.link.counts.values())
    with ExitStack() as stack:
        if carrier == "mqtt":
            say, together = stack.enter_context(second_mouth(world, machine.node)), TOGETHER
        else:
            world.post.reach_by(None)
            say, together = partial(world.post.deliver, machine.node), WAITING_MAX
        for at in range(0, len(kinds), together):
            some = [kind.raw for kind in kinds[at : at + together]]
            say(some)
            counted += len(some)
            until(lambda wanted=counted: sum(box.link.counts.values()) >= wanted)
    assert standing(box) == before
    assert "bug in" not in capfd.readouterr().err
    report(f"box, words by {carrier}", len(kinds))
    with box.store.write() as unit:
        unit.append(NewFact(120, 50, machine.node, {1: "note", 5: True}))
    until(box.drained)
