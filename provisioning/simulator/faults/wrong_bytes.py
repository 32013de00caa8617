"""Bytes that are wrong: damaged on the way, or a fact that its writer had no right to write."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.work import RECORDS
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.tracking import facts as stays

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def _garble(rng: random.Random, shape: Shape) -> Drawn:
    return Drawn({"garble": rng.choice((0.02, 0.1))})


def _poison(world: World, event: Event) -> None:
    """A fact that only the hub may write, from a box whose software does not know that."""
    box = world.boxes[event.who]

    def write(unit: Unit) -> None:
        box.store.role = "hub"
        try:
            unit.append(stays.sealed(event.draw.choice(RECORDS), "poison"))
        finally:
            box.store.role = box.role

    if box.alive:
        world.hit("poison")
        box.act(write)


FAULTS = (
    Fault("garble", _garble),
    Fault("poison", lambda rng, shape: Drawn({}, times(rng, shape, "poison", 2)), {"poison": _poison}),
)
