"""I12: what may grow stays under its cap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.small import PARKED_SMALL
from sync.kernel.limits import EVIDENCE_BYTES_MAX, PARKED_BATCHES_MAX, PARKED_BYTES_MAX

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def beyond(world: World) -> Iterator[str]:
    """Parked batches and evidence at the hub."""
    most = PARKED_SMALL if world.plan.small else PARKED_BATCHES_MAX
    with world.hub.store.read() as conn:
        for row in conn.execute(
            "SELECT stream, count(*), sum(length(raw)) FROM parked GROUP BY stream ORDER BY stream"
        ):
            if row[1] > most or row[2] > PARKED_BYTES_MAX:
                yield f"{row[1]} batches of {row[2]} bytes are parked for stream {row[0]}"
        for row in conn.execute("SELECT node, sum(length(raw)) FROM evidence GROUP BY node ORDER BY node"):
            if row[1] > EVIDENCE_BYTES_MAX:
                yield f"{row[1]} bytes of evidence are kept of {row[0]}"
