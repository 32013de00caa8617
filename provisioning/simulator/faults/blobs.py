"""Pictures that boxes take: described in a fact, carried in chunks beside it, kept until the hub says that they may go.

Chunks are a quarter of a KiB here. Blobs are in no backup yet, so the hub never says so, and nothing may be freed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.simulator.pictures import BLOBS
from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.work import RECORDS
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.tracking.facts import STAY
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.simulator.world import World

BYTES_MAX, PREVIEW_BYTES = 1500, 60


def _taken(world: World, event: Event) -> None:
    box, rng = world.boxes[event.who], event.draw
    sealed, small = rng.randbytes(rng.randint(1, BYTES_MAX)), rng.randbytes(PREVIEW_BYTES)

    def take() -> None:
        pictures = box.pictures
        assert pictures is not None
        try:
            blob = pictures.kept.stage(sealed)
            preview = pictures.kept.stage(small) if rng.random() < 0.3 else None
        except Unavailable:
            return

        def write(unit: Unit) -> None:
            owner = (STAY, rng.choice(RECORDS))
            pictures.kept.describe(unit, blob, "image/png", owner, page=1, preview=preview)

        if box.act(write):
            world.hit("picture taken")
            pictures.want()

    box.living(take)


FAULTS = (Fault(BLOBS, lambda rng, shape: Drawn({}, times(rng, shape, "picture", 6)), {"picture": _taken}, share=0.5),)
