"""The disk and the power: a process that dies at a named step, a commit that the disk does not take."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.points import LATER, OFTEN, POINTS, UNDRAWN, places
from provisioning.simulator.process import CRASH_AT

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def _rate(name: str, *values: float) -> Fault:
    def draw(rng: random.Random, shape: Shape) -> Drawn:
        return Drawn({name: rng.choice(values)})

    return Fault(name, draw)


SELDOM_SHARE, NAMED = 0.15, 3


def _named(rng: random.Random, shape: Shape) -> Drawn:
    """Points by name, each with the passage that is the last: a few of all, and of the seldom ones many."""
    often = {place: rng.randint(1, 30) for place in rng.sample(sorted(places(OFTEN)), NAMED)}
    rest, later = POINTS - places(OFTEN) - UNDRAWN, places(frozenset(LATER))
    seldom = {
        place: rng.choice((1, 1, 2, 5))
        for place in (*sorted(rest - later), *sorted(later))
        if rng.random() < SELDOM_SHARE
    }
    return Drawn({f"{CRASH_AT} {place}": float(nth) for place, nth in {**often, **seldom}.items()})


def _power(world: World, event: Event) -> None:
    world.hit("power")
    machine = world.hub if event.who < 0 else world.boxes[event.who]
    if machine.alive:
        machine.die()
        machine.clock.reboot()


FAULTS = (
    _rate("crash", 0.005, 0.02, 0.06),
    _rate("crash-hub", 0.005, 0.02, 0.06),
    Fault(CRASH_AT, _named),
    _rate("disk-full", 0.01, 0.05),
    _rate("io-error", 0.01, 0.05),
    Fault(
        "power",
        lambda rng, shape: Drawn({}, times(rng, shape, "power", 3) + times(rng, shape, "power", 1, hub=True)),
        {"power": _power},
    ),
)
