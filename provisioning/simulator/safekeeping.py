"""A hub's backups in a simulated site: the real catalogue, copies and tool, in virtual time and on the site's disk.

The place outlives the hub's machine; whatever is put back of the hub, it stays as it is.
"""

from __future__ import annotations

from typing import Any

from hub.backup.copier import OwnCopier
from hub.backup.make import make_backup
from hub.backup.place import Place
from hub.backup.restore import HubSecrets, put_back
from hub.backup.watch import BackupWatch
from provisioning.simulator.plan import Plan
from provisioning.simulator.process import STORE_KEY
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.ids import StreamId
from sync.kernel.outcome import Unavailable

BACKUPS, LOSSES = "backups", "losses"
"""The kinds of fault that need this; a schedule without them runs without any backup."""
DISK = 1
"""Some device number: the place is on another disk."""


def is_kept(plan: Plan) -> bool:
    """Whether there are backups in this schedule."""
    return not {BACKUPS, LOSSES}.isdisjoint(plan.faults)


class Safekeeping:
    """What one process of the hub knows of the place. `centre`: a `Centre`, which knows this page."""

    def __init__(self, centre: Any) -> None:
        self._centre = centre
        self.place = place_of(centre)
        keys = centre.directory / "keys"
        keys.mkdir(exist_ok=True)
        (keys / "trust.way").write_bytes(centre.bundle().raw)
        self._watch = BackupWatch(self.place, centre.epochs.rely_on, DISK)
        self._copier = OwnCopier(centre.store, centre.voice, self.place, centre.directory)
        centre.epochs.rose = lambda _told: None

    def safe(self, stream: StreamId) -> int:
        return self._watch.safe(stream)

    def look(self) -> None:
        """As the hub does once a minute: what the catalogue says now, and the hub's own facts copied away."""
        self._watch.look()
        try:
            self._copier.copy()
        except Unavailable:
            self._centre.world.tell("hub copies no facts of its own")

    def make(self) -> None:
        """One more backup. Raises Unavailable `backup.unverified`."""
        store: HubStore = self._centre.store
        with store.read() as conn:
            make_backup(conn, STORE_KEY, self.place, self._centre.directory / "work", store.clock.wall_ms())


def place_of(centre: Any) -> Place:
    """The folder that survives the hub's machine."""
    folder = centre.directory.with_name("place")
    folder.mkdir(exist_ok=True)
    return Place(folder, STORE_KEY)


def restore(centre: Any, name: str | None, *, accept_loss: bool = False) -> None:
    """What `waystation backup restore` does to a stopped hub. Raises Unavailable `backup.none`, `backup.too-old`."""
    assert not centre.alive
    put_back(
        centre.directory, place_of(centre), HubSecrets(centre.node, STORE_KEY, centre.keys), name=name,
        accept_loss=accept_loss, clock=centre.clock,
    )  # fmt: skip
