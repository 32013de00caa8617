"""Who looks after machines' histories at the hub: the real acts of its pages, at a simulated site."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hub.features.fleet.acts import Acts
from hub.store.desk import Desk
from sync.protocol import message
from sync.protocol.notices import Order

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def acts_at(world: World) -> Acts:
    """What an operator may do at the hub that runs now."""
    return Acts(Desk(world.hub.store, "UTC", lambda: None), partial(_tell, world))


def _tell(world: World, node: str, order: Order | None) -> None:
    voice = world.hub.voice
    world.hub.deliver(node, voice.hello_wanted(node) if order is None else voice.say(message.ORDER, order.body(), node))
