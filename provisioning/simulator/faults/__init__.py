"""What can go wrong, a kind of trouble a room. A new kind is a `Fault` in its room and a name here."""

from __future__ import annotations

from provisioning.simulator.faults import (
    apart,
    backups,
    blobs,
    boxes,
    clocks,
    disks,
    gone,
    keys,
    leasing,
    line,
    losses,
    scopes,
    sticks,
    twin,
    workers,
    wrong_bytes,
)
from provisioning.simulator.faults import hub as hubs
from provisioning.simulator.plan import Fault

FAULTS: tuple[Fault, ...] = (
    *line.FAULTS,
    *disks.FAULTS,
    *clocks.FAULTS,
    *boxes.FAULTS,
    *hubs.FAULTS,
    *scopes.FAULTS,
    *wrong_bytes.FAULTS,
    *leasing.FAULTS,
    *twin.FAULTS,
    *backups.FAULTS,
    *sticks.FAULTS,
    *blobs.FAULTS,
    *workers.FAULTS,
    *losses.FAULTS,
    *gone.FAULTS,
    *apart.FAULTS,
    *keys.FAULTS,
)
