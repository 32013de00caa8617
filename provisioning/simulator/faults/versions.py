"""Boxes and a hub of different ages, updated in the middle of the trouble, at the latest when it ends.

The product's own schema is the oldest here; the two after it are synthetic. So a hub meets boxes of two schemas before
its own, and boxes that are newer than itself. A copied disk may come up under an older release than wrote it. This is
not in the drawn weather: `mixed` adds it to a schedule.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Plan, Shape
from provisioning.simulator.process import Process
from provisioning.simulator.synthetic import (
    LATER,
    LATEST,
    OWN,
    bagged,
    collected_into,
    moved,
    weighed,
)
from provisioning.simulator.work import RECORDS
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.tracking import facts as stays

if TYPE_CHECKING:
    from provisioning.simulator.world import World

NAME = "versions"
AGES = (OWN, OWN, LATER, LATEST)
DOINGS_MAX = 12


def _who(world: World, event: Event) -> Process:
    return world.hub if event.who < 0 else world.boxes[event.who]


def _become(process: Process, schema: int) -> None:
    """Another release is installed: the process ends, and the next one knows more."""
    process.schema = schema
    process.world.tell(f"{process.label} is of schema {schema}")
    if process.alive:
        process.die(0.5)


def _aged(world: World, event: Event) -> None:
    """What it is at the beginning."""
    schema = event.draw.choice(AGES)
    if schema != _who(world, event).schema:
        _become(_who(world, event), schema)


def _updated(world: World, event: Event) -> None:
    process = _who(world, event)
    if process.schema < LATEST:
        world.hit("updated")
        _become(process, process.schema + event.draw.randint(1, LATEST - process.schema))


def _all_updated(world: World, _event: Event) -> None:
    """The trouble ends: everybody is of the latest schema."""
    world.hit(NAME)
    for process in (world.hub, *world.boxes):
        if process.schema < LATEST:
            _become(process, LATEST)


def _later_work(world: World, event: Event) -> None:
    """Somebody does what only a newer release can do."""
    box, rng = world.boxes[event.who], event.draw
    key = rng.choice(RECORDS)

    def write(unit: Unit) -> None:
        new = stays.collected(
            key, round_key=f"{box.node}.00000000", ward="W01", verdict="good", how="gun", read_no=key.split("-")[0],
            at_ms=max(0, box.clock.wall_ms()), list_as_of_ms=0,
        )  # fmt: skip
        if box.schema == OWN:
            unit.append(new)
            return
        unit.append(collected_into(new, f"bag-{rng.randrange(4)}"))
        unit.append(bagged(key, f"bag-{rng.randrange(4)}"))
        unit.append(moved(f"cart-{rng.randrange(2)}", rng.choice(("lift", "cellar"))))
        if box.schema == LATEST:
            unit.append(weighed(key, rng.randrange(10)))

    box.act(write)


def _draw(rng: random.Random, shape: Shape) -> Drawn:
    machines = range(-1, shape.boxes)
    events = [Event(0.0, "aged", n, rng.getrandbits(48)) for n in machines]
    for _ in range(rng.randint(1, 4)):
        at_s = round(rng.uniform(1, shape.lasts_s), 3)
        events.append(Event(at_s, "updated", rng.choice(machines), rng.getrandbits(48)))
    for _ in range(rng.randint(2, DOINGS_MAX)):
        at_s = round(rng.uniform(1, shape.lasts_s), 3)
        events.append(Event(at_s, "later-work", rng.randrange(shape.boxes), rng.getrandbits(48)))
    events.append(Event(shape.lasts_s, "all-updated", -1, rng.getrandbits(48)))
    return Drawn({}, tuple(events))


FAULTS = (
    Fault(
        NAME,
        _draw,
        {"aged": _aged, "updated": _updated, "later-work": _later_work, "all-updated": _all_updated},
    ),
)


def mixed(plan: Plan) -> Plan:
    """The same schedule on a site whose machines are of different ages."""
    drawn = _draw(random.Random(f"{plan.seed} {NAME}"), plan.shape)
    events = sorted((*plan.events, *drawn.events), key=lambda event: (event.at_s, event.what, event.who, event.n))
    return replace(plan, faults=(*plan.faults, NAME), events=tuple(events))
