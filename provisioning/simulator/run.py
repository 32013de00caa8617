"""One schedule from its plan to its verdict: trouble, calm, rest, judges."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from provisioning.simulator.faults import FAULTS, keys, room, versions
from provisioning.simulator.faults.apart import APART
from provisioning.simulator.faults.losses import comes_by
from provisioning.simulator.faults.twin import VISIT_EVERY_S, visit
from provisioning.simulator.judges import JUDGES
from provisioning.simulator.judges.rest import restless
from provisioning.simulator.pictures import BLOBS
from provisioning.simulator.plan import Hand, Plan
from provisioning.simulator.safekeeping import LOSSES, is_kept
from provisioning.simulator.small import small_numbers
from provisioning.simulator.standin import standing_in
from provisioning.simulator.synthetic import OWN, spoken
from provisioning.simulator.work import WORK
from provisioning.simulator.world import Endless, World

REST_S = 2 * 3600.0
REST_AFTER_DAMAGE_S = 14 * 3600.0
"""Silent damage of a copy is found by the set hashes, which are compared every six hours."""
LOOK_EVERY_S, LOOK_SHARE = 5.0, 0.05
"""How often it is asked whether the site rests: later on rarely, because the answer costs as much as the waiting."""
HANDS: dict[str, Hand] = {
    **WORK,
    **{name: hand for fault in (*FAULTS, *versions.FAULTS, *room.FAULTS) for name, hand in fault.hands.items()},
}


@dataclass(slots=True)
class Outcome:
    """What came of one schedule. `breach`: (invariant, what was found), or None. `rest_s`: how long calm took."""

    plan: Plan
    breach: tuple[str, str] | None
    trace: str
    steps: int
    rest_s: float
    last: tuple[str, ...]
    hits: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)


def run(plan: Plan, *, hear: Callable[[str], None] | None = None) -> Outcome:
    """Run it in a folder of its own, which is gone afterwards. Nothing but the plan decides what happens.

    `hear` is told each step.
    """
    folder = Path(tempfile.mkdtemp(prefix="way-sim-", dir=scratch()))
    try:
        soon = is_kept(plan)
        numbers = small_numbers(
            borders=plan.small,
            soon=soon,
            chunks=BLOBS in plan.faults,
            keys=keys.NAME in plan.faults,
            few=room.NAME in plan.faults,
        )
        with standing_in(not plan.real_suite), numbers, spoken(OWN):
            return _run(World(plan, folder, hear))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scratch() -> Path | None:
    """Where files cost no disk, if there is such a place."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


def _run(world: World) -> Outcome:
    plan = world.plan
    breach: tuple[str, str] | None = None
    rest_s = 0.0
    try:
        world.hub.start()
        for event in plan.events:
            world.after(event.at_s, f"{event.what} {event.who}", partial(HANDS[event.what], world, event))
        world.run(plan.shape.lasts_s)
        _heal(world)
        rest_s = _rest(world)
        with spoken(world.hub.schema):
            breach = _judge(world)
    except Endless:
        breach = ("I13", f"more than {world.trace.steps} steps")
    except Exception as bug:
        at = traceback.extract_tb(bug.__traceback__)[-1]
        breach = ("bug", f"{type(bug).__name__}: {bug} at {Path(at.filename).name}:{at.lineno}")
    finally:
        world.close()
    return Outcome(
        plan,
        breach,
        world.trace.hexdigest(),
        world.trace.steps,
        rest_s,
        tuple(world.trace.last),
        world.hits,
        world.places,
        world.crashes,
    )


def _heal(world: World) -> None:
    """The weather is over. Where only one box is healed, the others stay cut off for good."""
    world.tell("calm")
    world.trouble = False
    if world.hits["poison"] or world.forgotten:
        world.greet_after_s = world.now_s  # a rejection whose acknowledgement was lost is told in the next welcome
    if not {"twin", APART}.isdisjoint(world.plan.faults):
        world.after(VISIT_EVERY_S, "operator comes by", partial(visit, world))
    if LOSSES in world.plan.faults:
        world.after(VISIT_EVERY_S, "operator looks for losses", partial(comes_by, world))
    world.hub.clock.offset_ms = 0
    if world.plan.alone:
        for box in world.boxes[1:]:
            box.gone = True
            if box.alive:
                box.die()
            box.look_at_disk()
            world.ledger.disk_gone(box.label)


def _rest(world: World) -> float:
    """Go on until nothing is left to do; virtual seconds it took."""
    began_s = world.now_s
    until_s = began_s + (REST_AFTER_DAMAGE_S if world.expects_set_repair else REST_S)
    while world.now_s < until_s:
        world.run(world.now_s + max(LOOK_EVERY_S, LOOK_SHARE * (world.now_s - began_s)))
        if not world.wire.flying and next(restless(world), None) is None:
            break
    return world.now_s - began_s


def _judge(world: World) -> tuple[str, str] | None:
    for box in world.boxes:
        if box.alive:  # an incarnation that began in the middle of a process told nobody
            with box.store.read() as conn:
                world.ledger.read_log(box.label, box.node, conn)
    for invariant, judge in JUDGES:
        for finding in judge(world):
            return (invariant, finding)
    return None
