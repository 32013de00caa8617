"""I1 no loss and I2 no invention: the hub's log against the ledger of what boxes really wrote."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from provisioning.simulator.judges.rest import judged
from sync.kernel.codec import decode_fact
from sync.kernel.ids import FactId

if TYPE_CHECKING:
    from provisioning.simulator.world import World

WITHHELD, FROZEN = 2, 1


def at_hub(world: World) -> dict[FactId, bytes]:
    """Digest of every fact of a box in the hub's log."""
    with world.hub.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq, l.status, l.fact FROM log l JOIN stream s ON s.id = l.stream "
            "WHERE s.node <> ? ORDER BY l.stream, l.seq",
            (world.hub_name,),
        ).fetchall()
    return {FactId(r[0], r[1], r[2], r[3]): r[5] if r[4] == WITHHELD else sha256(r[5]).digest() for r in rows}


def lost(world: World) -> Iterator[str]:
    """Facts that were told as done, or lay on a disk, and that the hub does not hold."""
    ledger, held = world.ledger, at_hub(world)
    judged_nodes = {box.node for box in judged(world)}
    shown, again = _streams_shown_stuck(world), _elsewhere(world)
    for fid in sorted(ledger.told - ledger.produced.keys()):
        yield f"{fid} was told as done and never lay on the disk"
    for fid in sorted(ledger.produced):
        if fid.node not in judged_nodes or fid in ledger.rolled_back or fid in again or fid.stream in shown:
            continue
        if fid not in held:
            yield f"{fid} is not at the hub{' though a person was answered' if fid in ledger.told else ''}"


def _streams_shown_stuck(world: World) -> set[tuple[str, int, int]]:
    """Frozen streams: an operator sees them."""
    with world.hub.store.read() as conn:
        rows = conn.execute("SELECT node, incarnation, lane FROM stream WHERE state = ?", (FROZEN,)).fetchall()
    return {(row[0], row[1], row[2]) for row in rows}


def _elsewhere(world: World) -> set[FactId]:
    """Facts that came again under another number: issued anew behind a stopped stream."""
    if not world.hits["twin"]:
        return set()
    with world.hub.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE l.status <> ? ORDER BY 1",
            (WITHHELD,),
        ).fetchall()
    again = ((node, decode_fact(raw).reissue_of) for node, raw in rows)
    return {FactId(node, *of[:3]) for node, of in again if of is not None}


def invented(world: World) -> Iterator[str]:
    """Facts at the hub that no box wrote, and facts taken from a machine that was shut out."""
    ledger = world.ledger
    for fid, d in sorted(at_hub(world).items()):
        if fid not in ledger.produced:
            yield f"{fid} was never written"
        elif ledger.produced[fid] != d and fid.stream not in ledger.doubled:
            yield f"{fid} has other bytes at the hub"
        good = ledger.shut_out.get(fid.node)
        if good is not None and fid.seq > good.get((fid.incarnation, fid.lane), 0):
            yield f"{fid} was taken after its machine was shut out"
