"""Who may hold what: scope sets that change, machines that are shut out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.simulator.plan import WARDS, Drawn, Event, Fault, times
from provisioning.simulator.staff import COMMON

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def _given(world: World, event: Event) -> None:
    rng, box = event.draw, world.boxes[event.who]
    if not box.enrolled:
        return
    world.hit("scopes-set")
    wards = tuple(f"ward:{ward}" for ward in WARDS if rng.random() < 0.5)
    world.staff.give_scopes(box.node, (*COMMON[: rng.randint(0, 2)], *wards))


def _revoked(world: World, event: Event) -> None:
    box = world.boxes[event.who]
    if box.enrolled and event.who and box.node not in world.ledger.shut_out:
        world.hit("revoked")
        world.staff.revoke(box)


FAULTS = (
    Fault("scopes-set", lambda rng, shape: Drawn({}, times(rng, shape, "scopes-set", 4)), {"scopes-set": _given}),
    Fault("revoked", lambda rng, shape: Drawn({}, times(rng, shape, "revoked", 1)), {"revoked": _revoked}),
)
