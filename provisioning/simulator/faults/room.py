"""Boxes whose disk fills up: they let mirrors go in the middle of everything, and have them back when there is room.

How much is free is nobody's to simulate, so an event says that a box is short of room, and others that there is some
again. This is not in the drawn weather: `crowded` adds it to a schedule.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, Plan, Shape
from provisioning.simulator.points import places
from provisioning.simulator.process import CRASH_AT
from sync.adapters.sqlite_log import mirrors
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Key
from sync.kernel.outcome import Unavailable
from sync.protocol.room import KEPT_LABELS

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

NAME = "room"
RETURNED = "mirror returned"
STEPS = frozenset({"mirror.drop", "mirror.return"})
POINT_SHARE = 0.4
LOOK_EVERY_S = 5.0


def _short(world: World, event: Event) -> None:
    """Room is short: some of what is here goes, all of it in the worst case."""
    box, rng = world.boxes[event.who], event.draw

    def go() -> None:
        _finish(box)
        here = [one for one in mirrors.holdings(box.store, ()) if one.name not in KEPT_LABELS]
        here.sort(key=lambda one: (one.name, one.bytes))
        for holding in rng.sample(here, rng.randint(0, len(here))):
            mine = _showing_own(box) & _shown(box)
            mirrors.let_go(box.store, holding)
            world.hit(NAME)
            world.tell(f"{box.label} lets {holding.name} go")
            if lost := mine - _shown(box):
                world.fallen.append(f"{box.label} let go of {min(lost)}, which it wrote about")
            _judge_left(box)

    _try(box, go)


def _shown(box: Box) -> set[tuple[int, Key]]:
    with box.store.read() as conn:
        return {(row[0], row[1]) for row in conn.execute("SELECT etype, key FROM entity")}


def _showing_own(box: Box) -> set[tuple[int, Key]]:
    """Entities that are shown with a fact of this node in them: waiting, in the copy or inside its checkpoint."""
    with box.store.read() as conn:
        rows = conn.execute("SELECT etype, key FROM copy_fact WHERE node = ?", (box.node,)).fetchall()
        rows += conn.execute("SELECT etype, key FROM pending").fetchall()
        seen = conn.execute("SELECT etype, key, seen FROM copy").fetchall()
    return {(row[0], row[1]) for row in (*rows, *(row for row in seen if box.node.encode() in row[2]))}


def _written_about(box: Box) -> set[tuple[int, Key]]:
    """Entities that facts of this node are on, also where a hub that was put back does not show them yet."""
    with box.store.read() as conn:
        rows = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? AND l.status = 0", (box.node,)
        ).fetchall()
    facts = [decode_fact(row[0]) for row in rows]
    return {(fact.etype, fact.key) for fact in facts} | _showing_own(box)


def _judge_left(box: Box) -> None:
    """Of a scope that went nothing is left but what this box wrote about."""
    mine = _written_about(box)
    for label in sorted(mirrors.names(box.store)):
        with box.store.read() as conn:
            rows = conn.execute("SELECT etype, key FROM member WHERE label = ?", (label,)).fetchall()
        if left := {(row[0], row[1]) for row in rows} - mine:
            box.world.fallen.append(f"{box.label} still holds {min(left)} of {label}, which it let go")


def _some(world: World, event: Event) -> None:
    """There is room for one of them again."""
    _try(world.boxes[event.who], partial(_return, world.boxes[event.who]))


def _finish(box: Box) -> None:
    mirrors.finish(box.store)
    _judge_left(box)


def _return(box: Box) -> None:
    _finish(box)
    for one in mirrors.could_return(box.store)[:1]:
        mirrors.may_return(box.store, one.name)
        box.world.hit(RETURNED)
        box.world.tell(f"{box.label} may have {one.name} back")
        box.want()


def _try(box: Box, act: Callable[[], None]) -> None:
    def tried() -> None:
        try:
            act()
        except Unavailable as fault:
            box.world.tell(f"{box.label} makes no room: {fault.code}")

    box.living(tried)


def _looked_after(world: World, _event: Event) -> None:
    """As the box's own thread does: what an ended process had begun is finished; in the calm everything returns."""
    at_start: dict[str, int] = {}

    def look() -> None:
        for box in world.machines:
            if world.trouble and at_start.get(box.label) == box.starts:
                continue
            at_start[box.label] = box.starts
            _try(box, partial(_finish if world.trouble else _return, box))
        world.after(LOOK_EVERY_S, "boxes look at their room", look)

    look()


def _draw(rng: random.Random, shape: Shape) -> Drawn:
    named = {place: float(rng.choice((1, 2, 5))) for place in sorted(places(STEPS)) if rng.random() < POINT_SHARE}
    events = [Event(LOOK_EVERY_S, "looks-at-room", -1, 0)]
    for what in ("room-short",) * 3 + ("room-some",):
        for _ in range(rng.randint(1, 4)):
            at_s = round(rng.uniform(1, shape.lasts_s), 3)
            events.append(Event(at_s, what, rng.randrange(shape.boxes), rng.getrandbits(48)))
    return Drawn({f"{CRASH_AT} {place}": nth for place, nth in named.items()}, tuple(events))


FAULTS = (Fault(NAME, _draw, {"room-short": _short, "room-some": _some, "looks-at-room": _looked_after}),)


def crowded(plan: Plan) -> Plan:
    """The same schedule on a site whose boxes have small disks."""
    drawn = _draw(random.Random(f"{plan.seed} {NAME}"), plan.shape)
    events = sorted((*plan.events, *drawn.events), key=lambda event: (event.at_s, event.what, event.who, event.n))
    rates = {**plan.rates, **drawn.rates}
    return replace(plan, faults=(*plan.faults, NAME), rates=rates, events=tuple(events))
