"""From a seed to its schedule, and the same schedule without a part."""

from __future__ import annotations

import random
from dataclasses import replace

from provisioning.simulator.faults import FAULTS
from provisioning.simulator.plan import Drawn, Fault, Plan, Shape
from provisioning.simulator.work import draw_work

REAL_SUITE_EVERY = 10


def draw(seed: int) -> Plan:
    """The schedule of a seed. Each kind of fault is there or not: uniform weather hides faults from each other.

    Each draws from chance of its own, so that a kind which is new leaves the others as they were.
    """
    rng = random.Random(f"way/1 schedule {seed}")
    shape = Shape(rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5)), rng.choice((60.0, 120.0, 240.0, 600.0)))
    likely = rng.choice((0.15, 0.3, 0.5))
    small, alone = rng.random() < 0.6, rng.random() < 0.1
    rates: dict[str, float] = {}
    events = draw_work(seed, shape)
    names: list[str] = []
    for fault in FAULTS:
        if _own(seed, fault).random() < likely * fault.share:
            drawn = _drawn(seed, fault, shape)
            names.append(fault.name)
            rates.update(drawn.rates)
            events += drawn.events
    events.sort(key=lambda event: (event.at_s, event.what, event.who, event.n))
    real = seed % REAL_SUITE_EVERY == REAL_SUITE_EVERY - 1
    return Plan(seed, shape, tuple(names), rates, tuple(events), small, alone, real)


def _own(seed: int, fault: Fault) -> random.Random:
    return random.Random(f"{seed} {fault.name}")


def _drawn(seed: int, fault: Fault, shape: Shape) -> Drawn:
    own = _own(seed, fault)
    own.random()  # whether it is there
    return fault.draw(own, shape)


def without_fault(plan: Plan, name: str) -> Plan:
    """The same schedule as if this kind of fault did not exist."""
    fault = next(each for each in FAULTS if each.name == name)
    drawn = _drawn(plan.seed, fault, plan.shape)
    rates = {rate: value for rate, value in plan.rates.items() if rate not in drawn.rates}
    events = tuple(event for event in plan.events if event.what not in fault.hands)
    return replace(plan, faults=tuple(each for each in plan.faults if each != name), rates=rates, events=events)
