"""Backups, what boxes drop because of them, and a hub that its tool put back, seldom from the newest.

Facts count as old after half a minute here, so that boxes drop them while people work. A database that somebody puts
back past the tool is not older than what is relied on: the tool refuses that, and whoever does it by hand loses facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.safekeeping import BACKUPS, place_of, restore
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.simulator.centre import Centre
    from provisioning.simulator.world import World


def made(world: World, event: Event) -> None:
    """One more backup."""
    hub = world.hub

    def make() -> None:
        assert hub.safekeeping is not None
        try:
            hub.safekeeping.make()
        except Unavailable as fault:
            world.tell(f"no backup: {fault.code}")
            if fault.code == "backup.unverified":
                world.fallen.append("a backup of a sound hub does not read back")
            return
        world.hit("backup made")
        world.backups_at_s.append(world.now_s)

    hub.living(make)


def _put_back(world: World, event: Event) -> None:
    """The hub's disk is gone; the tool puts back the newest backup, or the one before it."""
    hub = world.hub
    relied = place_of(hub).relied_on()
    name = relied.name if relied is not None and event.draw.random() < 0.6 else None
    hub.stop(3.0)
    accepted = False
    try:
        try:
            restore(hub, name)
        except Unavailable as fault:
            if fault.code != "backup.too-old" or not world.hits["put back too far"]:
                raise
            accepted = True  # what counts now is older than what was once relied on: losses are accepted once more
            restore(hub, name, accept_loss=True)
    except Unavailable as fault:
        world.tell(f"hub is not put back: {fault.code}")
        if fault.code != "backup.none":
            world.fallen.append(f"a backup that is relied on is not put back: {fault.code}")
        return
    world.hit("put back with losses" if accepted else "put back by the tool")
    if accepted:
        forget_newer(world, hub)
    world.greet_after_s = world.now_s


def forget_newer(world: World, hub: Centre) -> None:
    """Losses were accepted: the newer backups count no more, and nobody holds the hub to them."""
    del world.backups_at_s[sum(each.counts for each in place_of(hub).backups()) :]


FAULTS = (
    Fault(
        BACKUPS,
        lambda rng, shape: Drawn(
            {},
            tuple(one for _ in range(3) for one in times(rng, shape, "backup", 2, hub=True))
            + times(rng, shape, "put-back-by-tool", 2, hub=True),
        ),
        {"backup": made, "put-back-by-tool": _put_back},
        share=0.5,
    ),
)
