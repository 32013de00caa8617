"""A copied machine whose first self is cut off while the copy is heard: it learns of another history before it spoke.

Beside `twin`, where the hub mostly meets both histories at once. Source: protocol way/1, sections 4.6 and 4.7.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.faults.hub import put_back
from provisioning.simulator.faults.twin import copied
from provisioning.simulator.faults.wrong_bytes import FAULTS as WRONG
from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.wire import HTTPS, SimCarrier
from provisioning.simulator.work import WORK

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

APART = "apart"
SCANS = 3
CUT_S, HEARD_S = (20.0, 45.0, 100.0), 5.0
TOLD_S = 40.0
"""Time enough in most weather for a rejection to be told."""
_POISON = next(fault.hands["poison"] for fault in WRONG if fault.name == "poison")


def _apart(world: World, event: Event) -> None:
    """The copy is heard while the first is cut off and writes; then the line is back."""
    box, rng = world.boxes[event.who], event.draw
    if not box.alive or not box.store.incarnation:
        return
    label, batches = copied(world, box, rng, event.n)
    _heard(world, box, label, batches, rng.choice(CUT_S), rng.choice((1, 2, SCANS)))


def _heard(world: World, box: Box, label: str, batches: list[bytes], cut_s: float, scans: int = SCANS) -> None:
    if not world.trouble:
        return
    world.hit(APART)
    world.wire.cut(box, ("up", "down"), cut_s)
    door = SimCarrier(box, HTTPS)
    for raw in batches:
        world.after(HEARD_S, f"{label} is heard", partial(world.hub.arrives, door, raw))
    n = world.boxes.index(box)
    for at in range(scans):
        world.after(0.5 + at, f"{box.label} scans", partial(WORK["scan"], world, Event(0.0, "scan", n, at + 1)))


def _rejected_apart(world: World, event: Event) -> None:
    """Something is rejected; then the hub is put back to before, and hears the copy of before first."""
    box, rng, hub = world.boxes[event.who], event.draw, world.hub
    if not box.alive or not box.store.incarnation or not hub.database.exists():
        return
    photo = world.folder / f"hub-photo-{world.trace.steps}"
    hub.photograph_all(photo)
    label, batches = copied(world, box, rng, event.n)
    _POISON(world, event)
    cut_s = rng.choice(CUT_S)
    world.after(TOLD_S, "hub put back", partial(put_back, world, photo, False, world.now_s))
    world.after(TOLD_S, f"{box.label} is cut off", partial(_heard, world, box, label, batches, cut_s))


FAULTS = (
    Fault(
        APART,
        lambda rng, shape: Drawn({}, times(rng, shape, "apart", 2) + times(rng, shape, "rejected-apart", 1)),
        {"apart": _apart, "rejected-apart": _rejected_apart},
        share=0.3,
    ),
)
