"""Records past retention: the hub forgets them, everybody deletes them, and what comes for them later is set aside.

A hub that was put back may have forgotten that it forgot. Retention follows from dates, so it is looked at again and
again; here that is after each time the hub was put back, and once it is calm.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.work import RECORDS
from sync.adapters.sqlite_log import hub_gone
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import STAY
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from provisioning.simulator.taker import Taker
    from provisioning.simulator.world import World

GONE = "gone"
LOOK_EVERY_S = 40.0
LASTS_MS = 10 * 365 * 86_400_000
"""Longer than any schedule: a box that came by a snapshot keeps showing what it wrote itself of a forgotten record, and
nothing tells that from a record which begins anew under the same key."""


def _forgotten(world: World, event: Event) -> None:
    rng = event.draw
    key, until = rng.choice(RECORDS), world.hub.clock.wall_ms() + LASTS_MS << 16
    for etype in (STAY, DUE)[: rng.choice((1, 2))]:
        world.forgotten[etype, key] = max(until, world.forgotten.get((etype, key), 0))
    if not world.looks_at_retention:
        world.looks_at_retention = True
        look(world)


def look(world: World) -> None:
    """What is past retention and still there is forgotten, by the one worker that may."""
    for (etype, key), until in sorted(world.forgotten.items()):
        for each in (world.hub, *world.hub.workers):
            each.living(partial(_forget, world, each, etype, key, until))
    world.after(LOOK_EVERY_S, "looks at retention", partial(look, world))


def due(world: World) -> list[tuple[int, str]]:
    """What the hub does not know to be past retention, and should."""
    with world.hub.store.read() as conn:
        told = {(row[0], row[1]): row[2] for row in conn.execute("SELECT etype, key, until FROM gone")}
    now = world.hub.store.high
    return [name for name, until in sorted(world.forgotten.items()) if until > max(now, told.get(name, 0))]


def _forget(world: World, taker: Taker, etype: int, key: str, until: int) -> None:
    with taker.store.read() as conn:
        row = conn.execute("SELECT until FROM gone WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    if until <= max(taker.store.high, 0 if row is None else row[0]):
        return
    try:
        labels = hub_gone.forget(taker.store, taker.feeds, etype, key, until)
    except Unavailable:
        world.tell("hub forgets later")
        return
    if labels is None:
        return
    world.hit("forgotten")
    if labels and not taker.quiet():
        taker.rings(sorted(labels))


FAULTS = (
    Fault(
        GONE,
        lambda rng, shape: Drawn({}, times(rng, shape, "forgotten", 4, hub=True)),
        {"forgotten": _forgotten},
        share=0.5,
    ),
)
