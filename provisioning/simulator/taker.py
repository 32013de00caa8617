"""A process that takes what machines send, digests in its turn, and answers: the hub, or one of its workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.features.due.service import follow
from hub.link.digester import FOLLOWING_S, LEADING_S
from hub.link.door import Door, Offer
from hub.link.key_desk import KeyDesk
from hub.link.lease_office import LeaseOffice
from hub.link.voice import Voice
from provisioning.simulator.process import Process
from provisioning.simulator.site import Site
from provisioning.simulator.wire import HTTPS, SimCarrier
from sync.adapters.sqlite_log import digest, hub_inbound
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.kernel.outcome import Unavailable

TOGETHER_MAX = 16


class Taker(Process):
    """`reaches`: the carriers on which it can speak to a machine unasked. Whoever starts it sets its parts."""

    store: HubStore
    voice: Voice
    door: Door
    feeds: Feeds
    office: LeaseOffice
    key_desk: KeyDesk

    def __init__(self, world: Site, label: str, folder: Path, *, chance: str, reaches: frozenset[str]) -> None:
        """`chance` stands before the names of its dice."""
        super().__init__(world, label, world.hub_name, folder, 0)
        self._chance = chance
        self._reaches = reaches
        self.clear()

    def clear(self) -> None:
        """A new process: nothing is at the door."""
        self._inbox: list[tuple[SimCarrier, bytes]] = []
        self._taking = self._digesting = False

    def let_go(self) -> None:
        self.store.close()

    @property
    def busy(self) -> bool:
        """Messages are at the door."""
        return self._taking

    def quiet(self) -> bool:
        """Whether it tells nobody where feeds stand."""
        raise AssertionError("the hub and its workers know it differently")

    # The door

    def arrives(self, carrier: SimCarrier, raw: bytes) -> None:
        """A message is at the door; those that come together are taken together."""
        if not self.alive:
            if carrier.name == HTTPS:
                carrier.lose()
            return
        self._inbox.append((carrier, raw))
        if not self._taking:
            self._taking = True
            self.after(self.world.dice(f"{self._chance}takes").choice((0.0, 0.0, 0.02)), "takes", self._take)

    def _take(self) -> None:
        self._taking = False
        now, self._inbox = self._inbox[:TOGETHER_MAX], self._inbox[TOGETHER_MAX:]
        if self._inbox:
            self._taking = True
            self.after(0.0, "takes", self._take)
        try:
            outcome = self.door.receive_many([Offer(raw, carrier.name, carrier.box.node) for carrier, raw in now])
        except Unavailable:
            for carrier, _ in now:
                if carrier.name == HTTPS:
                    carrier.lose()
            return
        for code in outcome.refused:
            if code is not None:
                self.world.tell(f"{self.label} refuses {code}")
        for node, turn in outcome.turns:
            self.deliver(node, turn)
        for node, answers in outcome.answers.items():
            by = next((carrier for carrier, _ in reversed(now) if carrier.box.node == node), None)
            if by is not None:
                for answer in answers:
                    self.world.wire.down(by, answer)

    # The digest

    def arrived(self) -> None:
        """Facts wait: they are digested after a while."""
        if not self._digesting:
            self._digesting = True
            lag = self.world.dice(f"{self._chance}digest lag")
            self.after(lag.choice((0.01, 0.05, 0.5, 20.0)) if self.world.trouble else 0.01, "digests", self._digest)

    def _digest(self) -> None:
        self._digesting = False
        limit = self.world.dice(f"{self._chance}digest limit").choice((1, 4, 250, 250)) if self.world.trouble else 250
        try:
            done = digest.digest_some(self.store, self.feeds, self._follow, limit)
        except Unavailable as fault:
            self._digesting = True
            self.after(fault.retry_s, "digests", self._digest)
            return
        self.after_digest()
        if done.labels and not self.quiet():
            self.rings(sorted(done.labels))
        for node in sorted(done.quarantined):
            ack = self.door.ack(node, hub_inbound.streams_with_rejects(self.store, node))
            self.deliver(node, ack)
            if HTTPS not in self._reaches:
                self.world.greet_after_s = self.world.now_s  # who is on the other carrier hears it with a welcome
        if done.behind:
            self.arrived()

    def looks(self) -> None:
        """Others took something in: nobody tells, it is looked for."""
        if not self._digesting:
            self._digesting = True
            self.after(LEADING_S if self.store.leads else FOLLOWING_S, "digests", self._digest)

    def after_digest(self) -> None:
        """What follows a run, before anybody is told."""

    def rings(self, labels: list[str]) -> None:
        """Say where these feeds stand, to all who listen."""
        with self.store.read() as conn:
            rows = self.feeds.heads(conn, labels)
        for row in rows:
            self.world.wire.publish(row.label, self.voice.head([row], None))

    def _follow(self, unit: Unit, change: Change, state: Any) -> None:
        """What features answer to a fact in the digest's own transaction."""
        follow(unit, change, state)
        self.key_desk.follow(unit, change, state)
        if self.world.leasing:
            self.office.follow(unit, change, state)

    def deliver(self, node: str, raw: bytes) -> None:
        """Something that no message asked for, on every line that stands."""
        for box in self.world.machines:
            if box.node == node and box.alive:
                for carrier in box.carriers.values():
                    if carrier.up and carrier.name in self._reaches:
                        self.world.wire.down(carrier, raw)
