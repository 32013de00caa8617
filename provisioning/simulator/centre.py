"""The hub: the real store, door, greeting, feeds and epoch keeper; its digest in turns of virtual time.

Where it has further workers (`Worker`), they share its tables, and the broker gives each message to one of them.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from hub.link.blob_desk import BlobDesk
from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.feed_desk import FeedDesk
from hub.link.key_desk import KeyDesk
from hub.link.learning import agree_on_shut_out
from hub.link.lease_office import LeaseOffice
from hub.link.publisher import LOOK_EVERY_S, Publisher
from hub.link.refill import Refill
from hub.link.voice import HubKeys, TrustBundle, Voice, not_safe
from provisioning.simulator.process import STORE_KEY
from provisioning.simulator.promises import content_keys
from provisioning.simulator.safekeeping import Safekeeping, is_kept
from provisioning.simulator.site import Site
from provisioning.simulator.taker import Taker
from provisioning.simulator.wire import HTTPS, MQTT, SimCarrier
from provisioning.simulator.workers import WORKERS, SharedFile, Turn, Worker
from provisioning.trust.bundle import first_trust, make_bundle
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.sqlite_log import hub_history, hub_inbound, hub_orders
from sync.adapters.sqlite_log.connection import connect
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.sqlite_log.hub_store import (
    HubStore,
    NodeRow,
)
from sync.kernel.ids import StreamId
from sync.kernel.limits import TICK_EVERY_S
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1

SOFTWARE = "simulated"
REFILL_LOOK_S = 5.0
WORTH = Worth(members=2, entries=4)


class Centre(Taker):
    """What is kept outside the database: keys, the trust bundle, the monotone file. A backup holds none of them."""

    def __init__(self, world: Site, folder: Path) -> None:
        super().__init__(world, "hub", folder / "data", chance="", reaches=frozenset({MQTT, HTTPS}))
        self.directory = folder
        seed = world.plan.seed
        self.keys = HubKeys(sha256(b"sign %d" % seed).digest(), sha256(b"seal %d" % seed).digest(), suite1)
        self.public = suite1.signing_public(self.keys.signing)
        self.trust = replace(
            first_trust(
                suite=suite1,
                signing_public=self.public,
                sealing_public=suite1.sealing_public(self.keys.sealing),
                authority_der=b"",
                now_ms=self.clock.wall_ms(),
            ),
            authorities=(),
        )
        self._refilling = False
        self.turn = Turn()
        self.stopped = False
        self.workers: list[Worker] = []

    def begin(self) -> None:
        self.clear()
        self._refilling = False
        self.store = HubStore(
            self.database,
            STORE_KEY,
            node=self.node,
            role="hub",
            clock=self.clock,
            entropy=self.entropy(),
            point=self.point,
            suite=suite1,
            database=SharedFile(self.database, STORE_KEY, self.turn) if self.shares else None,
        )
        try:
            self.store.start_incarnation(SOFTWARE)
            self.voice = Voice(self.store, self.keys, self.bundle)
            self.epochs = EpochKeeper(self.store, self.monotone, lambda: self.trust.version)
            self.office = LeaseOffice(self.store, self.voice, self.epochs, keys_of=content_keys)
            learn, office = self.world.staff.learn, self.office if self.world.leasing else None
            self.refill = Refill(self.store)
            self.safekeeping = Safekeeping(self) if is_kept(self.world.plan) else None
            safe = self.safekeeping.safe if self.safekeeping else not_safe
            self.door = Door(self.store, self.voice, learn=learn, behind=self._behind, office=office, safe=safe)
            self.feeds = Feeds(self.store)
            self.desk = FeedDesk(self.store, self.feeds, self.voice, self.refill.keeps_back)
            self.blobs = BlobDesk(self.store, self.voice, FolderStore(self.folder / "blobs", suite1.hash), suite1.hash)
            self.key_desk = KeyDesk(self.store, self.voice, self.deliver)
            self.publisher = Publisher(self.store, self.voice, WORTH)
            self.epochs.settle()
            agree_on_shut_out(self.store, [row.node for row in self.trust.revoked], self.world.staff.shut_out)
            if self.safekeeping:
                self.safekeeping.look()
            self.refill.look()
        except Unavailable:
            self.die(5.0)
            return
        self.stopped = False
        self.store.on_arrival(self._told_all)
        self.arrived()
        self.after(TICK_EVERY_S, "ticks", self._tick)
        self._look_after_refill()
        self.after(LOOK_EVERY_S / 3, "looks for snapshots", self._publishes)

    @property
    def shares(self) -> bool:
        return WORKERS in self.world.plan.faults

    def _told_all(self) -> None:
        self.arrived()
        self.look_for_turn(self)

    def look_for_turn(self, but: Taker) -> None:
        """What one took in rings no bell at the others: they look for it by themselves."""
        for each in (self, *self.workers) if self.shares else ():
            if each is not but and each.alive:
                each.looks()

    @property
    def busy(self) -> bool:
        return self._taking or any(each.busy for each in self.workers)

    def stop(self, back_in_s: float) -> None:
        """An operator stops the hub and all its workers, to do something to its disk."""
        self.stopped = True
        for each in (self, *self.workers):
            if each.alive:
                each.die(back_in_s)

    def arrives(self, carrier: SimCarrier, raw: bytes) -> None:
        """The broker gives each message to one of those who take them; the sync door is the hub's alone."""
        able = [each for each in self.workers if each.alive] if carrier.name == MQTT else []
        if able and (not self.alive or self.world.dice("who takes").random() < len(able) / (len(able) + 1)):
            self.world.dice("who takes").choice(able).arrives(carrier, raw)
        else:
            super().arrives(carrier, raw)

    def passed_on(self, carrier: SimCarrier, raw: bytes) -> None:
        """What a worker does not answer itself."""
        super().arrives(carrier, raw)

    def quiet(self) -> bool:
        return self.refill.keeps_back()

    def bundle(self) -> TrustBundle:
        raw = make_bundle(
            self.trust, hub=self.node, epoch=self.store.epoch, signing_key=self.keys.signing, suite=suite1
        )
        return TrustBundle(self.trust.version, raw)

    def _tick(self) -> None:
        try:
            self.epochs.tick()
            if self.world.leasing:
                self.office.tidy()
            if self.safekeeping:
                self.safekeeping.look()
        except Unavailable:
            self.world.tell("hub does not tick")
        self.after(TICK_EVERY_S, "ticks", self._tick)

    @property
    def monotone(self) -> Path:
        return self.directory / "monotone.json"

    def _behind(self, epoch: int) -> None:
        """Somebody holds proof that this hub forgot: from now on nobody hears where feeds stand."""
        self.epochs.above(epoch)
        self.refill.look()
        self._look_after_refill()

    def _look_after_refill(self) -> None:
        if not self._refilling and self.refill.keeps_back():
            self._refilling = True
            self.after(REFILL_LOOK_S, "looks whether all came back", self._all_came_back)

    def _all_came_back(self) -> None:
        self._refilling = False
        try:
            if self.refill.look():
                self.rings(sorted(hub_inbound.feed_labels(self.store)))
        except Unavailable:
            self.world.tell("hub does not end its refill")
        self._look_after_refill()

    def _publishes(self) -> None:
        try:
            for label in self.publisher.look():
                self.world.tell(f"hub snapshot of {label}")
                self.world.hit("snapshot published")
        except Unavailable:
            self.world.tell("hub publishes no snapshot")
        self.after(LOOK_EVERY_S, "looks for snapshots", self._publishes)

    # Feeds, as the door for machines serves them

    def member(self, node: str) -> NodeRow:
        """Who asks. Raises PeerFault for nobody of ours."""
        row = self.store.node_row(node)
        if row is None:
            raise PeerFault("node-unknown")
        if row.state in ("revoked", "closed"):
            raise PeerFault("node-revoked")
        return row

    def _holder(self, node: str, label: str) -> NodeRow:
        row = self.member(node)
        if label not in row.scopes:
            raise PeerFault("scope-not-held")
        return row

    def heads(self, node: str) -> bytes:
        row = self.member(node)
        return self.desk.head_message(node, row.scopes)

    def segment(self, node: str, label: str, epoch: int, first: int) -> bytes:
        self._holder(node, label)
        return self.desk.segment(label, epoch, first)

    def own_history(self, node: str, incarnation: int, lane: int, first: int) -> bytes:
        self.member(node)
        with self.store.read() as conn:
            page = hub_history.page(conn, StreamId(node, incarnation, lane), first)
        return b"" if page is None else page.pack()

    def manifest(self, node: str, label: str) -> bytes:
        self._holder(node, label)
        return self.desk.manifest(label)

    def snapshot(self, node: str, label: str, epoch: int, sseq: int, k: int) -> list[bytes]:
        self._holder(node, label)
        return self.desk.snapshot(label, epoch, sseq, k)

    def repair(self, node: str, label: str, asked: bytes) -> list[bytes]:
        return self.desk.repair(self._holder(node, label), label, asked)

    def photograph_all(self, into: Path) -> None:
        """The database, and apart from it what is kept beside it."""
        self.photograph(into / "database")
        if self.monotone.exists():
            shutil.copyfile(self.monotone, into / "monotone.json")

    def put_back_all(self, photograph: Path, *, with_beside: bool) -> None:
        conn = connect(self.database, STORE_KEY, writes=True)
        try:
            self.world.ledger.signed_as_lost.update(hub_orders.losses(conn))  # a person signed, whatever comes now
        finally:
            conn.close()
        self.put_back(photograph / "database")
        if with_beside:
            self.monotone.unlink(missing_ok=True)
            if (photograph / "monotone.json").exists():
                shutil.copyfile(photograph / "monotone.json", self.monotone)
