"""What is past retention lies nowhere: not in the hub's states and feeds, nor as a copy on a box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.judges.rest import judged

if TYPE_CHECKING:
    from provisioning.simulator.world import World

AT_HUB = ("entity", "entity_fact", "feed_member")
AT_BOX = (("entity", "rev > 0"), ("copy", "rev0 > 0"), ("copy_fact", "rev > 0"), ("member", "1 = 1"))


def kept(world: World) -> Iterator[str]:
    """Entities that are to stay forgotten and are still held. What a box wrote itself is its own, and no copy."""
    now = world.hub.store.high
    names = [name for name, until in sorted(world.forgotten.items()) if until > now]
    for etype, key in names:
        with world.hub.store.read() as conn:
            for table in AT_HUB:
                if conn.execute(f"SELECT 1 FROM {table} WHERE etype = ? AND key = ?", (etype, key)).fetchone():
                    yield f"hub keeps {table} of {etype}/{key}, which is past retention"
        for box in judged(world):
            with box.store.read() as conn:
                for table, where in AT_BOX:
                    if conn.execute(
                        f"SELECT 1 FROM {table} WHERE etype = ? AND key = ? AND {where}", (etype, key)
                    ).fetchone():
                        yield f"{box.label} keeps {table} of {etype}/{key}, which is past retention"
