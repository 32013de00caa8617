"""Joining the parts of one box: store, people, rounds, devices, line and screen. Nothing else knows them all."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from appliance.features.carrying.service import Carrying
from appliance.features.collecting.scan import Scanner, Verdict
from appliance.features.collecting.screens import verdict_data
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.store import wards_open
from appliance.features.collecting.tones import TonePort
from appliance.features.devices.desks import Bench, Desks
from appliance.features.devices.herald import Herald
from appliance.features.devices.keepers import made
from appliance.features.devices.service import Devices
from appliance.features.devices.store import KEPT_BINDINGS, KEPT_SWITCHES, DeviceTables
from appliance.features.devices.trial import TRIAL
from appliance.features.devices.trials import Trials
from appliance.features.identity.screens import reading_event
from appliance.features.identity.service import Identity
from appliance.features.people.kept import KeptPeople
from appliance.features.people.service import People
from appliance.features.people.store import PersonRow
from appliance.features.rebuilding.service import Rebuilding
from appliance.features.rebuilding.store import RebuildingTables
from appliance.features.receiving.screens import received_data
from appliance.features.receiving.service import Received, Receiving
from appliance.link.stick_post import StickPost
from appliance.link.wiring import make_link
from appliance.printing import Papers
from appliance.projections import folded_projectors
from appliance.settings import SOFTWARE, Settings
from appliance.store.print_jobs import KEPT_JOBS, PaperJob, PrintJobs
from appliance.store.room import Room, free_bytes
from appliance.web.port import BoxPort
from appliance.web.server import Screen
from appliance.web.ticker import Ticker
from hardware.drivers.opening import opener
from hardware.drivers.picture_codes import read_picture
from hardware.drivers.reading_desk import Reading
from hardware.ports import DeviceView, JobState, Scan, ScanTrouble
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.screens.line import CUT_AFTER_S, LineFacts
from provisioning.trust.node_keys import load_keys
from sync.adapters import settings_file
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.clock import Clock, ShiftedClock, SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.leases.box import Leases
from sync.adapters.leases.witness import Witness
from sync.adapters.sqlite_log import repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.sqlite_log.node_store import Unit
from sync.adapters.sqlite_log.pruning import prune
from sync.adapters.sqlite_log.reserve import Reserve
from sync.domain.tracking.codes import is_receipt
from sync.domain.tracking.handover import Confirmer
from sync.kernel.outcome import Refused


class Box:
    """One running appliance. `start` returns when its screen answers; `close` stops everything it began."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory = directory
        self.settings = settings = settings_file.load(Settings, directory / "settings.toml", environ)
        self.keys = keys = load_keys(directory / "keys")
        self.clock: Clock = SystemClock()
        if settings.node.clock_offset_s:
            self.clock = ShiftedClock(self.clock, settings.node.clock_offset_s)
        self.jobs = PrintJobs()
        (directory / "data").mkdir(exist_ok=True, mode=0o700)
        self._reserve = Reserve(directory / "data" / "reserve")
        self._reserve.make_room()
        self.store = repair.open_box(
            directory / "data" / "node.db", keys.store, settings.node.node, self._open_store, self.clock.wall_ms(),
            [KEPT_JOBS, KEPT_BINDINGS, KEPT_SWITCHES], hasher=keys.suite.hasher,
        )  # fmt: skip
        self.store.when_full = partial(prune, self.store)
        repair.begin(self.store, SOFTWARE)
        witness = Path(settings.node.witness) if settings.node.witness else directory / "witness"
        self.leases = Leases(self.store, Witness(witness, settings.node.node, self.store.point), sealing=keys.sealing)
        self.jobs.bind(self.store)
        self.events = EventHub(clock=self.clock)
        self.tones = TonePort(settings.devices.tone)
        self._herald: Herald | None = None
        self.people = People(self.store, settings.node.site)
        kept = KeptPeople(self.store, directory / "data" / "people.kept", keys.signing, keys.sealing, keys.files.former)
        kept.start(repair.last_repair(self.store))
        self.devices = Devices(
            settings.devices, self.jobs, store=self.store, on_scan=self._scanned, on_trouble=self._trouble,
            changed=self._device_changed, draw=random.random,
            pairing_ended=lambda: self.events.publish("device", {}),
        )  # fmt: skip
        self.identity = Identity(
            settings.devices.identity_readers, clock=self.clock, zone=settings.node.time_zone, open_line=opener,
            new_id=lambda: SystemEntropy().bytes(12).hex(), views=self.devices.views,
            told=self._reading_changed, recordings=settings.devices.recordings,
        )  # fmt: skip
        for name, session, url in self.identity.sessions:
            self.devices.keep("identity-reader", name, made(session), url)
        self.trials = Trials(self.clock.mono_s, self._trial_changed, self.devices.views)
        for name, _, _ in self.identity.sessions:
            self.trials.offer(name, "card", partial(self.identity.try_reader, name))
        self.desks = Desks(
            settings.devices,
            Bench(self.devices.keep, self.devices.plugs, self.trials, self.clock.mono_s, SystemEntropy().bytes,
                  settings.devices.recordings),
        )  # fmt: skip
        self.desks.pedals.listen(lambda name: self.events.publish("gun", {"name": name}))
        self.papers = Papers(
            settings, self.jobs, self.devices.glyphs, self.people.names, key_id=keys.key_id,
            sign=lambda data: keys.suite.sign(keys.signing, data),
        )  # fmt: skip
        prefixes = settings.codes.prefixes
        self.collecting = Collecting(
            self.store, Scanner(self.store, prefixes, self._verdict), prefixes=prefixes, find=self._confirmer,
            order_receipt=self.papers.order_receipt,
        )  # fmt: skip
        self.receiving = Receiving(
            self.store, prefixes=prefixes, order_label=self.papers.order_label, told=self._received
        )
        self.rebuilding = Rebuilding(self.store, read_picture)
        self.jobs.on_marked("receipt", self._receipt_marked)
        self.jobs.on_marked("label", self._label_marked)
        for what in ("document", TRIAL):
            self.jobs.on_marked(what, self._document_marked)
        self.blobs = KeptBlobs(self.store, FolderStore(directory / "data" / "blobs", keys.suite.hash), keys.suite.hash)
        self.link = make_link(
            self.store, settings, keys, leases=self.leases, kept=self.blobs, software=SOFTWARE, draw=random.random,
            devices=self.devices.told, free_bytes=partial(free_bytes, directory / "data"),
        )  # fmt: skip
        self.room = Room(
            self.store, self.blobs, self._reserve, directory / "data", at_work=self._at_work, returned=self._take_round
        )
        self.store.when_full = self._full
        self.carrying = Carrying(
            self.store, settings.stick.folders, None if self.link is None else self._stick_post,
            partial(self.events.publish, "carry", {}),
        )  # fmt: skip
        self._herald = Herald(self.devices.told, self._greet)
        self.port = BoxPort(self.store, self.who, self.line_facts)
        self.software = SOFTWARE
        self._ticker = Ticker(self.port, self.events, self.clock.mono_s)
        self._here: str | None = None
        self._screen: Screen | None = None

    def _open_store(self, path: Path) -> ApplianceStore:
        node = self.settings.node
        return ApplianceStore(
            path, self.keys.store, node=node.node, role=node.role, clock=self.clock, entropy=SystemEntropy(),
            database=SqlcipherFile(path, self.keys.store, self._reserve),
            suite=self.keys.suite,
            projectors=[*folded_projectors(self.keys.suite), RebuildingTables(), DeviceTables(), self.jobs],
        )  # fmt: skip

    def start(self) -> str:
        """Opens devices, line and screen; returns the screen's address and writes `state.json`."""
        from appliance.pages import make_pages

        web = self.settings.web
        self._screen = Screen(make_pages(self), web.host, web.port)
        port = self._screen.start()
        self.devices.start()
        if self.link is not None:
            self.link.start()
        self._ticker.start()
        self.room.start()
        self.carrying.start()
        base_url = f"http://{web.host}:{port}"
        node = self.settings.node
        told: dict[str, Any] = {"node": node.node, "role": node.role, "base_url": base_url, "pid": os.getpid()}
        write_whole(self.directory / "state.json", json.dumps(told).encode(), mode=0o644)
        return base_url

    def close(self) -> None:
        self._ticker.close()
        self.room.close()
        self.carrying.close()
        self.events.close()
        if self._screen is not None:
            self._screen.close()
        self.trials.close()
        self.devices.close()
        if self._herald is not None:
            self._herald.close()
        if self.link is not None:
            self.link.stop()
        self.tones.close()
        self.store.close()

    def line_facts(self) -> LineFacts:
        """The line as the strip shows it; a box without a hub has never had one, which is a line that is cut."""
        return LineFacts(connected=False, cut_s=CUT_AFTER_S) if self.link is None else self.link.line_facts()

    def who(self, token: str) -> Principal | None:
        row = self.people.who(token)
        return None if row is None else principal_of(row)

    def stands_here(self, user_id: str | None) -> None:
        """Who signed in last: codes that belong to no round are theirs."""
        self._here = user_id

    def _scanned(self, scan: Scan) -> None:
        self.take(scan.text, scan.device[:32])
        self.events.publish("gun", {"name": scan.device})  # the device page can wait, whoever scans does not

    def take(self, text: str, device: str) -> None:
        """Where a gun's text belongs: a receipt's code, a badge, or a record at the counter or on the ward."""
        if is_receipt(text):
            self._receipt_code(text, device)
        elif text.startswith(self.settings.codes.badge_prefix):
            self._badge(text)
        elif self.settings.node.role == "records":
            self.receiving.scan(text, device)
        else:
            self.collecting.scanner.scan(text, device)

    def _receipt_code(self, text: str, device: str) -> None:
        hand = self.collecting.scanner.hand
        actor = hand.courier if hand else self.receiving.at[1] if self.receiving.at else self._here
        if actor is None:
            self.events.publish("rebuild", {"refused": "scan.no-round"})
            return
        done = self.rebuilding.take(text, actor, device)
        if isinstance(done, Refused):
            self.events.publish("rebuild", {"refused": done.code})
        else:
            self.events.publish("rebuild", {"ward": done.ward, "k": done.k, "n": done.n, "read": list(done.read),
                                            "records": done.records, "new": done.new})  # fmt: skip

    def _badge(self, text: str) -> None:
        """At a hand-over the badge confirms; anywhere else a page may want it."""
        hand = self.collecting.scanner.hand
        if hand is None or self.settings.node.role != "courier":
            self.events.publish("badge", {"badge": text})
            return
        done = self.collecting.confirm(hand.round_key, text, hand.courier)
        refused = done.code if isinstance(done, Refused) else None
        self.events.publish("handover", {"round": hand.round_key, "refused": refused})

    def _trouble(self, trouble: ScanTrouble) -> None:
        self.store.tally(trouble.code)
        self.events.publish("gun", {"name": trouble.device})
        self.tones.sound("refused")
        self.events.publish("scan", {"verdict": "refused", "refused": trouble.code})

    def _verdict(self, verdict: Verdict) -> None:
        self.tones.sound(verdict.verdict)
        self.events.publish("scan", verdict_data(verdict))

    def _received(self, received: Received) -> None:
        self.tones.sound(received.verdict)
        self.events.publish("reception", received_data(received))

    def _device_changed(self, view: DeviceView) -> None:
        self.events.publish("device", {"name": view.name, "state": view.state, "reason": view.reason})
        if self._herald is not None:
            self._herald.changed()

    def _full(self) -> None:
        """A commit found no room. What the rule lets go goes at once, the rest by who looks after the room."""
        prune(self.store)
        self.room.wake()

    def _at_work(self) -> frozenset[str]:
        """Scopes without which the work of now could not be judged."""
        with self.store.read() as conn:
            return frozenset({"site:stays", "room:records", *(f"ward:{code}" for code in wards_open(conn))})

    @contextmanager
    def _stick_post(self, what: str) -> Iterator[tuple[StickPost, int | None]]:
        """What packs and takes in, with the line standing still."""
        link = self.link
        assert link is not None
        with link.aside(moves=what == "in") as number:
            yield (
                StickPost(
                    self.store,
                    *link.post_parts,
                    self.keys.sealing,
                    leases=self.leases,
                    blobs=self.blobs,
                    rekeying=link.rekeying,
                ),
                number,
            )

    def _take_round(self) -> None:
        if self.link is not None:
            self.link.take_round()

    def _trial_changed(self, name: str) -> None:
        self.events.publish("gun", {"name": name})  # the device page shows what is tried

    def _greet(self) -> None:
        if self.link is not None:
            self.link.call_now()

    def _reading_changed(self, reading: Reading) -> None:
        self.events.publish("identity", reading_event(reading))
        self.events.publish("gun", {"name": reading.device})  # the device page shows what was heard last

    def _confirmer(self, badge: str) -> Confirmer | None:
        row = self.people.by_badge(badge)
        return None if row is None else Confirmer(row.user_id, row.ward, row.rights)

    def _receipt_marked(self, unit: Unit, job: PaperJob, state: JobState) -> None:
        self.collecting.receipt_marked(unit, job.ref, job.job_id, state)
        unit.on_commit(partial(self._paper_changed, "receipt", state))

    def _label_marked(self, unit: Unit, job: PaperJob, state: JobState) -> None:
        self.receiving.label_marked(unit, job.ref, job.job_id, job.copy_no, state)
        unit.on_commit(partial(self._paper_changed, "label", state))

    def _document_marked(self, unit: Unit, job: PaperJob, state: JobState) -> None:
        unit.on_commit(partial(self._paper_changed, job.what, state))

    def _paper_changed(self, what: str, state: JobState) -> None:
        self.events.publish("paper", {"what": what, "state": state})


def principal_of(row: PersonRow) -> Principal:
    return Principal(row.user_id, row.name, row.roles, row.rights, row.ward, row.lang)
