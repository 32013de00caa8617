"""Signing keys: every box ends with one that the hub takes, and the hub took nothing under one that was over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.link import door
from provisioning.simulator.faults.leasing import HUB_CLOCK_S
from provisioning.simulator.workers import WORKERS
from sync.kernel.hlc import ms_of
from sync.kernel.suite import suite1
from sync.protocol.long_header import FACTS, parse

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World


def changing(world: World, box: Box) -> Iterator[str]:
    """Why a box is not at rest: it goes over to another key, or has one that is over some day."""
    row = world.hub.store.node_row(box.node)
    if row is None:
        return
    key = row.key(suite1.key_id(suite1.signing_public(box.signing)))
    if key is None:
        yield f"{box.label} signs with a key that the hub does not know"
    elif box.files.next is not None:
        yield f"{box.label} goes over to another key"
    elif key.until_ms is not None:
        yield f"{box.label} signs with a key that is over"


def taken_late(world: World) -> Iterator[str]:
    """Facts that came in under a key of nobody, or under one that was over."""
    grace_ms = round(1000 * door.KEYS_FRESH_S)
    if world.hits["hub-clock"] and WORKERS in world.plan.faults:
        grace_ms += round(
            1000 * HUB_CLOCK_S
        )  # a worker knows nothing of the time that another wrote under a wrong clock
    rows = {row.node: row for row in world.hub.store.nodes()}
    with world.hub.store.read() as conn:
        arrivals = conn.execute("SELECT pos, hub_hlc, header FROM arrival WHERE header IS NOT NULL ORDER BY pos")
        for pos, hub_hlc, raw in arrivals.fetchall():
            header = parse(bytes(raw), FACTS, with_body=False)
            row = rows.get(header.node)
            key = None if row is None else row.key(header.key_id)
            if key is None:
                yield f"arrival {pos} of {header.node} is signed by a key of nobody"
            elif not key.counts(ms_of(hub_hlc) - grace_ms):
                yield f"arrival {pos} of {header.node} is signed by a key that was over"
