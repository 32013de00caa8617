"""Clocks: off by a while from the start, jumping to 1970 or 2100, set back, drifting."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from provisioning.simulator.clock import START_MS
from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times

if TYPE_CHECKING:
    from provisioning.simulator.world import World

MINUTE_MS, DAY_MS = 60_000, 24 * 3600 * 1000
FAR = (0, 4102444800000 + DAY_MS, START_MS + 3650 * DAY_MS)
"""1970, past 2100, and ten years ahead, which is believed."""


def _skew(world: World, event: Event) -> None:
    world.hit("clock-skew")
    box = world.boxes[event.who]
    box.clock.offset_ms += event.draw.choice((-90, -7, -1, 1, 4, 6, 90)) * MINUTE_MS


def _jump(world: World, event: Event) -> None:
    rng = event.draw
    world.hit("clock-jump")
    box = world.boxes[event.who]
    box.clock.set_to(rng.choice((*FAR, box.clock.wall_ms() - 2 * DAY_MS)))
    if rng.random() < 0.5:
        world.after(rng.uniform(1, 100), f"{box.label} clock is right again", lambda: _right(world, event))


def _right(world: World, event: Event) -> None:
    world.boxes[event.who].clock.offset_ms = 0


def _hub_clock(world: World, event: Event) -> None:
    world.hit("hub-clock")
    world.hub.clock.offset_ms += event.draw.choice((-30, -3, 3, 30)) * MINUTE_MS


def _skews(rng: random.Random, shape: Shape) -> Drawn:
    events = tuple(Event(0.0, "clock-skew", n, rng.getrandbits(48)) for n in range(shape.boxes) if rng.random() < 0.6)
    return Drawn({"drift": rng.choice((0.0, 50.0, 500.0))}, events)


FAULTS = (
    Fault("clock-skew", _skews, {"clock-skew": _skew}),
    Fault("clock-jump", lambda rng, shape: Drawn({}, times(rng, shape, "clock-jump", 3)), {"clock-jump": _jump}),
    Fault(
        "hub-clock",
        lambda rng, shape: Drawn({}, times(rng, shape, "hub-clock", 2, hub=True)),
        {"hub-clock": _hub_clock},
    ),
)
