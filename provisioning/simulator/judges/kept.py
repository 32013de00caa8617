"""I1 no loss and I2 no invention: the hub's log against the ledger of what boxes really wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from provisioning.simulator.judges.rest import judged
from sync.kernel.codec import decode_fact
from sync.kernel.ids import CONTROL, FactId
from sync.kernel.outcome import PeerFault

if TYPE_CHECKING:
    from provisioning.simulator.world import World

WITHHELD, FROZEN = 2, 1


@dataclass(frozen=True, slots=True)
class AtHub:
    """A fact of a box in the hub's log. `first_h`: of its first writing, where it was issued again."""

    fid: FactId
    digest: bytes
    first_h: bytes | None


def at_hub(world: World) -> dict[bytes, AtHub]:
    """Every fact of a box in the hub's log, by chain hash."""
    with world.hub.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq, l.h, l.status, l.fact FROM log l "
            "JOIN stream s ON s.id = l.stream WHERE s.node <> ? ORDER BY l.stream, l.seq",
            (world.hub_name,),
        ).fetchall()
    return {
        bytes(r[4]): AtHub(
            FactId(r[0], r[1], r[2], r[3]),
            bytes(r[6]) if r[5] == WITHHELD else sha256(r[6]).digest(),
            None if r[5] == WITHHELD else _first_of(r[6]),
        )
        for r in rows
    }


def _first_of(raw: bytes) -> bytes | None:
    try:
        first = decode_fact(raw).reissue_of
    except PeerFault:
        return None
    return None if first is None else first[3]


def lost(world: World) -> Iterator[str]:
    """Facts that were told as done, or lay on a disk, and that the hub holds under no number."""
    ledger, held = world.ledger, at_hub(world)
    judged_nodes = {box.node for box in judged(world)}
    shown = _frozen(world)
    there = held.keys() | {one.first_h for one in held.values()}
    numbers = {one.fid for one in ledger.written.values()}
    for fid in sorted(ledger.told - numbers):
        yield f"{fid} was told as done and never lay on the disk"
    for h, one in sorted(ledger.written.items(), key=lambda item: (item[1].fid, item[0])):
        if one.fid.node not in judged_nodes or not ledger.is_on_a_disk(h) or one.fid.stream in shown:
            continue
        if one.opening and one.fid.lane != CONTROL and world.hits["stream issued again"]:
            continue  # where a lane's very opening lies behind a stop, the next one says what it said
        if there.isdisjoint((h, one.first_h or h)):
            yield f"{one.fid} is not at the hub{' though a person was answered' if one.fid in ledger.told else ''}"


def _frozen(world: World) -> set[tuple[str, int, int]]:
    """An operator sees that these stand still."""
    with world.hub.store.read() as conn:
        rows = conn.execute("SELECT node, incarnation, lane FROM stream WHERE state = ?", (FROZEN,)).fetchall()
    return {(row[0], row[1], row[2]) for row in rows}


def invented(world: World) -> Iterator[str]:
    """Facts at the hub that no box wrote, and facts taken from a machine that was shut out."""
    ledger = world.ledger
    for h, held in sorted(at_hub(world).items(), key=lambda item: (item[1].fid, item[0])):
        known, fid = ledger.written.get(h), held.fid
        if known is None or known.fid != fid:
            yield f"{fid} was never written"
        elif known.digest != held.digest:
            yield f"{fid} has other bytes at the hub"
        good = ledger.shut_out.get(fid.node)
        if good is not None and fid.seq > good.get((fid.incarnation, fid.lane), 0):
            yield f"{fid} was taken after its machine was shut out"
