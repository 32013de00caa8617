"""Setting a demo up: a hub with its own broker, a records room, two couriers, their devices and the lines between.

The nodes are the product, each a process of its own; devices are twins that speak the real protocols; each box reaches
hub and broker only through its line of the relay.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.serial_gun import SerialGunTwin
from hardware.twins.zpl_printer import ZplPrinterTwin
from provisioning.demo import his, town
from provisioning.demo.fleet import NodeProcess, stop_all
from provisioning.demo.office import Office, lacking
from provisioning.demo.relay import LineSpec, Relay
from provisioning.demo.relay_control import RelayControl
from provisioning.demo.scanning_desk import ScanningDesk
from provisioning.making.client import HubClient
from provisioning.making.directories import enrol_box, make_hub
from sync.adapters.keys import write_whole

ZONE = "Asia/Shanghai"
ADMIN = "u-admin"
RECORDS_ROOM = "records-room"
Say = Callable[[str], None]


@dataclass
class Station:
    """One box on the stage with what hangs on it."""

    name: str
    role: str
    directory: Path
    process: NodeProcess
    gun: SerialGunTwin
    wards: tuple[str, ...] = ()
    printer: EscposPrinterTwin | None = None
    label_printer: ZplPrinterTwin | None = None
    desk: ScanningDesk | None = None
    node: str = ""
    base_url: str = ""
    office: Office | None = None

    def close(self) -> None:
        for twin in (self.gun, self.printer, self.label_printer, self.desk):
            if twin is not None:
                twin.close()


@dataclass
class Stage:
    """Everything that runs. `close` ends all of it within seconds."""

    directory: Path
    seed: int
    hub: NodeProcess
    stations: list[Station]
    relay: Relay
    control: RelayControl
    hub_state: dict[str, Any]
    password: str
    started_at: str
    extra: dict[str, Any] = field(default_factory=dict)

    def station(self, name: str) -> Station:
        return next(station for station in self.stations if station.name == name)

    def admin(self) -> HubClient:
        client = HubClient(str(self.hub_state["base_url"]))
        client.sign_in({"user": ADMIN, "password": self.password})
        return client

    def document(self) -> dict[str, Any]:
        """`demo.json`: where everything is, for people and for programs."""
        return {
            "seed": self.seed,
            "started_at": self.started_at,
            "hub": {
                **{k: self.hub_state.get(k) for k in ("base_url", "sync_url", "mllp_port")},
                "dir": str(self.hub.directory),
                "accounts": [{"user": ADMIN, "password": self.password, "role": "administrator"}],
            },
            "broker": {"port": self.hub_state.get("mqtt_port")},
            "nodes": [
                {
                    "name": s.name, "node": s.node, "role": s.role, "base_url": s.base_url, "dir": str(s.directory),
                    "gun": {"port": s.gun.port},
                    "printer": s.printer and {"port": s.printer.port, "out_dir": str(s.directory / "slips")},
                    "label_printer": s.label_printer
                    and {"port": s.label_printer.port, "out_dir": str(s.directory / "labels")},
                    "office_printer": s.office and {"uri": s.office.printer.uri, "out_dir": str(s.office.kept)},
                    "relay": {f"{t}_port": self.relay.port(s.name, t) for t in ("mqtt", "https")},
                }
                for s in self.stations
            ],
            "relay": {"control_url": self.control.url},
            "people": [
                {"user": p.user, "role": p.role, "badge": p.badge, "pin": p.pin, "ward": p.ward} for p in town.people()
            ],
            **self.extra,
        }  # fmt: skip

    def write_document(self) -> None:
        write_whole(self.directory / "demo.json", json.dumps(self.document(), ensure_ascii=False, indent=1).encode())

    def close(self) -> None:
        stop_all([self.hub, *(s.process for s in self.stations)])
        for station in self.stations:
            station.close()
            if station.office is not None:
                station.office.close()
        self.control.stop()
        self.relay.stop()


def raise_stage(directory: Path, seed: int, say: Say, hub_store: str = "", suite: int = 1) -> Stage:
    """Provision, start and fill a demo in `directory`. Raises Unavailable when a part does not come up.

    `hub_store`: address of empty tables in a PostgreSQL for the hub, which otherwise keeps its file.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secrets.token_urlsafe(9)
    say("hub: keys, certificate authority, broker")
    hub_dir = directory / "hub"
    make_hub(
        hub_dir, site=town.SITE, name=town.HOSPITAL, hosts=(), admin=ADMIN, password=password, suite=suite,
        settings={"store": {"url": hub_store}} if hub_store else None,
    )  # fmt: skip
    hub = NodeProcess("hub", hub_dir)
    hub_state = hub.start()
    stage: Stage | None = None
    stations: list[Station] = []
    office: Office | None = None
    try:
        office = _office(directory / RECORDS_ROOM, say)
        client = HubClient(str(hub_state["base_url"]))
        client.sign_in({"user": ADMIN, "password": password})
        fill(client, int(hub_state["mllp_port"]), seed, say)
        sync = urlsplit(str(hub_state["sync_url"]))
        targets = {"mqtt": ("127.0.0.1", int(hub_state["mqtt_port"])), "https": ("127.0.0.1", int(sync.port or 0))}
        stations = _stations(directory, office)
        relay = Relay([LineSpec(station.name, targets) for station in stations], seed=seed)
        relay.start()
        control = RelayControl(relay)
        control.start()
        stage = Stage(
            directory,
            seed,
            hub,
            stations,
            relay,
            control,
            hub_state,
            password,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        for station in stations:
            say(f"{station.name}: card, keys, devices")
            if station.office is not None and (fault := station.office.fault()):
                say(f"no office printer: {fault}")
                station.office.close()
                station.office = None
            _join(stage, station, client, str(sync.hostname))
        stage.write_document()
        return stage
    except BaseException:
        if stage is not None:
            stage.close()
        else:
            stop_all([hub])
            if office is not None:
                office.close()
        raise


def _office(directory: Path, say: Say) -> Office | None:
    """On its way up; None where there can be none."""
    if why := lacking():
        say(f"no office printer: {why}")
        return None
    office = Office(directory / "sheets")
    office.begin()
    return office


def _stations(directory: Path, office: Office | None) -> list[Station]:
    glyphs = Glyphs()
    wards = [code for code, _, _ in town.WARDS]
    plan = (
        (RECORDS_ROOM, "records", (), 0),
        ("courier-1", "courier", tuple(wards[:4]), 384),
        ("courier-2", "courier", tuple(wards[2:]), 576),
    )
    made = []
    for name, role, of, width in plan:
        folder = directory / name
        folder.mkdir(exist_ok=True, mode=0o700)
        station = Station(name, role, folder, NodeProcess("appliance", folder), SerialGunTwin(), of)
        station.gun.start()
        if width:
            station.printer = EscposPrinterTwin(0, folder / "slips", width, glyphs)
            station.printer.start()
        else:
            station.office = office
            station.label_printer = ZplPrinterTwin(0, folder / "labels")
            station.label_printer.start()
            station.desk = ScanningDesk(glyphs)
            station.desk.start()
        made.append(station)
    return made


def _join(stage: Stage, station: Station, client: HubClient, server: str) -> None:
    wards = list(station.wards)
    card = client.post("/api/v1/cards", {"role": station.role, "name": station.name, "wards": wards})
    devices: dict[str, Any] = {"guns": [{"name": "gun-1", "url": station.gun.url}]}
    if station.office is not None:
        devices |= station.office.settings()
    if station.printer is not None:
        width = 384 if station.name == "courier-1" else 576
        devices["receipt_printer"] = {"url": f"socket://127.0.0.1:{station.printer.port}", "width_dots": width}
    if station.label_printer is not None:
        devices["label_printer"] = {"url": f"socket://127.0.0.1:{station.label_printer.port}"}
    if station.desk is not None:
        devices |= station.desk.settings()
    told = enrol_box(
        station.directory, card["card"],
        settings={
            "hub": {
                "sync_url": f"https://localhost:{stage.relay.port(station.name, 'https')}",
                "mqtt_host": "localhost",
                "mqtt_port": stage.relay.port(station.name, "mqtt"),
                "server_name": server,
            },
            "sync": {"backoff_cap_s": 2.0, "connect_s_max": 15.0},
            "devices": devices,
            "codes": {"prefixes": [town.PREFIX]},
        },
    )  # fmt: skip
    station.node = told["node"]
    state = station.process.start()
    station.base_url = state["base_url"]


def fill(client: HubClient, mllp_port: int, seed: int, say: Say) -> list[town.Discharge]:
    """People, wards, this year's calendar and the morning's list, the way an administrator would put them in."""
    for code, zh, en in town.WARDS:
        client.put(f"/api/v1/wards/{code}", {"name_zh": zh, "name_en": en, "limit_days": 2})
    for person in town.people():
        told = {
            "user": person.user,
            "name": person.name,
            "roles": [person.role],
            "badge": person.badge,
            "pin": person.pin,
        }
        client.post("/api/v1/people", {**told, **({"ward": person.ward} if person.ward else {})})
    rows = town.discharges(seed, datetime.now(ZoneInfo(ZONE)).date())
    listed = [row for row in rows if row.discharged_on is not None]
    say(f"hub: the list of the morning, {len(listed)} stays, and messages about {len(rows) - len(listed)} in house")
    now = datetime.now(ZoneInfo(ZONE))
    in_house = [row for row in rows if row.discharged_on is None]
    taken = his.send(mllp_port, (his.admission(row, f"DEMO-{n}", now) for n, row in enumerate(in_house)))
    assert taken == len(in_house), "the hub takes every admission"
    text = "\n".join(town.as_csv(listed)).encode("utf-8-sig")
    job = client.post("/api/v1/imports", data=text, content_type="text/csv")
    wait_for(lambda: client.get(f"/api/v1/imports/{job['job']}").get("state") == "done", 60.0, "the list")
    return rows


def wait_for(done: Callable[[], bool], within_s: float, what: str) -> float:
    """Poll until `done`; returns the seconds it took. Raises TimeoutError naming what did not happen."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - began
