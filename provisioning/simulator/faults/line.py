"""The line: messages lost, doubled, late; nobody reached, in both directions or in one; a broker that lies."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def _rate(name: str, *values: float) -> Fault:
    def draw(rng: random.Random, shape: Shape) -> Drawn:
        return Drawn({name: rng.choice(values)})

    return Fault(name, draw)


def _partition(world: World, event: Event) -> None:
    rng = event.draw
    ways = ("up", "down") if event.what == "partition" else (rng.choice(("up", "down")),)
    for_s = rng.choice((2.0, 20.0, 120.0))
    world.hit(event.what)
    world.wire.cut(world.boxes[event.who], ways, for_s)


FAULTS = (
    _rate("loss", 0.02, 0.1, 0.3, 0.6),
    _rate("duplicate", 0.05, 0.2, 0.4),
    _rate("delay", 0.05, 0.2, 0.5),
    _rate("broker-lies", 0.1, 0.5),
    Fault("partition", lambda rng, shape: Drawn({}, times(rng, shape, "partition", 4)), {"partition": _partition}),
    Fault("one-way", lambda rng, shape: Drawn({}, times(rng, shape, "one-way", 4)), {"one-way": _partition}),
)
