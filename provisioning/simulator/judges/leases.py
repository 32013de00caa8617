"""I7 and I8: what was seen of leases is no more, and no later, than was granted, and nothing was given away twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.judges.rest import judged
from sync.adapters.leases import hub_tables
from sync.protocol.lease import Lease

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def seen_beyond(world: World) -> Iterator[str]:
    """Uses beyond a quota or a term. A copied disk may double a quota, and then the hub shows it to somebody."""
    yield from world.promises.wrong["I7"]
    for lease, units in sorted(world.promises.shown.items()):
        granted = world.promises.leases[lease]
        if units > granted.quota * _disks(world, granted):
            yield f"{granted.resource}: {units} units were seen of {granted.quota}"
        elif units > granted.quota and not _shown(world, granted):
            yield f"{granted.resource}: {units} units were seen of {granted.quota}, and nobody is told"


def _disks(world: World, lease: Lease) -> int:
    """How many disks may have counted the lease apart: copies, and one put back whose witness is gone as well."""
    machines = sum(box.node == lease.node for box in world.boxes)
    return machines + (world.hits["box-restored"] if world.hits["witness-lost"] else 0)


def _shown(world: World, lease: Lease) -> bool:
    if lease.node not in {box.node for box in judged(world)} or world.hits["box-restored"]:
        return True  # the uses that would tell were lost with a disk, or will never arrive
    with world.hub.store.read() as conn:
        return any(review.lease == lease.id for review in hub_tables.reviews(conn, limit=10_000))


def given_twice(world: World) -> Iterator[str]:
    """Numbers and holds. A file that only rises, rolled back with the database, and a clock that leaps can undo them.

    So may a copied disk for a hold: two machines under one fence.
    """
    if world.hits["hub-rolled-back"]:
        return
    numbers = [found for found in world.promises.wrong["I8"] if "printed" in found]
    holds = [found for found in world.promises.wrong["I8"] if "printed" not in found]
    yield from numbers
    if not (world.hits["hub-clock"] or world.hits["box-cloned"]):
        yield from holds
