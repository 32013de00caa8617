"""One hub process: its parts made, joined, started, and stopped in the opposite order."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from hub import assembly
from hub.backup.keeping import Keeping
from hub.backup.restore import UNFINISHED
from hub.features.audit.service import Audit
from hub.features.calendar.service import Calendars
from hub.features.due.service import follow
from hub.features.fleet.joining import AUTHORITY, ENROL, make_joining
from hub.features.fleet.service import Fleet, Parts
from hub.features.imports.mllp import MllpServer
from hub.features.imports.service import Imports
from hub.features.leases.service import Leases
from hub.features.people.service import People
from hub.features.records.service import Calendar, Records
from hub.features.sign_in.service import SignIn
from hub.features.statistics.service import Statistics
from hub.first_account import let_first_in
from hub.link.blob_desk import BlobDesk
from hub.link.digester import Digester
from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.feed_desk import FeedDesk
from hub.link.key_desk import KeyDesk
from hub.link.learning import agree_on_shut_out, certify_again, follow_machines, learn_again
from hub.link.lease_office import LeaseOffice
from hub.link.mqtt_ingest import MqttIngest
from hub.link.orders import teller
from hub.link.own_key import OwnKey
from hub.link.post import Post
from hub.link.publisher import Publisher
from hub.link.refill import Refill
from hub.link.stick_desk import StickDesk
from hub.link.sync_api import RENEW, sync_api
from hub.link.voice import TrustBundle, Voice, keys_of
from hub.opening import open_store
from hub.port import Port, safety
from hub.settings import Settings
from hub.store.blobs import open_blobs
from hub.store.desk import Desk, Settled
from hub.web.live import Live
from hub.web.ports import Ports, bind_host, free_port
from hub.web.serve import DOOR_THREADS, SCREEN_THREADS, Serving, client_context
from kiosk_ui.kit.events import EventHub
from provisioning.trust.broker import Broker, end_left_behind
from provisioning.trust.desk import Place
from provisioning.trust.site import open_site
from sync.adapters import bugs
from sync.adapters.clock import Clock, SystemClock
from sync.adapters.idgen import Entropy, SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.pinyin_initials import initials
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.kernel.limits import TICK_EVERY_S
from sync.kernel.outcome import Unavailable

SOFTWARE = "waystation 0.1.0"
TICK_S = 5.0
DAY_S = 24 * 3600


class Hub:
    """Everything of one hub. `start` returns when it is ready; `stop` takes less than 3 s."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        end: Callable[[Unavailable], None] = lambda fault: None,
    ) -> None:
        """`end`: this process cannot go on."""
        if (folder / UNFINISHED).exists():
            raise Unavailable("hub.restoring", 3600.0)
        self.folder = folder
        self.settings = settings
        self.clock = clock or SystemClock()
        self.entropy = entropy or SystemEntropy()
        self.trust = open_site(folder / "keys")
        self.store = open_store(folder, self.trust, settings.store, self.clock, self.entropy)
        self.store.start_incarnation(SOFTWARE)
        self.ports = Ports(folder / "data" / "ports.json")
        self._stops: list[Callable[[], None]] = []
        self._ending = threading.Event()
        self._broker: Broker | None = None
        self._ingest: MqttIngest | None = None
        self._end = end
        self._line_parts()
        self.desk = Desk(self.store, settings.node.time_zone, Settled(self.store))
        self._features()
        self.events = EventHub(clock=self.clock)
        self.store.listen(Live(self.events).changed)
        self.app = self._pages()

    def _line_parts(self) -> None:
        keys = self.trust.keys
        self.voice = Voice(self.store, keys_of(keys), self._bundle)
        self.own_key = OwnKey(self.trust, self.voice, self._trust_changed, self._end)
        self.post = Post()
        self.keys = KeyDesk(self.store, self.voice, lambda node, raw: self.post.deliver(node, [raw]))
        self.epochs = EpochKeeper(self.store, self.folder / "monotone.json", lambda: self.trust.bundle.version)
        self.office = LeaseOffice(self.store, self.voice, self.epochs, members_changed=self._members_changed)
        wanted, rely_on, zone = self.settings.backup, self.epochs.rely_on, self.settings.node.time_zone
        self.backups = Keeping(self.store, self.voice, keys.store, wanted, self.folder, rely_on, zone)
        self.epochs.rose = self.backups.note
        self.refill = Refill(self.store)
        self.safety = partial(safety, self.store, self.backups, self.refill, self.own_key)
        learn, safe, quiet = self._learn, self.backups.safe, self.refill.keeps_back
        self.door = Door(
            self.store,
            self.voice,
            learn=learn,
            behind=self._behind,
            office=self.office,
            safe=safe,
            certify=partial(certify_again, self.store, self.trust),
            heed=self._heed,
        )
        self.feeds = Feeds(self.store)
        worth = Worth(self.settings.feeds.snapshot_members, self.settings.feeds.snapshot_entries)
        self.publisher = Publisher(self.store, self.voice, worth)
        self.digester = Digester(
            self.store, self.feeds, self.door, self.voice, self.post, follow=self._follow, quiet=quiet
        )
        desk = FeedDesk(self.store, self.feeds, self.voice, quiet)
        blobs = BlobDesk(
            self.store, self.voice, open_blobs(self.folder, self.settings.blobs, keys.suite), keys.suite.hash,
            self.backups.safe_blob,
        )  # fmt: skip
        self.stick = StickDesk(
            self.store, self.door, desk, self.feeds, self.voice,
            trust=lambda: self.trust.bundle.raw, quiet=quiet, publish=self.publisher.publish, blobs=blobs,
        )  # fmt: skip
        self.sync_app = Flask("hub.sync")
        self.sync_app.register_blueprint(
            sync_api(
                self.store,
                self.door,
                desk,
                self.post,
                blobs=blobs,
            )
        )

    def _features(self) -> None:
        site = self.settings.node.site
        self.people = People(self.desk, site)
        self.sign_in = SignIn(self.desk, self.people.account, self.people.one)
        self.calendars = Calendars(self.desk)
        counting = Calendar(self.calendars.age, self.calendars.taken, self.calendars.due_by)
        self.records = Records(self.desk, counting, initials)
        self.imports = Imports(self.desk)
        self.statistics = Statistics(self.desk, self.calendars.age, self.calendars.taken)
        self.audit = Audit(self.desk)
        parts = Parts(
            self.trust, site, self._place, self._card_urls, self._members_changed, self._trust_changed,
            self.stick.take, self._present, teller(self.voice, self.post), self.safety, self.door.take_kept,
            self.own_key.order,
        )  # fmt: skip
        self.fleet = Fleet(self.desk, parts)
        self.sync_app.register_blueprint(make_joining(self.fleet))
        self.leases = Leases(self.desk, self.office, self.post.deliver)
        self._port = Port(self.clock, self.sign_in.who, self.fleet.overview)

    def _pages(self) -> Flask:
        return assembly.make(
            assembly.Wiring(
                node=self.store.node,
                title=self.settings.node.name,
                zone=self.settings.node.time_zone,
                secret_key=self.trust.keys.store,
                clock=self.clock,
                events=self.events,
                port=self._port,
                hosts=frozenset({"localhost", "127.0.0.1", self.settings.web.host, self.settings.sync.public_host}),
                frame_ancestors=self.settings.web.frame_ancestors,
                strip=self._port.strip,
                figures=self._figures,
                sign_in=self.sign_in,
                people=self.people,
                records=self.records,
                imports=self.imports,
                calendars=self.calendars,
                statistics=self.statistics,
                audit=self.audit,
                fleet=self.fleet,
                leases=self.leases,
            )
        )

    def start(self, epoch: int | None = None) -> None:
        """Bring it up: broker, digest, lists, doors, screens, in this order; then say where in `state.json`.

        `epoch`: an operator's word where the file that remembers it is gone.
        """
        settings = self.settings
        self.trust.renew(self.clock.wall_ms())
        self.epochs.settle(epoch)
        self.own_key.settle()
        self._agree_on_shut_out()
        self.backups.look()
        self.refill.look()
        self._start_broker()
        self._begin(self.digester.start, self.digester.stop)
        self._begin(self.backups.start, self.backups.stop)
        self._begin(self.publisher.start, self.publisher.stop)
        let_first_in(self.people, self.desk, self.folder)
        self.calendars.seed()
        self._begin(self.imports.start, self.imports.stop)
        hl7 = self.imports.hl7
        mllp = MllpServer(hl7.answer, hl7.too_large, host=settings.mllp.host, port=self._wanted("mllp"))
        self._begin(mllp.start, lambda: mllp.stop(1.0))
        door = Serving(self.sync_app, settings.sync.host, self._wanted("sync"), threads=DOOR_THREADS, name="sync-door")
        served, key = self.trust.server_certificate_path, self.trust.server_key_path
        door.demand_certificates(served, key, self.trust.keys.ca_path, but_for=(RENEW, AUTHORITY, ENROL))
        self._begin(door.start, door.stop)
        self._stops.append(self.post.close)
        screens = Serving(self.app, settings.web.host, self._wanted("web"), threads=SCREEN_THREADS, name="screens")
        self._begin(screens.start, screens.stop)
        self._stops.append(self.events.close)
        self.ports.keep(web=screens.port, sync=door.port, mllp=mllp.port, broker=self.ports.get("broker"))
        threading.Thread(target=self._tick, name="tick", daemon=True).start()
        self._write_state()

    def stop(self) -> None:
        self._ending.set()
        (self.folder / "state.json").unlink(missing_ok=True)
        for stop in reversed(self._stops):
            stop()
        self._stops.clear()
        self.store.close()

    def _begin(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        start()
        self._stops.append(stop)

    def _start_broker(self) -> None:
        broker = self.settings.broker
        if not broker.host:
            return
        if broker.own:
            end_left_behind(self.folder / "broker")  # a killed hub's child holds the port that machines know
        port = self._wanted("broker")
        if broker.own:
            listener = self.trust.listener(self.folder / "broker", port, bind_host(broker.host))
            self._broker = Broker(listener, self.trust.rules(self.fleet.members()))
            self._begin(self._broker.start, self._broker.stop)
        self.ports.keep(broker=port)
        keys = self.trust.keys
        context = client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path)
        self._ingest = MqttIngest(
            self.trust.worker, broker.host, port, context,
            door=self.door, voice=self.voice, post=self.post, digester=self.digester,
            shared=self.store.shared, elsewhere=Live(self.events).elsewhere,
        )  # fmt: skip
        self._begin(self._ingest.start, self._ingest.stop)

    def _wanted(self, name: str) -> int:
        """The port of the settings, else the one of the last start, so that machines find the hub again.

        Never 0: a server that is given 0 leaves its port blocked for a minute after it stops with lines open.
        """
        told: int = getattr(self.settings, name).port
        return told or self.ports.free(name) or free_port()

    def _follow(self, unit: Unit, change: Change, state: Any) -> None:
        """What features answer to a fact in the digest's own transaction."""
        follow(unit, change, state)
        self.office.follow(unit, change, state)
        self.keys.follow(unit, change, state)
        if follow_machines(unit, change, state):
            unit.on_commit(self._members_changed)

    def _write_state(self) -> None:
        web = self.settings.web.host
        web = "127.0.0.1" if web in ("0.0.0.0", "::") else web  # every address is none that one could call
        told = {
            "node": self.store.node,
            "role": "hub",
            "base_url": f"http://{web}:{self.ports.get('web')}",
            "sync_url": self._place().sync_url,
            "mqtt_port": self.ports.get("broker") or None,
            "mllp_port": self.ports.get("mllp"),
            "pid": os.getpid(),
        }
        write_whole(self.folder / "state.json", (json.dumps(told, indent=1) + "\n").encode(), mode=0o644)

    def _place(self) -> Place:
        host = self.settings.sync.public_host
        broker = self.ports.get("broker")
        mqtt = (host, broker) if broker else None
        return Place(f"https://{host}:{self.ports.get('sync')}", mqtt, host, self.settings.node.name)

    def _card_urls(self) -> tuple[str, ...]:
        """The machines' door: its TLS is the site's own, so a card's token may cross a network to it."""
        return (self._place().sync_url,)

    def _bundle(self) -> TrustBundle:
        return TrustBundle(self.trust.bundle.version, self.trust.bundle.raw)

    def _members_changed(self) -> None:
        if self._broker is not None:
            self._broker.tell(self.trust.rules(self.fleet.members()))

    def _trust_changed(self) -> None:
        if self._ingest is not None:
            self._ingest.tell_trust()

    def _present(self, node: str) -> bool | None:
        return None if self._ingest is None else self._ingest.present(node)

    def _learn(self, record: bytes) -> bool:
        learnt = learn_again(self.store, self.trust, record)
        if learnt:
            self._members_changed()
        return learnt

    def _heed(self, bundle: bytes) -> None:
        """A machine holds a newer bundle of ours: who is shut out in it is shut out, and the other way round."""
        if self.trust.heed(bundle):
            self._agree_on_shut_out()
            self._members_changed()
            self._trust_changed()
            self.own_key.look()

    def _agree_on_shut_out(self) -> None:
        agree_on_shut_out(self.store, [row.node for row in self.trust.bundle.trust.revoked], self.fleet.shut_out)

    def _behind(self, epoch: int) -> None:
        """Somebody holds proof that this hub forgot: nobody hears of heads from this moment on."""
        self.epochs.above(epoch)
        self.refill.look()

    def _figures(self) -> dict[str, float]:
        overview = self._port.overview()
        return {
            "facts_received": overview.total.received,
            "facts_produced": overview.total.produced,
            "facts_missing": overview.total.missing,
            "facts_rejected": overview.total.rejects,
            "digest_lag_facts": self.fleet.lag(),
            "open_questions": self.records.questions_count(),
            "streams_open": self.events.clients,
            **self.safety().figures(),
            **{f"machines_{state}": n for state, n in overview.counts.items()},
        }

    def _tick(self) -> None:
        """Whatever one of these meets, the others have their turn, and it has its next one."""
        often = (Live(self.events).tick, self.own_key.look, self._look_after_broker, self._look_after_refill)
        each_minute = (self.epochs.tick, self.office.tidy, self.backups.look)
        daily = (self._renew_trust, self.calendars.seed)
        minute_s = day_s = self.clock.mono_s()
        while not self._ending.wait(TICK_S):
            due: list[Callable[[], object]] = [*often]
            now_s = self.clock.mono_s()
            if now_s - minute_s > TICK_EVERY_S:
                minute_s = now_s
                due += each_minute
            if now_s - day_s > DAY_S:
                day_s = now_s
                due += daily
            for act in due:
                bugs.survive("tick", act)

    def _look_after_refill(self) -> None:
        if self.refill.look():
            self.digester.tell_all()

    def _renew_trust(self) -> None:
        if self.trust.renew(self.clock.wall_ms()) and self._broker is not None:
            self._broker.restart()

    def _look_after_broker(self) -> None:
        """A broker that died is started again on its port; until then machines come over HTTPS."""
        if self._broker is None:
            return
        try:
            if self._broker.keep_running():
                self.store.tally("broker.died")
        except Unavailable:
            self.store.tally("broker.start")
