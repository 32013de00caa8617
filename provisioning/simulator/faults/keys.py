"""A box goes over to another signing key, and whatever may happen to it in the middle of that.

The key folder is on the box's disk, so a disk that is put back or copied brings back the key of that day. A key counts
for twenty seconds after another took its place.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.faults import boxes, hub, scopes
from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.points import OF_KEYS
from provisioning.simulator.process import CRASH_AT
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.simulator.world import World

NAME = "keys"
POINT_SHARE = 0.25
SOON_S = (0.001, 0.01, 0.3, 2.0, 15.0)
"""How long after a change begins something else happens: before the fact went up, before the answer came, later."""


def _changed(world: World, event: Event) -> None:
    """Somebody tells a box to change its key; a disk or a hub of just before may come back, or the box may be lost."""
    box, rng = world.boxes[event.who], event.draw
    if not box.enrolled:
        return
    beside = rng.choice((None, None, "restored", "cloned", "put back", "revoked", "cut", "power"))
    if beside == "restored":
        boxes.FAULTS[0].hands["box-restored"](world, event)
    elif beside == "put back" and "hub-rolled-back" not in world.plan.faults:
        hub.FAULTS[0].hands["hub-restored"](world, Event(event.at_s, "hub-restored", -1, event.n))
    elif beside == "cut":
        world.wire.cut(box, rng.choice((("up",), ("down",), ("up", "down"))), rng.choice((2.0, 20.0, 60.0)))

    def begin() -> None:
        try:
            box.rekeying.begin()
            world.hit(NAME)
        except Unavailable as fault:
            world.tell(f"{box.label} begins no change: {fault.code}")

    box.living(begin)
    soon_s = rng.choice(SOON_S)
    if beside == "cloned":
        world.after(soon_s, f"{box.label} is copied", partial(boxes.FAULTS[1].hands["box-cloned"], world, event))
    elif beside == "revoked":
        world.after(soon_s, f"{box.label} is shut out", partial(scopes.FAULTS[1].hands["revoked"], world, event))
    elif beside == "power":
        world.after(soon_s, f"{box.label} loses power", partial(_power, world, event))


def _power(world: World, event: Event) -> None:
    box = world.boxes[event.who]
    if world.trouble and box.alive:
        box.die()


def _drawn(rng: random.Random, shape: Shape) -> Drawn:
    named = {place: float(rng.choice((1, 1, 2))) for place in sorted(OF_KEYS) if rng.random() < POINT_SHARE}
    return Drawn({f"{CRASH_AT} {place}": nth for place, nth in named.items()}, times(rng, shape, "key-change", 3))


FAULTS = (Fault(NAME, _drawn, {"key-change": _changed}, share=0.5),)
