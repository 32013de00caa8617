"""The hub's database put back to an earlier day: by the book, or behind everyone's back with all that lay beside."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.simulator.plan import Drawn, Event, Fault, times

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def _backed_up(world: World, event: Event) -> None:
    """Today's database is kept, and put back some time later."""
    hub = world.hub
    if not hub.database.exists():
        return
    into = world.folder / f"hub-photo-{world.trace.steps}"
    hub.photograph_all(into)
    silent = event.what == "hub-rolled-back"
    put = partial(put_back, world, into, silent, world.now_s)
    world.after(event.draw.choice((5.0, 70.0, 150.0)), "hub put back", put)


def put_back(world: World, photo: Path, silent: bool, taken_s: float) -> None:
    """The hub's database is the one that was photographed; `silent`: and so is what lies beside it."""
    relied_s = max(world.backups_at_s[-2:-1], default=0.0)
    if not world.trouble or taken_s < relied_s:
        return
    world.hit("hub-rolled-back" if silent else "hub-restored")
    hub = world.hub
    world.put_back_at_epoch = hub.store.epoch
    hub.stop(3.0)
    hub.put_back_all(photo, with_beside=silent)
    world.greet_after_s = world.now_s


FAULTS = (
    Fault(
        "hub-restored",
        lambda rng, shape: Drawn({}, times(rng, shape, "hub-restored", 2, hub=True)),
        {"hub-restored": _backed_up},
    ),
    Fault(
        "hub-rolled-back",
        lambda rng, shape: Drawn({}, times(rng, shape, "hub-rolled-back", 1, hub=True)),
        {"hub-rolled-back": _backed_up},
    ),
)
