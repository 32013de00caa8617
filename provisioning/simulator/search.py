"""Many schedules one after the other, and what they came to."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioning.simulator.judges import NOT_YET
from provisioning.simulator.plants import planted
from provisioning.simulator.points import ELSEWHERE, POINTS
from provisioning.simulator.run import Outcome
from provisioning.simulator.saved import to_text
from provisioning.simulator.shrink import shrink
from provisioning.simulator.together import outcomes

LONG = 20_000
"""A search of so many schedules is to die at every point: some are passed by one schedule in a hundred."""
KEEP_EVERY = 100


@dataclass(slots=True)
class Found:
    """What a search came to. `cpu_s`: of all its processes."""

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
        """Named places at which no process died and no other test lets one die."""
        return sorted(place for place in POINTS - self.crashes.keys() if place.rpartition(":")[0] not in ELSEWHERE)

    def add(self, outcome: Outcome, cpu_s: float) -> None:
        """One more schedule."""
        self.schedules += 1
        self.steps += outcome.steps
        self.cpu_s += cpu_s
        self.trace = hashlib.blake2b((self.trace + outcome.trace).encode(), digest_size=16).hexdigest()
        self.rest_s_max = max(self.rest_s_max, outcome.rest_s)
        self.faults.update(outcome.hits)
        self.passed.update(outcome.places)
        self.crashes.update(outcome.crashes)

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
            "crash_points": {"hit": len(POINTS & self.crashes.keys()), "of": len(POINTS)},
            "points": [
                {"point": place, "passed": self.passed[place], "died": self.crashes[place]} for place in sorted(POINTS)
            ],
            "crashed_elsewhere": dict(sorted(ELSEWHERE.items())),
            "never_crashed": self.never_crashed,
            "not_yet_covered": NOT_YET,
            "breach": None if self.breach is None else told(self.breach),
            "smallest": None if self.smallest is None else told(self.smallest),
        }


_COUNTED = ("schedules", "steps", "cpu_s", "rest_s_max", "faults", "passed", "crashes", "trace")


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
    processes: int = 1,
    kept: Path | None = None,
    heard: Callable[[int, Found], None] = lambda seed, found: None,
    hear: Callable[[str], None] | None = None,
) -> Found:
    """Seeds `first` to before `beyond`, up to the first breach. `until_s`: no new schedule after so much time.

    `kept`: a file that remembers how far a search of these seeds came, and goes on there. `heard` is told after each
    schedule, `hear` each step of a search in one process.
    """
    found = Found() if kept is None else _read(kept, first, beyond, plant)
    began, since = time.monotonic(), found.schedules
    with closing(outcomes(first + since, beyond, plant, processes, hear)) as coming:
        for seed, (outcome, cpu_s) in enumerate(coming, first + since):
            found.add(outcome, cpu_s)
            heard(seed, found)
            if outcome.breach is not None:
                found.breach = outcome
                break
            if kept is not None and found.schedules % KEEP_EVERY == 0:
                _write(kept, first, beyond, plant, found)
            if time.monotonic() - began > until_s:
                break
    if found.breach is not None and shrinks:
        with planted(plant):
            found.smallest = shrink(found.breach)
    elif kept is not None and found.breach is None:
        _write(kept, first, beyond, plant, found)
    return found


def kept_of(path: Path | None, first: int, beyond: int, plant: str | None) -> int:
    """How many schedules of such a search were played before."""
    return 0 if path is None else _read(path, first, beyond, plant).schedules


def save(found: Found, path: Path) -> None:
    """The smallest schedule that breaks something, as a file that can be replayed."""
    outcome = found.smallest or found.breach
    assert outcome is not None and outcome.breach is not None
    path.write_text(to_text(outcome.plan, ": ".join(outcome.breach)), encoding="utf-8")


def _read(path: Path, first: int, beyond: int, plant: str | None) -> Found:
    if not path.exists():
        return Found()
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if held.pop("of") != [first, beyond, plant]:
        return Found()
    found = Found()
    for name, value in held.items():
        setattr(found, name, Counter(value) if isinstance(value, dict) else value)
    return found


def _write(path: Path, first: int, beyond: int, plant: str | None, found: Found) -> None:
    held = {"of": [first, beyond, plant], **{name: getattr(found, name) for name in _COUNTED}}
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(held), encoding="utf-8")
    fresh.replace(path)
