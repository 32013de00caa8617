"""What is lost for good, and the person who signs for it: a hub put back too far, disks that lost what was told of.

An operator comes by while there is trouble, so a loss may be signed while its facts are still on their way; and again
when it is calm, until nothing is missing that nobody signed for. Source: protocol way/1, sections 1 and 5.5.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.faults.backups import forget_newer, made
from provisioning.simulator.faults.boxes import restored
from provisioning.simulator.operators import acts_at
from provisioning.simulator.plan import Drawn, Event, Fault, Shape, times
from provisioning.simulator.safekeeping import LOSSES, place_of, restore
from sync.adapters.sqlite_log import hub_lineage, hub_orders
from sync.kernel.outcome import Refused, Unavailable

if TYPE_CHECKING:
    from provisioning.simulator.world import World

MADE = "one-more-backup"
VISIT_EVERY_S, VISITS = 140.0, 14


def _too_far(world: World, event: Event) -> None:
    """The hub's disk is gone, and somebody puts back a backup older than boxes rely on, with losses."""
    hub = world.hub
    place = place_of(hub)
    relied = place.relied_on()
    older = [each for each in place.backups() if each.counts and relied and each.began_ms < relied.began_ms]
    if not older:
        return
    chosen = event.draw.choice(older)
    hub.stop(3.0)
    restore(hub, chosen.name, accept_loss=True)
    world.hit("put back too far")
    forget_newer(world, hub)
    world.greet_after_s = world.now_s


def comes_by(world: World, left: int = VISITS) -> None:
    """An operator looks after what is missing, and again after a while."""
    world.hub.living(partial(_sign, world))
    if left:
        world.after(VISIT_EVERY_S, "operator looks for losses", partial(comes_by, world, left - 1))


def _sign(world: World) -> None:
    acts = acts_at(world)
    for row in world.hub.store.nodes():
        try:
            with world.hub.store.read() as conn:
                missing = acts.missing(conn, row.node)
                before = len(hub_orders.losses(conn, row.node))
                open_fork = row.state == "rewound" and hub_lineage.has_open_fork(conn, row.node)
            if open_fork and sum(box.node == row.node for box in world.boxes) == 1:
                acts.judge(row.node, "restored", "u-admin")
                world.hit("said to be restored")
            if missing and not isinstance(acts.report_loss(row.node, "disk replaced", "u-admin"), Refused):
                world.hit(f"loss signed of {row.state}")
                world.tell(f"operator signs {len(missing)} losses of {row.node}, {before} before")
        except Unavailable:
            return


def _draw(rng: random.Random, shape: Shape) -> Drawn:
    """Backups often enough that one lies before those that are relied on; a disk of a box put back as well."""
    backups = tuple(one for _ in range(3) for one in times(rng, shape, MADE, 2, hub=True))
    return Drawn(
        {},
        backups
        + times(rng, shape, "put-back-too-far", 2, hub=True)
        + times(rng, shape, "operator-signs", 2, hub=True)
        + times(rng, shape, "disk-put-back", 1),
    )


FAULTS = (
    Fault(
        LOSSES,
        _draw,
        {
            MADE: made,
            "put-back-too-far": _too_far,
            "operator-signs": lambda world, event: comes_by(world, 0),
            "disk-put-back": restored,
        },
        share=0.5,
    ),
)
