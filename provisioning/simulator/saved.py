"""A schedule as a small file: what the shrinker leaves of a breach, kept so that it is played for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provisioning.simulator.plan import Event, Plan, Shape


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
    """The schedule of a file that `to_text` wrote."""
    told: dict[str, Any] = json.loads(text)
    return Plan(
        seed=told["seed"],
        shape=Shape(told["boxes"], told["lasts_s"]),
        faults=tuple(told["faults"]),
        rates=told["rates"],
        events=tuple(Event(*event) for event in told["events"]),
        small=told["small"],
        alone=told["alone"],
        real_suite=told["real_suite"],
    )


def load(path: Path) -> Plan:
    return from_text(path.read_text(encoding="utf-8"))
