"""Several workers at one hub: any of them takes any message, and each may die in any of its commits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.workers import WORKERS, Worker

if TYPE_CHECKING:
    from provisioning.simulator.world import World

MOST = 2
"""Beside the first one."""


def _draw(rng: random.Random, shape: Shape) -> Drawn:
    """Most are there from the beginning; one may join a hub that has long been at work."""
    joins = tuple(
        Event(rng.choice((0.1, 0.1, round(rng.uniform(0.1, shape.lasts_s), 3))), "worker", -1, rng.getrandbits(48))
        for _ in range(rng.randint(1, MOST))
    )
    return Drawn({"crash-worker": rng.choice((0.0, 0.01, 0.05))}, joins + times(rng, shape, "worker-dies", 3, hub=True))


def _joins(world: World, event: Event) -> None:
    workers = world.hub.workers
    workers.append(Worker(world, len(workers) + 2))
    world.hit("worker")
    workers[-1].start()


def _dies(world: World, event: Event) -> None:
    """Killed between two of its steps."""
    alive = [each for each in world.hub.workers if each.alive]
    if alive:
        world.hit("worker-dies")
        event.draw.choice(alive).die()


FAULTS = (Fault(WORKERS, _draw, {"worker": _joins, "worker-dies": _dies}, share=0.5),)
