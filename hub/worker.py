"""A further worker of a hub on PostgreSQL: it takes what machines send by the broker, and digests when its turn comes.

It runs from the hub's own directory, beside the first worker, which has the screens, the sync door and the broker.
Any worker takes any batch; one that dies is missed by nobody, for what was not acknowledged is sent again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.backup.place import Place
from hub.backup.watch import BackupWatch, relies_on_noted
from hub.features.due.service import follow
from hub.link.digester import Digester
from hub.link.door import Door
from hub.link.key_desk import KeyDesk
from hub.link.learning import learn_again
from hub.link.lease_office import LeaseOffice
from hub.link.mqtt_ingest import MqttIngest
from hub.link.own_key import MISSING
from hub.link.post import Post
from hub.link.refill import is_refilling
from hub.link.voice import TrustBundle, Voice, keys_of
from hub.opening import open_store
from hub.settings import Settings
from hub.web.ports import Ports
from hub.web.serve import client_context
from provisioning.trust.bundle import FILE as BUNDLE
from provisioning.trust.names import WORKERS_MAX
from provisioning.trust.site import open_site
from sync.adapters import bugs
from sync.adapters.clock import Clock
from sync.adapters.idgen import Entropy
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.kernel.limits import TICK_EVERY_S
from sync.kernel.outcome import Unavailable

LOOK_S = 5.0
"""How often it looks whether the first worker has raised the epoch or changed whom to believe."""


class NoMarks:
    """Numbers are given away by the first worker alone, which keeps the file of what must never fall."""

    def mark(self, resource: str) -> int:
        raise AssertionError("asks are passed on to the first worker")

    def reserve(self, resource: str, upto: int) -> None:
        raise AssertionError("asks are passed on to the first worker")


class Worker:
    """Worker `number`, from 2. Raises Unavailable `hub.one-worker` where the store can be shared with nobody."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        number: int,
        software: str,
        clock: Clock,
        entropy: Entropy,
        end: Callable[[Unavailable], None] = lambda fault: None,
    ) -> None:
        """`end`: this process cannot go on."""
        assert 1 < number <= WORKERS_MAX
        if not settings.store.url:
            raise Unavailable("hub.one-worker", 3600.0)
        self.number = number
        self._folder = folder
        self._settings = settings
        self._ending = threading.Event()
        self._end = end
        self._told = _stamp(folder / "keys")
        self._trust = open_site(folder / "keys")
        self._name = self._trust.worker_name(number)
        self.store = open_store(folder, self._trust, settings.store, clock, entropy, number)
        self.store.start_incarnation(software)
        keys = self._trust.keys
        self.voice = Voice(self.store, keys_of(keys), self._bundle)
        self._post = Post()
        self._keys = KeyDesk(self.store, self.voice, lambda node, raw: self._post.deliver(node, [raw]))
        place = settings.backup.place
        self._backups = BackupWatch(
            Place(Path(place), keys.store) if place else None,
            relies_on_noted(folder / "monotone.json"),
            folder.stat().st_dev,
        )
        self._office = LeaseOffice(self.store, self.voice, NoMarks())
        self._door = Door(
            self.store, self.voice, behind=lambda _: self.store.follow_epoch(), office=self._office,
            safe=self._backups.safe, learn=lambda record: learn_again(self.store, self._trust, record),
        )  # fmt: skip
        self._digester = Digester(
            self.store, Feeds(self.store), self._door, self.voice, self._post, follow=self._follow,
            quiet=lambda: self._refilling,
        )  # fmt: skip
        self._ingest: MqttIngest | None = None
        self._refilling = is_refilling(self.store)

    def start(self) -> None:
        """Raises Unavailable `hub.no-broker` when the first worker has never started one, `hub.key-missing`."""
        self._trust.is_key_due(self.voice.hub_ms())
        port = self._settings.broker.port or Ports(self._folder / "data" / "ports.json").get("broker")
        if not port:
            raise Unavailable("hub.no-broker", 10.0)
        certificate, key = self._trust.worker_certificate(self.number, self.store.clock.wall_ms())
        self._ingest = MqttIngest(
            self._name,
            self._settings.broker.host,
            port,
            client_context(self._trust.keys.ca_path, certificate, key),
            door=self._door,
            voice=self.voice,
            post=self._post,
            digester=self._digester,
            shared=True,
            first=False,
        )
        self._digester.start()
        self._ingest.start()
        threading.Thread(target=self._look, name="look", daemon=True).start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Whether batches reach this worker within `timeout_s`; then it says so in the hub's folder."""
        if self._ingest is None or not self._ingest.wait_ready(timeout_s):
            return False
        told = {"node": self.store.node, "worker": self.number, "pid": os.getpid()}
        write_whole(self._state_path, (json.dumps(told, indent=1) + "\n").encode(), mode=0o644)
        return True

    def stop(self) -> None:
        self._ending.set()
        self._state_path.unlink(missing_ok=True)
        if self._ingest is not None:
            self._ingest.stop()
        self._digester.stop()
        self.store.close()

    def _follow(self, unit: Unit, change: Change, state: Any) -> None:
        follow(unit, change, state)
        self._office.follow(unit, change, state)
        self._keys.follow(unit, change, state)

    @property
    def _state_path(self) -> Path:
        return self._folder / f"worker-{self.number}.json"

    def _look(self) -> None:
        looked = float("-inf")
        while not self._ending.is_set():
            now_s = self.store.clock.mono_s()
            if now_s - looked > TICK_EVERY_S:
                looked = now_s
                bugs.survive("look", self._backups.look)
            for act in (self.store.follow_epoch, self._look_after_refill, self.follow_trust):
                bugs.survive("look", act)
            self._ending.wait(LOOK_S)

    def _look_after_refill(self) -> None:
        self._refilling = is_refilling(self.store)

    def follow_trust(self) -> None:
        """Whom to believe and what to sign with, read again only where another bundle lies in the place of the last.

        The first worker puts the next key in force before it signs the bundle with it.
        """
        told = _stamp(self._trust.keys.folder)
        try:
            if told != self._told:
                self._trust = open_site(self._trust.keys.folder)
                self._told, self.voice.keys = told, keys_of(self._trust.keys)
            self._trust.is_key_due(self.voice.hub_ms())
        except Unavailable as fault:
            if fault.code == MISSING:
                self._end(fault)

    def _bundle(self) -> TrustBundle:
        return TrustBundle(self._trust.bundle.version, self._trust.bundle.raw)


def _stamp(keys: Path) -> tuple[int, int]:
    found = (keys / BUNDLE).stat()
    return found.st_ino, found.st_mtime_ns
