"""A schedule as a small file: what the shrinker leaves of a breach, kept so that it is played for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provisioning.simulator.faults import FAULTS, versions
from provisioning.simulator.plan import Event, Plan, Shape
from provisioning.simulator.run import HANDS

BOXES_MAX = 8
"""As many as there are names for."""
SECONDS_MAX = 1e9


def to_text(plan: Plan, found: str) -> str:
    """`found`: what broke when it was saved, for whoever reads the file. An event a line."""
    head = {
        "found": found,
        "seed": plan.seed,
        "boxes": plan.shape.boxes,
        "lasts_s": plan.shape.lasts_s,
        "faults": list(plan.faults),
        "rates": dict(plan.rates),
        "small": plan.small,
        "alone": plan.alone,
        "real_suite": plan.real_suite,
    }
    events = ",\n  ".join(json.dumps([event.at_s, event.what, event.who, event.n]) for event in plan.events)
    return f'{json.dumps(head, indent=1, ensure_ascii=False)[:-2]},\n "events": [\n  {events}\n ]\n}}\n'


def from_text(text: str) -> Plan:
    """The schedule of a file that `to_text` wrote. Raises ValueError for what no schedule can be."""
    try:
        told: dict[str, Any] = json.loads(text)
        plan = Plan(
            seed=told["seed"],
            shape=Shape(told["boxes"], float(told["lasts_s"])),
            faults=tuple(told["faults"]),
            rates=told["rates"],
            events=tuple(Event(*event) for event in told["events"]),
            small=told["small"],
            alone=told["alone"],
            real_suite=told["real_suite"],
        )
        sound = _is_sound(plan)
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError) as fault:
        raise ValueError("no schedule") from fault
    if not sound:
        raise ValueError("no schedule")
    return plan


def _is_sound(plan: Plan) -> bool:
    """Whether every part is of its kind, and everybody it names is there. An error also says no."""
    numbers = (plan.seed, plan.shape.boxes, *(number for each in plan.events for number in (each.who, each.n)))
    seconds = (plan.shape.lasts_s, *(event.at_s for event in plan.events))
    return (
        all(type(number) is int for number in numbers)
        and 1 <= plan.shape.boxes <= BOXES_MAX
        and all(-1 <= event.who < plan.shape.boxes for event in plan.events)
        and all(0 <= at_s < SECONDS_MAX for at_s in seconds)
        and all(0 <= rate < SECONDS_MAX for rate in plan.rates.values())
        and {event.what for event in plan.events} <= HANDS.keys()
        and set(plan.faults) <= {fault.name for fault in (*FAULTS, *versions.FAULTS)}
        and all(type(each) is bool for each in (plan.small, plan.alone, plan.real_suite))
    )


def load(path: Path) -> Plan:
    return from_text(path.read_text(encoding="utf-8"))
