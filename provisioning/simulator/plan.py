"""A schedule before it runs: everything that is drawn from the seed, as data that can be made smaller.

Each event carries a number for its own draws, so that leaving one out does not change what the others do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

WARDS = ("W01", "W02", "W03")


@dataclass(frozen=True, slots=True)
class Event:
    """At virtual second `at_s` the hand named `what` does something to box number `who` (-1: the hub)."""

    at_s: float
    what: str
    who: int
    n: int

    @property
    def draw(self) -> random.Random:
        """This event's own numbers, the same each time."""
        return random.Random(self.n)


@dataclass(frozen=True, slots=True)
class Shape:
    """How big a schedule is: how many boxes, for how many virtual seconds there is trouble."""

    boxes: int
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one kind of fault brings into a schedule."""

    rates: Mapping[str, float] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


Hand = Callable[[Any, Event], None]
"""Does what an event says, to a `World`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble: `draw` says how much of it, `hands` do what its events say.

    `share`: how often it is there, beside the others; of what costs much, less.
    """

    name: str
    draw: Callable[[random.Random, Shape], Drawn]
    hands: Mapping[str, Hand] = field(default_factory=dict)
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One schedule. `alone`: only the hub and box 0 are healed. `small`: the protocol's numbers are made small."""

    seed: int
    shape: Shape
    faults: tuple[str, ...]
    rates: Mapping[str, float]
    events: tuple[Event, ...]
    small: bool
    alone: bool
    real_suite: bool


def times(rng: random.Random, shape: Shape, what: str, most: int, *, hub: bool = False) -> tuple[Event, ...]:
    """Between 1 and `most` events of one kind, spread over the trouble."""
    return tuple(
        Event(
            round(rng.uniform(1, shape.lasts_s), 3),
            what,
            -1 if hub else rng.randrange(shape.boxes),
            rng.getrandbits(48),
        )
        for _ in range(rng.randint(1, most))
    )
