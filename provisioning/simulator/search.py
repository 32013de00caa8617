"""Many schedules one after the other, and what they came to."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provisioning.simulator.drawing import draw
from provisioning.simulator.judges import NOT_YET
from provisioning.simulator.plants import planted
from provisioning.simulator.points import POINTS
from provisioning.simulator.run import Outcome, run
from provisioning.simulator.shrink import shrink


@dataclass(slots=True)
class Found:
    """What a search came to. `cpu_s`: of this process."""

    schedules: int = 0
    steps: int = 0
    cpu_s: float = 0.0
    rest_s_max: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    breach: Outcome | None = None
    smallest: Outcome | None = None
    trace: str = ""

    @property
    def never_crashed(self) -> list[str]:
        """Named places at which no process died."""
        return sorted(POINTS - self.crashes.keys())

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "schedules": self.schedules,
            "steps": self.steps,
            "steps_per_s": round(self.steps / self.cpu_s) if self.cpu_s else 0,
            "schedules_per_min": round(60 * self.schedules / self.cpu_s) if self.cpu_s else 0,
            "trace": self.trace,
            "rest_s_max": round(self.rest_s_max, 1),
            "faults": dict(sorted(self.faults.items())),
            "crash_points": {"hit": len(POINTS) - len(self.never_crashed), "of": len(POINTS)},
            "never_crashed": self.never_crashed,
            "not_yet_covered": NOT_YET,
            "breach": None if self.breach is None else told(self.breach),
            "smallest": None if self.smallest is None else told(self.smallest),
        }


def told(outcome: Outcome) -> dict[str, Any]:
    """A breach as a document."""
    assert outcome.breach is not None
    plan = outcome.plan
    return {
        "seed": plan.seed,
        "invariant": outcome.breach[0],
        "finding": outcome.breach[1],
        "trace": outcome.trace,
        "boxes": plan.shape.boxes,
        "faults": list(plan.faults),
        "events": [f"{event.at_s} {event.what} {event.who}" for event in plan.events],
        "last_steps": list(outcome.last),
    }


def search(
    first: int,
    beyond: int,
    *,
    plant: str | None = None,
    shrinks: bool = True,
    until_s: float = float("inf"),
    heard: Callable[[int, Outcome], None] = lambda seed, outcome: None,
    hear: Callable[[str], None] | None = None,
) -> Found:
    """Seeds `first` to before `beyond`, up to the first breach. `until_s`: no new schedule after so much time.

    `heard` is told each outcome, `hear` each step.
    """
    found = Found()
    began, cpu = time.monotonic(), time.process_time()
    with planted(plant):
        for seed in range(first, beyond):
            if time.monotonic() - began > until_s:
                break
            outcome = run(draw(seed), hear=hear)
            found.schedules += 1
            found.steps += outcome.steps
            found.trace = hashlib.blake2b((found.trace + outcome.trace).encode(), digest_size=16).hexdigest()
            found.rest_s_max = max(found.rest_s_max, outcome.rest_s)
            found.faults.update(outcome.hits)
            found.passed.update(outcome.places)
            found.crashes.update(outcome.crashes)
            found.cpu_s = time.process_time() - cpu
            heard(seed, outcome)
            if outcome.breach is not None:
                found.breach = outcome
                found.smallest = shrink(outcome) if shrinks else None
                break
    return found
