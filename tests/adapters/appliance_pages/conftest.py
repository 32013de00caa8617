"""Two boxes with real stores and services and a screen; only devices and the line are left out. All names invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from appliance.features.carrying.service import Carrying
from appliance.features.collecting.scan import Scanner, Verdict
from appliance.features.collecting.screens import verdict_data
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.store import RoundProjector, RoundRow, TakenRow
from appliance.features.devices import desks
from appliance.features.devices.keepers import made
from appliance.features.devices.service import Devices
from appliance.features.devices.store import DeviceTables
from appliance.features.devices.trials import Trials
from appliance.features.identity.screens import reading_event
from appliance.features.identity.service import Identity
from appliance.features.people.service import People
from appliance.features.people.store import PeopleProjector
from appliance.features.rebuilding.service import Rebuilding
from appliance.features.rebuilding.store import RebuildingTables
from appliance.features.receiving.screens import received_data
from appliance.features.receiving.service import Received, Receiving
from appliance.features.receiving.store import ReceivingProjector
from appliance.pages import make_pages
from appliance.settings import Settings
from appliance.store.custody import CustodyProjector
from appliance.store.print_jobs import PrintJobs
from appliance.store.site import SiteProjector
from appliance.web.port import BoxPort
from hardware.drivers.opening import opener
from hardware.drivers.picture_codes import read_picture
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.screens.line import LineFacts
from provisioning.trust.node_keys import NodeKeys, make_keys
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy, SystemEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.calendar import facts as calendar
from sync.domain.patients import facts as patients
from sync.domain.people import facts as people
from sync.domain.people.badges import badge_hash
from sync.domain.tracking import facts
from sync.domain.tracking.handover import Confirmer
from sync.domain.tracking.receipt_code import ReceiptScan, RoundHead, encode
from sync.kernel.suite import suite1

PIN = "2468"
PIN_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
SITE = "QL"
PEOPLE = {
    "WB-LUO": ("u-luo", "罗建平", ("courier",), None),
    "WB-SHAO": ("u-shao", "邵小满", ("courier",), None),
    "WB-WEN": ("u-wen", "温雨桐", ("clerk",), None),
    "WB-SONG": ("u-song", "宋晓岚", ("nurse",), "W12"),
    "WB-QI": ("u-qi", "戚若水", ("nurse",), "W07"),
    "WB-GU": ("u-gu", "顾清和", ("administrator",), None),
    "WB-AN": ("u-an", "安予怀", ("auditor",), None),
}
WARDS = {"W12": ("心内二病区", "Cardiology 2"), "W07": ("骨科一病区", "Orthopaedics 1")}
DUE = (
    ("00731846-2", "W12", "仇建国", "QJG", "2026-11-17"),
    ("00731779-1", "W12", "欧阳静姝", "OYJS", "2026-11-18"),
    ("00731902-1", "W12", "苏宛如", "SWR", "2026-11-19"),
    ("00728837-1", "W12", "贺兰亭", "HLT", "2026-11-19"),
    ("00731511-1", "W12", "邱䶮", "QY", "2026-11-20"),
    ("00730388-1", "W12", "Maximiliana-Konstantina Wojciechowska-Lee", "MKW", "2026-11-20"),
    ("00732222-1", "W12", "单晓芸", "SXY", "2026-10-02"),
    ("00732222-2", "W12", "单晓芸", "SXY", "2026-11-20"),
    ("00730912-1", "W07", "汤沐阳", "TMY", "2026-11-18"),
    ("00730577-1", "W07", "纪南乔", "JNQ", "2026-11-19"),
)


@dataclass
class Bench:
    """`appliance.pages.BoxParts`, put together for a test. `facts` is what the link would know."""

    directory: Path
    role: str
    jobs: PrintJobs = field(default_factory=PrintJobs)
    facts: LineFacts = field(default_factory=lambda: LineFacts(connected=True, last_ack_age_s=2.0))
    software: str = "waystation 0.1.0"
    here: str | None = None

    def __post_init__(self) -> None:
        self.settings = Settings.model_validate(
            {
                "node": {"node": f"{self.role}-aaaaaaaa", "role": self.role, "name": "box", "site": SITE},
                "codes": {"prefixes": ["QL"]},
                "devices": {
                    "label_printer": {"url": "socket://127.0.0.1:9"},
                    "identity_readers": [{"name": "reader", "url": str(self.directory / "reader")}],
                },
            }
        )
        self.keys: NodeKeys = make_keys(self.directory / "keys", SeededEntropy(7), suite=suite1)
        self.clock = SystemClock()
        self.store = ApplianceStore(
            self.directory / "node.db",
            bytes(32),
            node=self.settings.node.node,
            role=self.role,
            clock=self.clock,
            entropy=SeededEntropy(1),
            projectors=[
                CustodyProjector(),
                RoundProjector(),
                ReceivingProjector(),
                PeopleProjector(),
                SiteProjector(suite1),
                RebuildingTables(),
                DeviceTables(),
                self.jobs,
            ],
        )
        self.store.start_incarnation("test")
        self.jobs.bind(self.store)
        self.events = EventHub(clock=self.clock, heartbeat_s=0.5)
        self.people = People(self.store, SITE)
        self.devices = Devices(
            self.settings.devices,
            self.jobs,
            store=self.store,
            on_scan=lambda scan: None,
            on_trouble=lambda trouble: None,
            changed=lambda view: None,
            draw=lambda: 0.0,
        )
        self.identity = Identity(
            self.settings.devices.identity_readers,
            clock=self.clock,
            zone="Asia/Shanghai",
            open_line=opener,
            new_id=lambda: SystemEntropy().bytes(12).hex(),
            views=self.devices.views,
            told=lambda reading: self.events.publish("identity", reading_event(reading)),
        )
        for name, session, url in self.identity.sessions:
            self.devices.keep("identity-reader", name, made(session), url)
        self.trials = Trials(self.clock.mono_s, lambda name: None, self.devices.views)
        bench = desks.Bench(self.devices.keep, self.devices.plugs, self.trials, self.clock.mono_s, bytes)
        self.desks = desks.Desks(self.settings.devices, bench)
        self.collecting = Collecting(
            self.store,
            Scanner(self.store, ("QL",), self._verdict),
            prefixes=("QL",),
            find=self._confirmer,
            order_receipt=self._order_receipt,
        )
        self.receiving = Receiving(self.store, prefixes=("QL",), order_label=self._order_label, told=self._received)
        self.rebuilding = Rebuilding(self.store, read_picture)
        self.carrying = Carrying(self.store, (str(self.directory),), None, lambda: None)
        self.port = BoxPort(self.store, self.who, lambda: self.facts)

    def who(self, token: str) -> Principal | None:
        row = self.people.who(token)
        return None if row is None else Principal(row.user_id, row.name, row.roles, row.rights, row.ward, row.lang)

    def take(self, text: str, device: str) -> None:
        if self.role == "records":
            self.receiving.scan(text, device)
        else:
            self.collecting.scanner.scan(text, device)

    def stands_here(self, user_id: str | None) -> None:
        self.here = user_id

    def _verdict(self, verdict: Verdict) -> None:
        self.events.publish("scan", verdict_data(verdict))

    def _received(self, received: Received) -> None:
        self.events.publish("reception", received_data(received))

    def _confirmer(self, badge: str) -> Confirmer | None:
        row = self.people.by_badge(badge)
        return None if row is None else Confirmer(row.user_id, row.ward, row.rights)

    def _order_receipt(self, unit: Unit, row: RoundRow, went: list[TakenRow], copy_no: int) -> str:
        return self.jobs.order(
            unit, printer="receipt-printer", what="receipt", ref=row.key, copy_no=copy_no, payload=b"slip"
        )

    def _order_label(self, unit: Unit, key: str, name: str, on: str | None, copy_no: int) -> str | None:
        copy_no = max(copy_no, self.jobs.copies(unit, "label", key))
        return self.jobs.order(unit, printer="label-printer", what="label", ref=key, copy_no=copy_no, payload=b"label")

    def told_by_the_hub(self, write: Callable[[Unit], None]) -> None:
        """Facts of the hub put into this box's log, as if its feeds had brought them."""
        self.store.role = "hub"
        with self.store.write() as unit:
            write(unit)
        self.store.role = self.role

    def receipt_texts(self, round_key: str) -> list[str]:
        """The codes that the receipt of a round carries."""
        found = self.collecting.round(round_key)
        assert found is not None
        row, taken = found
        scans = [ReceiptScan(one.fact, one.key, one.at_ms) for one in taken if one.counts]
        head = RoundHead(row.key, row.ward, row.courier)
        return encode(head, scans, key_id=self.keys.key_id, sign=lambda data: suite1.sign(self.keys.signing, data))


def seed(bench: Bench) -> None:
    def write(unit: Unit) -> None:
        for badge, (user, name, roles, ward) in PEOPLE.items():
            hashed = badge_hash(badge, SITE)
            unit.append(people.person(user, name=name, roles=roles, badge_hash=hashed, ward=ward, pin_hash=PIN_HASH))
        for code, (name_zh, name_en) in WARDS.items():
            unit.append(calendar.configured(code, name_zh, name_en))
        for key, ward, name, initials, on in DUE:
            unit.append(facts.opened(key, ward=ward, admitted_on="2026-09-01", event_at_ms=1, control="a"))
            unit.append(facts.discharged(key, ward=ward, discharged_on=on, event_at_ms=2, control="b"))
            unit.append(patients.listed(key, name=name, sex="F", ward=ward, discharged_on=on, initials=initials))
        unit.append(facts.opened("00739999-1", ward="W12", admitted_on="2026-11-01", event_at_ms=1, control="c"))
        for label in ("ward:W12", "ward:W07"):
            unit.conn.execute(
                "INSERT INTO cursor (label, epoch, sseq, e, head_at) VALUES (?, 1, 1, x'00', ?)",
                (label, bench.clock.wall_ms() - 60_000),
            )

    bench.told_by_the_hub(write)


class Program:
    """A program at the box's API, signed in as somebody."""

    def __init__(self, client: FlaskClient, badge: str) -> None:
        self.client = client
        answer = client.post("/api/v1/session", json={"badge": badge, "pin": PIN})
        assert answer.status_code == 201, answer.get_json()
        self.headers = {"Authorization": f"Bearer {answer.get_json()['token']}"}

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json={} if body is None else body, headers=self.headers)

    def ok(self, path: str, body: Any = None) -> Any:
        """POST that must do; the answer's JSON."""
        answer = self.post(path, body)
        assert answer.status_code < 300, (path, answer.status_code, answer.get_json())
        return answer.get_json()


def _bench(tmp_path: Path, role: str) -> Iterator[Bench]:
    (tmp_path / role).mkdir()
    bench = Bench(tmp_path / role, role)
    seed(bench)
    yield bench
    bench.events.close()
    bench.store.close()


@pytest.fixture
def courier_box(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, "courier")


@pytest.fixture
def records_box(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, "records")


@pytest.fixture
def courier_app(courier_box: Bench) -> Flask:
    return make_pages(courier_box)


@pytest.fixture
def records_app(records_box: Bench) -> Flask:
    return make_pages(records_box)


@pytest.fixture
def luo(courier_app: Flask) -> Program:
    return Program(courier_app.test_client(use_cookies=False), "WB-LUO")


@pytest.fixture
def wen(records_app: Flask) -> Program:
    return Program(records_app.test_client(use_cookies=False), "WB-WEN")
