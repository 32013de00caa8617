"""I13: after the trouble everything comes to rest within a bound, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.box import Box
from provisioning.simulator.faults.gone import due
from provisioning.simulator.judges import keys
from provisioning.simulator.judges.outside import held_outside
from provisioning.simulator.operators import acts_at
from provisioning.simulator.safekeeping import LOSSES
from sync.adapters.sqlite_log import down, hub_orders
from sync.adapters.sqlite_log.hub_inbound import undigested
from sync.kernel.limits import HELLO_EVERY_S
from sync.protocol import lease_states, states
from sync.protocol.hello import leases_digest

if TYPE_CHECKING:
    from provisioning.simulator.world import World

OPEN, FROZEN, WAITING = 0, 1, 2
HELLO_S_MAX = 1.2 * HELLO_EVERY_S + 60


def judged(world: World) -> list[Box]:
    """The boxes that are expected to have come to rest: healed, enrolled and not shut out."""
    boxes = [box for box in world.machines if box.enrolled and box.node not in world.ledger.shut_out]
    return boxes[:1] if world.plan.alone else boxes


def restless(world: World) -> Iterator[str]:
    """Why the site is not at rest yet."""
    if not world.hub.alive:
        yield "hub is down"
        return
    if world.now_s - world.greet_after_s < HELLO_S_MAX:
        yield "what boxes learn by greeting the hub is yet to come"
    if world.hub.refill.keeps_back():
        yield "hub takes back what it lost"
    if due(world):
        yield "hub has records past retention"
    if world.hub.busy or undigested(world.hub.store):
        yield "hub digests"
    for box in judged(world):
        if not box.alive:
            yield f"{box.label} is down"
            continue
        if box.session.state != states.TALKING:
            yield f"{box.label} is {box.session.state}"
        if box.fetches:
            yield f"{box.label} fetches"
        if box.pictures is not None and box.pictures.kept.left()[0]:
            yield f"{box.label} has pictures to send"
        yield from keys.changing(world, box)
        yield from _waiting(world, box)
        yield from _stopped(world, box)
        yield from _unsigned(world, box)
        yield from _behind(world, box)
        yield from _leases(world, box)


def _waiting(world: World, box: Box) -> Iterator[str]:
    """Streams with facts that the hub has not. One that the hub has more of was rewound: an alarm says so."""
    with box.store.read() as conn:
        rows = conn.execute(
            "SELECT incarnation, lane, last FROM stream WHERE own = 1 AND acked < last AND state = ? ORDER BY id",
            (OPEN,),
        ).fetchall()
    with world.hub.store.read() as conn:
        for incarnation, lane, last in rows:
            held = conn.execute(
                "SELECT last FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", (box.node, incarnation, lane)
            ).fetchone()
            if held is None or held[0] <= last:
                yield f"{box.label} lane {lane} waits"


def _stopped(world: World, box: Box) -> Iterator[str]:
    """Streams with two histories, until an operator has spoken and the box has obeyed."""
    if not world.hits["twin"]:
        return
    with world.hub.store.read() as conn:
        if hub_orders.stopped(conn, box.node):
            yield f"{box.label} has a stopped stream"
    with box.store.read() as conn:
        if conn.execute("SELECT 1 FROM stream WHERE own = 1 AND acked < last AND state = ?", (FROZEN,)).fetchone():
            yield f"{box.label} has not thawed"


def _unsigned(world: World, box: Box) -> Iterator[str]:
    """What is missing for good, until an operator has signed for it. Nobody does where no such fault was drawn."""
    if LOSSES not in world.plan.faults:
        return
    with world.hub.store.read() as conn:
        if acts_at(world).missing(conn, box.node):
            yield f"{box.label} misses facts that nobody signed for"
    with box.store.read() as conn:
        if conn.execute("SELECT 1 FROM stream WHERE own = 1 AND acked < last AND state = ?", (WAITING,)).fetchone():
            yield f"{box.label} waits for an operator"


def _behind(world: World, box: Box) -> Iterator[str]:
    row = world.hub.store.node_row(box.node)
    if row is None:
        yield f"{box.label} is unknown at the hub"
        return
    cursors = {cursor.label: cursor for cursor in down.cursors(box.store)}
    if set(cursors) != set(row.scopes):
        yield f"{box.label} holds {sorted(cursors)}, not {sorted(row.scopes)}"
        return
    with world.hub.store.read() as conn:
        heads = world.hub.feeds.heads(conn, row.scopes)
    for head in heads:
        at = cursors[head.label]
        if at.to_repair or (at.epoch, at.sseq, at.e) != (world.hub.store.epoch, head.sseq, head.e):
            yield f"{box.label} {head.label} at {at.epoch}/{at.sseq}, hub {world.hub.store.epoch}/{head.sseq}"
        elif world.expects_set_repair and not _same_set(world, box, head.label):
            yield f"{box.label} {head.label} set differs"
    if world.expects_set_repair:
        yield from held_outside(box)


def _same_set(world: World, box: Box, label: str) -> bool:
    with world.hub.store.read() as conn:
        (head,) = world.hub.feeds.heads(conn, [label])
        return down.bucket_values(box.store, label) == world.hub.feeds.values(conn, label, head.sseq)


def _leases(world: World, box: Box) -> Iterator[str]:
    """Leases that sleep although the hub is there, or that the two sides see differently."""
    if not world.leasing or sum(each.node == box.node for each in world.boxes) > 1:
        return
    held = box.leases.listing()
    if any(each.state == lease_states.ASLEEP for each in held):
        yield f"{box.label} has a lease asleep"
    if leases_digest(box.store.suite.hasher, (each.lease.id for each in held)) != world.hub.office.digest(box.node):
        yield f"{box.label} and the hub see other leases"


def stuck(world: World) -> Iterator[str]:
    """What is still not at rest when the time is over."""
    yield from restless(world)
