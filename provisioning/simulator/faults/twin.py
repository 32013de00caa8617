"""A machine that is copied while it runs: two processes of one start write the same numbers, and both are heard.

Afterwards an operator says what becomes of each stopped stream. Source: protocol way/1, section 4.7.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from appliance.link.letters import Letters
from provisioning.simulator.operators import acts_at
from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.process import STORE_KEY
from provisioning.simulator.wire import HTTPS, SimCarrier
from provisioning.simulator.work import WORK, scan_into
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import hub_orders, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.streams import own_heads
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

VISIT_EVERY_S = 150.0
VISITS = 12
GIVEN_UP = 0.25
"""How often an operator signs what lies behind a stop as lost, in parts of the whole."""
SOFTWARE = "simulated"
HEARD, QUIET_S = "twin-heard", (0.01, 0.01, 3.0, 60.0)
"""A saved schedule may name a plain twin: then the first process writes on at once."""


def copied(world: World, box: Box, rng: random.Random, n: int) -> tuple[str, list[bytes]]:
    """A copy of the running process writes under its numbers: its name, and the batches that nobody has heard yet."""
    world.hit("twin")
    label = f"twin{world.trace.steps}"
    folder = world.folder / label
    box.photograph(folder)
    store = ApplianceStore(
        folder / "node.db", STORE_KEY, node=box.node, role=box.role, clock=box.clock, entropy=SeededEntropy(n),
        suite=suite1,
    )  # fmt: skip
    try:
        store.incarnation = box.store.incarnation
        store._heads = own_heads(store._conn, store.suite.hasher, box.node, store.incarnation)
        for _ in range(rng.randint(1, 3)):
            with store.write(actor="u-luo", device="gun-1") as unit:
                scan_into(unit, box, rng)
        letters = Letters(store, box.book, SOFTWARE)
        batches = [
            made[0]
            for own in outbox.own_streams(store)
            if (made := letters.batch((own.incarnation, own.lane), own.acked + 1)) is not None
        ]
        world.ledger.read_log(label, box.node, store._conn)
    finally:
        store.close()
    world.ledger.disk_gone(label)
    return label, batches


def _twin(world: World, event: Event) -> None:
    """A copy of the running process writes, is heard once by two doors, and is gone. The first goes on."""
    box, rng = world.boxes[event.who], event.draw
    if not box.alive or not box.store.incarnation:
        return
    label, batches = copied(world, box, rng, event.n)
    door = SimCarrier(box, HTTPS)
    for raw in batches:
        for at_s in (rng.choice((0.0, 0.5, 30.0)), rng.choice((0.0, 40.0))):
            world.after(at_s, f"{label} is heard", partial(world.hub.arrives, door, raw))
    quiet_s = (
        rng.choice(QUIET_S) if event.what == HEARD else 0.01
    )  # the copy may be heard before the first writes again
    for at in range(rng.randint(1, 3)):
        world.after(quiet_s + at, f"{box.label} scans", partial(WORK["scan"], world, event))


def visit(world: World, left: int = VISITS) -> None:
    """An operator looks after streams that stand still: what lies beyond is issued again, or signed as lost."""
    world.hub.living(partial(_decide, world))
    if left:
        world.after(VISIT_EVERY_S, "operator comes by", partial(visit, world, left - 1))


def _decide(world: World) -> None:
    store, acts = world.hub.store, acts_at(world)
    for node in sorted({box.node for box in world.boxes}):
        with store.read() as conn:
            stopped = hub_orders.stopped(conn, node)
        for one in stopped:
            try:
                choice = "discard" if world.dice("operator").random() < GIVEN_UP else "reissue"
                acts.thaw(node, one.incarnation, one.lane, choice, "two histories", "u-admin")
            except Unavailable:
                return
            world.hit("stream given up" if choice == "discard" else "stream issued again")
            if world.hits["poison"] and not world.trouble:
                world.greet_after_s = world.now_s  # what was rejected of a stopped stream is told in a welcome


FAULTS = (
    Fault(
        "twin", lambda rng, shape: Drawn({}, times(rng, shape, HEARD, 2) + times(rng, shape, "operator", 2, hub=True)),
        {HEARD: _twin, "twin": _twin, "operator": lambda world, event: visit(world, 0)},
    ),
)  # fmt: skip
