"""From a backup to a hub that can be run: rows put in, query tables made again, the hub's own later facts read back.

The new database is built beside the old one and checked before anything of the old one moves. The epoch is raised in
the file that never falls before the databases change places, so there is no instant at which a hub that lost facts
could answer under the old one. Source: protocol way/1, sections 5.1-5.3, 5.7.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub.backup import blobs, own
from hub.backup.blobs import BlobCopies
from hub.backup.check import check
from hub.backup.make import fault_of
from hub.backup.place import MONOTONE, OWN, Backup, Place, retire_newer
from hub.backup.tables import copy_rows, kept_tables, project_again
from hub.link import refill
from hub.link.monotone import Monotone, MonotoneFile, read_monotone
from hub.link.voice import HubKeys
from hub.projections import all_projectors
from sync.adapters.clock import Clock, SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import sync_folder, write_whole
from sync.adapters.sqlite_log.connection import connect
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.layout import LAYOUT, steps_from
from sync.adapters.sqlite_log.node_store import set_meta
from sync.kernel.outcome import Unavailable

UNFINISHED = "restoring"
"""A file in the hub's directory while databases change places: a hub that finds it does not start."""
DATABASE = ("node.db", "node.db-wal", "node.db-shm")
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HubSecrets:
    """What opens a backup: the hub's name, the key of its database, the keys of its batches."""

    node: str
    store: bytes
    messages: HubKeys
    server: Database | None = None
    """Where the hub's tables lie when they are not in its own folder."""


@dataclass(frozen=True, slots=True)
class Built:
    """A database made of a backup. `own_facts`: the hub's own, written after the backup and read back."""

    facts: int
    own_facts: int
    entities: int
    streams: int


@dataclass(frozen=True, slots=True)
class PutBack:
    """`replaced`: where the old database lies now, None when there was none. `lost`: newer backups given up.

    `blobs_lost`: sealed bytes that are neither here nor in the place; boxes are asked for them.
    """

    backup: Backup
    built: Built
    epoch: int
    replaced: Path | None
    lost: int
    blobs_lost: int = 0


def choose(place: Place, name: str | None) -> Backup:
    """The named backup, or the newest that was verified. Raises Unavailable `backup.none`, `backup.unknown`."""
    backups = place.backups()
    if name is not None:
        found = [each for each in backups if each.name == name]
        if not found:
            raise Unavailable("backup.unknown", 0.0)
        return found[0]
    counting = [each for each in backups if each.counts]
    if not counting:
        raise Unavailable("backup.none", 0.0)
    return counting[-1]


def build(
    place: Place,
    backup: Backup,
    target: Path,
    secrets: HubSecrets,
    told: Told = lambda _stage: None,
    clock: Clock | None = None,
) -> Built:
    """A whole database at `target` out of a backup. Raises Unavailable `backup.damaged`, `backup.newer`."""
    if backup.schema > LAYOUT:
        raise Unavailable("backup.newer", 0.0)
    told("check")
    if fault_of(place, backup, secrets.store) is not None:
        raise Unavailable("backup.damaged", 0.0)
    told("rows")
    store = _open(target, secrets, clock)
    source = connect(place.database(backup), secrets.store, writes=False)
    try:
        with store.write() as unit:
            copy_rows(source, unit.conn, kept_tables())
            for step in steps_from(backup.schema):
                step.fill(unit.conn)
    finally:
        source.close()
        store.close()
    store = _open(target, secrets, clock)  # what it keeps in memory follows from the rows
    try:
        told("query tables")
        with store.write() as unit:
            entities = project_again(store, unit)
        told("own facts")
        own_facts = own.read_back(place.folder / OWN, store, secrets.messages)
        told("read-back")
        with store.read() as conn:
            checked = check(conn, place.streams(backup))
        if checked.fault is not None:
            raise Unavailable("backup.damaged", 0.0)
        return Built(checked.facts, own_facts, entities, len(checked.streams))
    finally:
        store.close()


def put_back(
    folder: Path,
    place: Place,
    secrets: HubSecrets,
    *,
    name: str | None = None,
    accept_loss: bool = False,
    epoch: int = 0,
    told: Told = lambda _stage: None,
    copies: BlobCopies | None = None,
    clock: Clock | None = None,
) -> PutBack:
    """Give the stopped hub in `folder` the database of a backup, under a higher epoch.

    `epoch`: at least this, where an operator knows of a higher one. Raises Unavailable `backup.too-old` for a backup
    that appliances may have pruned beyond, unless losses are accepted; then newer backups are retired.
    """
    held = _remembered(folder, place)
    backup = choose(place, name)
    if backup.began_ms < held.relied_ms and not accept_loss:
        raise Unavailable("backup.too-old", 0.0)
    fresh = folder / "data.restoring"
    _empty(fresh)
    built = build(place, backup, fresh / "node.db", secrets, told, clock)
    raised = max(held.epoch, epoch - 1, *(each.epoch for each in place.backups())) + 1
    tick = held.tick + 1
    told("blobs")
    blobs_lost = _enter(fresh / "node.db", secrets, raised, tick, copies, clock)
    write_whole(folder / UNFINISHED, b"")
    MonotoneFile(folder / MONOTONE).rise(held.over(Monotone(raised, tick)))
    lost = 0
    if accept_loss:
        kept = place.backups()
        after = retire_newer(kept, backup)
        lost = sum(new.retired and not old.retired for new, old in zip(after, kept, strict=True))
        place.keep(after)
    replaced = None
    if secrets.server is None:
        replaced = _swap(folder, fresh, raised)
    else:
        _pour(fresh, secrets)
    (folder / UNFINISHED).unlink()
    sync_folder(folder)
    return PutBack(backup, built, raised, replaced, lost, blobs_lost)


def _pour(fresh: Path, secrets: HubSecrets) -> None:
    """The finished database into the tables on a server, in one commit; what they held before is gone with it."""
    store = HubStore(
        fresh / "node.db",
        secrets.store,
        node=secrets.node,
        role="hub",
        clock=SystemClock(),
        entropy=SystemEntropy(),
        projectors=all_projectors(secrets.store),
        suite=secrets.messages.suite,
        database=secrets.server,
    )
    source = connect(fresh / "node.db", secrets.store, writes=False)
    try:
        with store.write() as unit:
            copy_rows(source, unit.conn, kept_tables())
            project_again(store, unit)
            unit.conn.count_on()
    finally:
        source.close()
        store.close()
    _empty(fresh)
    fresh.rmdir()


def _remembered(folder: Path, place: Place) -> Monotone:
    """The higher of what the hub's directory and the place remember."""
    found = Monotone()
    for path in (folder / MONOTONE, place.folder / MONOTONE):
        told = read_monotone(path)
        found = found if told is None else found.over(told)
    return found


def _open(path: Path, secrets: HubSecrets, clock: Clock | None) -> HubStore:
    return HubStore(
        path,
        secrets.store,
        node=secrets.node,
        role="hub",
        clock=clock or SystemClock(),
        entropy=SystemEntropy(),
        projectors=all_projectors(secrets.store),
        suite=secrets.messages.suite,
    )


def _enter(
    path: Path, secrets: HubSecrets, epoch: int, tick: int, copies: BlobCopies | None, clock: Clock | None
) -> int:
    """Returns how many blobs are nowhere."""
    store = _open(path, secrets, clock)
    try:
        with store.read() as conn:
            lost = copies.bring_back(blobs.held(conn)) if copies else []
        with store.write() as unit:
            blobs.forget(unit.conn, lost)
            set_meta(unit.conn, "hub_epoch", epoch)
            set_meta(unit.conn, "tick", tick)
            refill.begin(unit.conn, epoch)
        return len(lost)
    finally:
        store.close()


def _empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in DATABASE:
        (folder / left).unlink(missing_ok=True)


def _swap(folder: Path, fresh: Path, epoch: int) -> Path | None:
    """The old database moves aside whole, the new one takes its name."""
    data = folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    aside: Path | None = None
    for part in DATABASE:
        if (data / part).exists():
            if aside is None:
                aside = folder / f"data.before-epoch-{epoch}"
                aside.mkdir(mode=0o700, exist_ok=True)
            os.replace(data / part, aside / part)
    os.replace(fresh / "node.db", data / "node.db")
    sync_folder(data)
    _empty(fresh)
    fresh.rmdir()
    return aside
