"""From a schedule that breaks something to the smallest one found that still breaks the same invariant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from provisioning.simulator.drawing import without_fault
from provisioning.simulator.plan import Plan, Shape
from provisioning.simulator.run import Outcome, run

TRIES = 150


def shrink(found: Outcome, tries: int = TRIES, again: Callable[[Plan], Outcome] = run) -> Outcome:
    """Leave out whole kinds of fault, boxes, then events, as long as the same invariant still breaks."""
    assert found.breach is not None
    invariant, best, left = found.breach[0], found, tries
    smaller = True
    while smaller and left > 0:
        smaller = False
        for plan in _smaller(best.plan):
            left -= 1
            outcome = again(plan)
            if outcome.breach is not None and outcome.breach[0] == invariant:
                best, smaller = outcome, True
                break
            if left <= 0:
                break
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    for name in plan.faults:
        yield without_fault(plan, name)
    if plan.shape.boxes > 1:
        last = plan.shape.boxes - 1
        kept = tuple(event for event in plan.events if event.who != last)
        yield replace(plan, shape=Shape(last, plan.shape.lasts_s), events=kept)
    if plan.real_suite:
        yield replace(plan, real_suite=False)
    events = plan.events
    size = len(events) // 2
    while size:
        for at in range(0, len(events), size):
            yield replace(plan, events=events[:at] + events[at + size :])
        size //= 2
