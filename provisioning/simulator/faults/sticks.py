"""Sticks beside the line: a file is packed, carried for a while, taken in at the hub, and an answer carried back.

Meanwhile the box goes on over whatever line it has, so one fact may come by three carriers, and an answer may be old
when it arrives. A file may be taken twice, or an older one after a newer one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from appliance.link.letters import Letters
from appliance.link.rekeying import Rekeying
from appliance.link.stick_post import StickPost
from appliance.link.trust_book import TrustBook
from hub.link.stick_desk import StickDesk
from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.process import STORE_KEY
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.steps import nothing
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1
from sync.protocol import stick

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

SOFTWARE = "simulated"
CARRIED_S = (1.0, 10.0, 60.0)


def _at_the_box(world: World, box: Box, n: int, act: Callable[[StickPost], None]) -> None:
    """The service is stopped, somebody uses its store for a moment, and it starts again."""
    if box.alive:
        box.die(2.0)
    if box.gone or not box.enrolled or not box.database.exists():
        return
    store = ApplianceStore(
        box.database, STORE_KEY, node=box.node, role=box.role, clock=box.clock, entropy=SeededEntropy(n), suite=suite1
    )
    try:
        book = TrustBook(box.own_keys, box.trust_path.read_bytes(), partial(_kept, box))
        act(
            StickPost(
                store,
                Letters(store, book, SOFTWARE),
                book,
                box.sealing,
                rekeying=Rekeying(store, book, box.files_for(nothing)),
            )
        )
    except Unavailable as fault:
        world.tell(f"{box.label} stick: {fault.code}")
    finally:
        store.close()
        box.look_at_disk()


def _kept(box: Box, trust: bytes) -> None:
    box.trust_path.write_bytes(trust)


def _packed(world: World, event: Event) -> None:
    box, rng = world.boxes[event.who], event.draw
    if not box.enrolled or not box.starts:
        return

    def pack(post: StickPost) -> None:
        file = stick.pack(post.pack().messages)
        world.hit("stick packed")
        for _ in range(rng.choice((1, 1, 2))):
            world.after(
                rng.choice(CARRIED_S), f"{box.label} stick at the hub", partial(_at_the_hub, world, box, event, file)
            )

    _at_the_box(world, box, event.n, pack)


def _at_the_hub(world: World, box: Box, event: Event, file: bytes) -> None:
    hub, rng = world.hub, world.dice(f"stick {box.label}")

    def take() -> None:
        desk = StickDesk(
            hub.store, hub.door, hub.desk, hub.feeds, hub.voice,
            trust=lambda: hub.bundle().raw, quiet=hub.refill.keeps_back, publish=hub.publisher.publish,
        )  # fmt: skip
        try:
            answer = desk.take(file)
        except (PeerFault, Unavailable) as fault:
            world.tell(f"hub takes no stick: {fault.code}")
            return
        world.hit("stick taken in")
        world.after(rng.choice(CARRIED_S), f"{box.label} stick is back", partial(_back, world, box, event, answer))

    if world.trouble:
        hub.living(take)


def _back(world: World, box: Box, event: Event, answer: bytes) -> None:
    if world.trouble:
        _at_the_box(world, box, event.n + 1, lambda post: _take(world, post, answer))


def _take(world: World, post: StickPost, answer: bytes) -> None:
    done = post.take(stick.unpack(answer))
    world.hit("stick back")
    if done.acknowledged:
        world.hit("acknowledged by a stick")
    if done.rounds is not None:
        world.hit("copies by a stick")


FAULTS = (Fault("stick", lambda rng, shape: Drawn({}, times(rng, shape, "stick", 3)), {"stick": _packed}, share=0.5),)
