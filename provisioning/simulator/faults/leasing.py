"""What people do with leases: numbers on tickets, shelves held alone, reads and prints that somebody granted.

Each is drawn like a kind of fault, so that most schedules are about something else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.faults.boxes import put_back
from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.promises import TICKETS, content_keys
from sync.adapters.leases import hub_tables
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.fleet import facts as fleet
from sync.kernel.outcome import Refused, Unavailable
from sync.protocol.lease import GLASS, PRINT, READ, Lease

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

SHELVES = ("shelf:A1", "shelf:B2")
RECORD, COPY = "record:W12", "copy:W12"
HUB_CLOCK_S = 2 * 3600.0
"""How far two steps of a wrong hub clock may put a term off."""


def _numbers(world: World, event: Event) -> None:
    """People come to a box for numbers, for some minutes."""
    box, rng = world.boxes[event.who], event.draw
    for at_s in sorted(rng.uniform(0.1, 150) for _ in range(rng.randint(3, 10))):
        world.after(at_s, f"{box.label} gives a number", partial(_number, world, box))


def _number(world: World, box: Box) -> None:
    drawn: list[str] = []

    def write(unit: Unit) -> None:
        number = box.leases.next_number(unit, TICKETS)
        unit.append(replace(fleet.noted(box.node, "list.exported", detail=number.text), lease=number.lease))
        drawn.append(number.text)

    if box.act(write):
        world.hit("numbers")
        world.promises.prints(TICKETS, drawn[0], box.store.incarnation)


def _hold(world: World, event: Event) -> None:
    """Somebody wants a shelf alone, and works there for a while, if it is theirs."""
    box, rng = world.boxes[event.who], event.draw
    shelf, lasts_s = rng.choice(SHELVES), rng.choice((60, 180, 600))
    for at_s in sorted(rng.uniform(0.1, 300) for _ in range(rng.randint(2, 6))):
        world.after(at_s, f"{box.label} at the shelf", partial(_at_the_shelf, world, box, shelf, lasts_s))
    if rng.random() < 0.4:
        world.after(rng.uniform(20, 300), f"{box.label} leaves the shelf", partial(_leaves, box, shelf))


def _at_the_shelf(world: World, box: Box, shelf: str, lasts_s: int) -> None:
    held = box.living(lambda: box.leases.hold(shelf, lasts_s))
    if not isinstance(held, Lease):
        return
    done: list[int] = []

    def write(unit: Unit) -> None:
        use = box.leases.use(unit, held.id)
        if not isinstance(use, Refused):
            unit.append(replace(fleet.noted(box.node, "list.exported", detail=shelf), lease=use.lease))
            done.append(use.lease[1])

    if box.act(write) and done:
        world.hit("holds")
        world.promises.acts(shelf, done[0], box.label)


def _leaves(box: Box, shelf: str) -> None:
    def give_back() -> None:
        for held in box.leases.listing():
            if held.lease.resource == shelf:
                box.leases.give_back(held.lease.id)

    box.living(_or_not(give_back))


def _grant(world: World, event: Event) -> None:
    """An administrator grants reads to a machine, and somebody there reads."""
    box, rng = world.boxes[event.who], event.draw
    wish = Wish(READ, RECORD, rng.randint(2, 4), rng.choice((120, 600, 3600)), rng.choice((60, 600, 3600)))
    for at_s in sorted(rng.uniform(0.1, 200) for _ in range(rng.randint(3, 8))):
        world.after(at_s, f"{box.label} reads", partial(_use, world, box, READ, RECORD, rng.randint(1, 2)))

    def grant() -> None:
        row = world.hub.store.node_row(box.node)
        word = Refused("node.gone") if row is None else world.hub.office.grant(row, wish, "u-admin")
        if isinstance(word, bytes):
            world.hit("grants")
            world.hub.deliver(box.node, word)

    world.hub.living(_or_not(grant))


def _use(world: World, box: Box, kind: int, resource: str, units: int) -> None:
    usable = box.living(lambda: box.leases.usable(kind, resource))
    for lease in (usable or [])[:1]:
        shown: list[tuple[bytes, ...]] = []

        def write(unit: Unit, lease: Lease = lease, shown: list[tuple[bytes, ...]] = shown) -> None:
            use = box.leases.use(unit, lease.id, units, reason="chest pain" if kind == GLASS else None)
            if not isinstance(use, Refused):
                shown.append(use.keys)

        if box.act(write) and shown:
            world.hit("a use of a grant")
            slack_s = world.wire.longest_s + (HUB_CLOCK_S if world.hits["hub-clock"] else 0.0)
            world.promises.shows(lease, units, world.now_s, slack_s)
            if shown[0] != content_keys(resource):
                world.promises.wrong["I7"].append(f"the keys of {resource} do not open it")


def _ask(world: World, event: Event) -> None:
    """A clerk asks for copies; an administrator agrees, or not, some time later."""
    box, rng = world.boxes[event.who], event.draw
    box.living(
        lambda: box.leases.ask(PRINT, COPY, rng.randint(1, 3), 1200, actor="u-luo", role="records", purpose="insurer")
    )
    agrees = rng.random() < 0.7
    for at_s in (10, 70):
        world.after(at_s, "asks are answered", partial(_answer, world, agrees))
        world.after(at_s + 15, f"{box.label} prints", partial(_use, world, box, PRINT, COPY, 1))


def _answer(world: World, agrees: bool) -> None:
    def answer() -> None:
        hub = world.hub
        for row in hub.store.nodes():
            with hub.store.read() as conn:
                waiting = hub_tables.of_node(conn, row.node, (hub_tables.ASKED,))
            for each in waiting:
                ask = each.ask()
                wish = Wish(ask.kind, ask.resource, ask.units, ask.lasts_s, ask.lasts_s, ask.actor, ask.role)
                if agrees:
                    word = hub.office.grant(row, wish, "u-admin", each.id)
                else:
                    refused = hub.office.refuse(each.id, "u-admin")
                    word = refused if isinstance(refused, Refused) else refused[1]
                if isinstance(word, bytes):
                    world.hit("asks answered")
                    hub.deliver(row.node, word)

    world.hub.living(_or_not(answer))


def _glass(world: World, event: Event) -> None:
    """Somebody breaks the glass, with a reason."""
    box = world.boxes[event.who]
    box.living(lambda: box.leases.ask(GLASS, RECORD, 2, 600, actor="u-luo", role="ward", purpose="chest pain") and None)
    for at_s in (1, 10, 60, 400):
        world.after(at_s, f"{box.label} reads behind glass", partial(_use, world, box, GLASS, RECORD, 1))


def _void(world: World, event: Event) -> None:
    """An administrator takes a grant back."""

    def void() -> None:
        with world.hub.store.read() as conn:
            found = hub_tables.termed_open(conn)
        if found:
            done = world.hub.office.void(event.draw.choice(found).id, "u-admin")
            if not isinstance(done, Refused):
                world.hub.deliver(*done)

    world.hub.living(_or_not(void))


def _copy_back(world: World, event: Event) -> None:
    """With the line cut somebody reads, puts the disk back that was there before, and reads and draws numbers again."""
    box, rng = world.boxes[event.who], event.draw
    if not box.alive or not box.leases.usable(READ, RECORD):
        return
    world.hit("copied-back")
    photo = world.folder / f"before-{world.trace.steps}"
    box.photograph(photo)
    world.wire.cut(box, ("up", "down"), 120.0)
    for at_s in (1, 2, 3, 4, 20, 21, 22, 23):
        world.after(at_s, f"{box.label} reads", partial(_use, world, box, READ, RECORD, 1))
        world.after(at_s + rng.random(), f"{box.label} gives a number", partial(_number, world, box))
    world.after(10.0, f"{box.label} disk put back", partial(put_back, world, box, photo))


def _lose_witness(world: World, event: Event) -> None:
    """The file that counts beside the data folder is gone, or not whole."""
    box = world.boxes[event.who]
    if box.witness.exists():
        world.hit("witness-lost")
        if box.alive:
            box.die(1.0)
        if event.draw.random() < 0.5:
            box.witness.unlink()
        else:
            box.witness.write_bytes(box.witness.read_bytes()[:-1])


def _or_not(act: Callable[[], None]) -> Callable[[], None]:
    """A disk that does not take it refuses a person."""

    def do() -> None:
        try:
            act()
        except Unavailable:
            return

    return do


def _grants(rng: random.Random, shape: Shape) -> Drawn:
    events = times(rng, shape, "grant", 4)
    if rng.random() < 0.4:
        events += times(rng, shape, "ask", 2)
    if rng.random() < 0.4:
        events += times(rng, shape, "glass", 2)
    if rng.random() < 0.3:
        events += times(rng, shape, "void", 2, hub=True)
    if rng.random() < 0.3:
        events += times(rng, shape, "copied-back", 4)
    return Drawn({}, events)


FAULTS = (
    Fault("numbers", lambda rng, shape: Drawn({}, times(rng, shape, "numbers", 4)), {"numbers": _numbers}),
    Fault("holds", lambda rng, shape: Drawn({}, times(rng, shape, "hold", 5)), {"hold": _hold}),
    Fault(
        "grants", _grants,
        {"grant": _grant, "ask": _ask, "glass": _glass, "void": _void, "copied-back": _copy_back},
    ),
    Fault(
        "witness-lost", lambda rng, shape: Drawn({}, times(rng, shape, "witness-lost", 1)),
        {"witness-lost": _lose_witness},
    ),
)  # fmt: skip
