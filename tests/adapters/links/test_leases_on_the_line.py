"""Leases over every carrier, asked for by a box and granted by the hub's office, with the box's own link between."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.link.letters import Letters
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.door import Offer
from sync.adapters.leases import hub_tables
from sync.adapters.leases.hub_tables import Wish
from sync.kernel.outcome import Refused
from sync.kernel.suite import suite1
from sync.protocol import lease as words
from sync.protocol.lease import Ask

CARRIERS = ("mqtt", "https", "stick")
RECORDS = "record:W12"


@pytest.mark.row("G18.2")
@pytest.mark.parametrize("carrier", CARRIERS)
def test_blocks_come_and_are_refilled_over_every_carrier(world_of: Any, carrier: str) -> None:
    world, eventually, _ = world_of
    box = world.box(carrier)
    leases, resource = box.machine.leases, f"ticket:{carrier}"
    leases.want_numbers(resource, 10)
    eventually(lambda: len(leases.listing()) == 2)
    drawn = []
    for _ in range(8):
        with box.store.write() as unit:
            drawn.append(leases.next_number(unit, resource).text)
    for _ in range(12):
        with box.store.write() as unit:
            drawn.append(leases.next_number(unit, resource).text)
        eventually(lambda: len(leases.listing()) >= 2)
    assert drawn == [str(n) for n in range(1, 21)]


@pytest.mark.row("E05.1")
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_grant_is_pushed_used_and_taken_back(world_of: Any, carrier: str) -> None:
    world, eventually, _ = world_of
    box = world.box(carrier)
    leases, node = box.machine.leases, box.machine.node
    eventually(lambda: box.link.state == "talking")
    raw = world.office.grant(world.hub.node_row(node), Wish(words.READ, RECORDS, 3, 3600, 3600), "u-admin")
    world.post.deliver(node, [raw])
    if carrier == "stick":
        box.link.call_now()  # nothing is pushed on a stick: the next file brings it
    (lease,) = eventually(lambda: leases.usable(words.READ, RECORDS))
    with box.store.write() as unit:
        assert not isinstance(leases.use(unit, lease.id), Refused)
    eventually(lambda: used_at(world, lease.id) == 1)
    told = world.office.void(lease.id, "u-admin")
    assert not isinstance(told, Refused)
    world.post.deliver(node, [told[1]])
    if carrier == "stick":
        box.link.call_now()
    eventually(lambda: not leases.listing())
    eventually(lambda: state_at(world, lease.id) == "closed")


@pytest.mark.row("E05.3")
def test_two_boxes_want_the_same_thing_alone(world_of: Any) -> None:
    world, eventually, _ = world_of
    boxes = [world.box("mqtt"), world.box("https")]
    for box in boxes:
        box.machine.leases.hold("shelf:A1", 600)

    def held() -> list[Any]:
        return [box.machine.leases.hold("shelf:A1", 600) for box in boxes]

    eventually(lambda: sum(not isinstance(each, Refused) for each in held()) == 1)
    eventually(lambda: any(isinstance(each, Refused) and each.code == "lease.held" for each in held()))
    assert sum(not isinstance(each, Refused) for each in held()) == 1


@pytest.mark.row("G18.1")
def test_a_line_that_loses_and_doubles_gives_no_number_twice(world_of: Any) -> None:
    world, eventually, _ = world_of
    boxes = [world.box("https", seed=seed, lose=0.2, double=0.2) for seed in (3, 4)]
    drawn: list[str] = []
    for box in boxes:
        box.machine.leases.want_numbers("ticket:bad-line", 5)
    for _ in range(12):
        for box in boxes:
            with box.store.write() as unit:
                drawn.append(box.machine.leases.next_number(unit, "ticket:bad-line").text)
    for box in boxes:
        for meddler in box.meddlers.values():
            meddler.mend()
    eventually(lambda: all(len(box.machine.leases.listing()) >= 2 for box in boxes))
    for _ in range(6):
        for box in boxes:
            with box.store.write() as unit:
                drawn.append(box.machine.leases.next_number(unit, "ticket:bad-line").text)
    assert len(set(drawn)) == len(drawn)


def used_at(world: Any, lease: bytes) -> int:
    with world.hub.read() as conn:
        row = hub_tables.by_id(conn, lease)
    return 0 if row is None else row.used


def state_at(world: Any, lease: bytes) -> str:
    with world.hub.read() as conn:
        row = hub_tables.by_id(conn, lease)
    return "" if row is None else row.state


def test_an_ask_of_another_machine_is_refused(world_of: Any) -> None:
    world, _, _ = world_of
    one, two = world.machine(), world.machine()
    book = TrustBook(BoxKeys(one.node, one.signing, suite=suite1), world.bundle.raw, lambda raw: None)
    raw = Letters(one.store, book, "test").ask(Ask(1, words.WANT, one.store.incarnation, words.NUMBER, "ticket:x", 5))
    assert world.door.receive_many([Offer(raw, "https", two.node)]).refused == ["message.foreign"]
    assert world.door.receive_many([Offer(raw, "https", one.node)]).refused == [None]
