"""I1 no loss and I2 no invention: the hub's log against the ledger of what boxes really wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from hub.backup import own
from hub.backup.place import OWN
from provisioning.simulator.judges.rest import judged
from provisioning.simulator.safekeeping import place_of
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.sqlite_log import hub_orders
from sync.kernel.codec import decode_fact
from sync.kernel.ids import CONTROL, FactId, StreamId
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1

if TYPE_CHECKING:
    from provisioning.simulator.ledger import Ledger
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
    shown, signed = _frozen(world), _signed_as_lost(world)
    thawed = world.hits["stream issued again"] + world.hits["stream given up"]
    given_up = _given_up(ledger, signed)
    there = held.keys() | {one.first_h for one in held.values()}
    numbers = {one.fid for one in ledger.written.values()}
    for fid in sorted(ledger.told - numbers):
        yield f"{fid} was told as done and never lay on the disk"
    for h, one in sorted(ledger.written.items(), key=lambda item: (item[1].fid, item[0])):
        if one.fid.node not in judged_nodes or not ledger.is_on_a_disk(h) or one.fid.stream in shown:
            continue
        if not given_up.isdisjoint((h, one.first_h or h)):
            continue
        if one.opening and one.fid.lane != CONTROL and thawed:
            continue  # where a lane's very opening lies behind a stop, the next one says what it said
        if there.isdisjoint((h, one.first_h or h)):
            yield f"{one.fid} is not at the hub{' though a person was answered' if one.fid in ledger.told else ''}"


def own_lost(world: World) -> Iterator[str]:
    """Facts of the hub itself that lie at the backup place and not in its log."""
    if not world.hits["put back by the tool"] or world.hits["hub-restored"] or world.hits["hub-rolled-back"]:
        return  # whoever puts a database back past the tool loses them
    with world.hub.store.read() as conn:
        held = {
            (row[0], row[1]): row[2]
            for row in conn.execute("SELECT incarnation, lane, last FROM stream WHERE own = 1 ORDER BY id")
        }
    for path in sorted((place_of(world.hub).folder / OWN).glob("*.way")):
        incarnation, lane = path.stem.split("-")
        upto = held.get((int(incarnation, 16), int(lane)), 0)
        if upto < own.upto_of(path):
            yield f"{world.hub_name}/{path.stem} ends at {upto}, and its copy goes to {own.upto_of(path)}"


def pictures_lost(world: World) -> Iterator[str]:
    """Blobs that a box gave up, or that the hub signed for and does not hold whole."""
    for box in judged(world):
        if box.pictures is None:
            continue
        with box.store.read() as conn:
            blobs = [bytes(row[0]) for row in conn.execute("SELECT id FROM blob_out ORDER BY id")]
        for blob in blobs:
            own_bytes = _bytes_of(box.folder / "blobs", blob)
            if own_bytes is None:
                yield f"{box.label} freed {blob.hex()[:8]}, which the hub never called safe"
            elif _bytes_of(world.hub.folder / "blobs", blob) != own_bytes and not world.put_back_unnoticed:
                # Where a picture's rows alone were lost, nothing beside the database betrays it, and no epoch rises.
                # A hub put back unnoticed forgets what it signed last; the box has the bytes and asks every six hours.
                yield f"{blob.hex()[:8]} of {box.label} is not whole at the hub"


def _bytes_of(root: Path, blob: bytes) -> bytes | None:
    store = FolderStore(root, suite1.hash)
    if store.size(blob) is None:
        return None
    found, n = b"", 0
    while chunk := store.chunk(blob, n):
        found, n = found + chunk, n + 1
    return found


def _signed_as_lost(world: World) -> dict[StreamId, list[hub_orders.Loss]]:
    """Facts that an operator gave up by their numbers, and no others."""
    found: dict[StreamId, list[hub_orders.Loss]] = {}
    with world.hub.store.read() as conn:
        for loss in world.ledger.signed_as_lost.union(hub_orders.losses(conn)):
            found.setdefault(StreamId(loss.node, loss.incarnation, loss.lane), []).append(loss)
    return found


def _given_up(ledger: Ledger, signed: Mapping[StreamId, Sequence[hub_orders.Loss]]) -> set[bytes]:
    """Chain hashes of facts signed as lost, and of the first writing of those that had been issued again."""
    found: set[bytes] = set()
    for h, one in ledger.written.items():
        if any(each.first <= one.fid.seq <= each.last for each in signed.get(one.fid.stream, ())):
            found |= {h, one.first_h or h}
    return found


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
