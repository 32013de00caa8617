"""A site for measuring: a hub with its broker in a process of its own, and a box that has joined it.

Made and joined as `waystation provision` does it. All data is invented.
"""

from __future__ import annotations

import random
import re
import secrets
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from appliance.link.runner import Link
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.link.wiring import make_link
from appliance.projections import folded_projectors
from appliance.settings import SOFTWARE, Settings
from appliance.store.room import free_bytes
from provisioning.bench.box import WARD
from provisioning.bench.processor import children, processor_s
from provisioning.demo.fleet import NodeProcess
from provisioning.making.client import HubClient
from provisioning.making.directories import enrol_box, make_hub
from provisioning.trust.node_keys import load_keys
from sync.adapters import settings_file
from sync.adapters.carrier import Carrier, Heard, client_context
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.steps import Point, nothing
from sync.domain.tracking import facts as tracking
from sync.kernel.fact import NewFact
from sync.protocol.states import TALKING

FACTS_A_COMMIT = 500
ROUND_FACTS = 20
PATIENCE_S = 300.0
_STRIDE = 3**18
"""Shares no factor with ten or two, so that its multiples look drawn and never repeat."""
ADMIN = "u-admin"

CarrierOf = Callable[[str, str, int, ssl.SSLContext, Heard], Carrier]


@dataclass(frozen=True, slots=True)
class BenchSite:
    """A running hub and a courier's box. `base_url` is the hub's."""

    base_url: str
    hub_pid: int
    folder: Path
    store: ApplianceStore
    settings: Settings

    @contextmanager
    def line(self) -> Iterator[Link]:
        """The box talks to the hub as its settings say."""
        keys = load_keys(self.folder / "box" / "keys")
        link = make_link(self.store, self.settings, keys, software=SOFTWARE, draw=random.Random(1).random)
        assert link is not None, "an enrolled box has a line"
        with talking(link):
            yield link

    @contextmanager
    def bare_line(self, carrier: CarrierOf, mqtt_port: int = 0) -> Iterator[Link]:
        """The same over this one carrier alone, without rounds of feeds; `mqtt_port`: another way to the broker."""
        link = bare_link(self.store, self.settings, self.folder / "box" / "keys", carrier, mqtt_port)
        with talking(link):
            yield link

    def acknowledged(self) -> bool:
        """Whether the box holds the hub's signature for everything it wrote."""
        with self.store.read() as conn:
            written, signed = outbox.ledger(conn)
        return written == signed

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds of the hub and of its broker so far, user and system."""
        return {"hub": processor_s(self.hub_pid), "broker": sum(map(processor_s, children(self.hub_pid)))}

    def lag(self) -> int:
        """Facts that the hub holds and has not digested."""
        with urllib.request.urlopen(f"{self.base_url}/metrics", timeout=30) as answer:
            return lag_in(answer.read().decode())


def lag_in(exposition: str) -> int:
    """The hub's lag in the Prometheus text form, which writes a million as 1e+06."""
    found = re.search(r"digest_lag_facts ([0-9.e+]+)", exposition)
    assert found is not None, "the hub does not tell its lag"
    return round(float(found[1]))


def bare_link(
    store: ApplianceStore, settings: Settings, keys: Path, carrier: CarrierOf, mqtt_port: int = 0, seed: int = 1
) -> Link:
    """A box's session on one carrier made by `carrier(node, host, port, tls, heard)`, not started."""
    own = load_keys(keys)
    tls = client_context(own.ca_path, own.tls_certificate_path, own.tls_key_path, settings.hub.server_name)
    book = TrustBook(BoxKeys(store.node, own.signing, own.suite), (keys / "trust.way").read_bytes(), lambda raw: None)
    port = mqtt_port or settings.hub.mqtt_port
    return Link(
        store,
        book,
        lambda heard: [carrier(store.node, settings.hub.mqtt_host, port, tls, heard)],
        None,
        software=SOFTWARE,
        draw=random.Random(seed).random,
        identity=own.identity_path.read_bytes(),
        free_bytes=partial(free_bytes, keys),
    )


@contextmanager
def talking(link: Link) -> Iterator[None]:
    """Started and welcomed; hung up in the end."""
    link.start()
    try:
        until(lambda: link.state == TALKING, step_s=0.001)
        yield
    finally:
        link.stop()


@contextmanager
def bench_site(
    folder: Path, prepare: Callable[[Path], None] = lambda hub: None, point: Point = nothing
) -> Iterator[BenchSite]:
    """The hub runs until the block ends; the box's line is the caller's affair.

    `prepare` may change the hub's directory before it starts; not where `found_site` has made it already.
    `point` hears of the box's durable steps.
    """
    password = found_site(folder, prepare)
    hub = NodeProcess("hub", folder / "hub")
    base_url = str(hub.start()["base_url"])
    try:
        client = HubClient(base_url)
        client.sign_in({"user": ADMIN, "password": password})
        store, settings = joined_box(folder / "box", client, point)
        try:
            yield BenchSite(base_url, hub.pid, folder, store, settings)
        finally:
            store.close()
    finally:
        hub.stop()


def found_site(folder: Path, prepare: Callable[[Path], None] = lambda hub: None) -> str:
    """A hub's directory in `folder`, made once and prepared; the administrator's password, which stays beside it."""
    kept = folder / "password"
    if not kept.exists():
        password = secrets.token_urlsafe(9)
        make_hub(folder / "hub", site="site", name="", hosts=(), admin=ADMIN, password=password)
        prepare(folder / "hub")
        kept.write_text(password, "utf-8")
    return kept.read_text("utf-8")


def joined_box(folder: Path, client: HubClient, point: Point = nothing) -> tuple[ApplianceStore, Settings]:
    """A courier's box in `folder` that has joined the hub at which `client` is signed in; close its store."""
    client.put(f"/api/v1/wards/{WARD}", {"name_zh": "一病区", "name_en": "Ward 1", "limit_days": 2})
    card = client.post("/api/v1/cards", {"role": "courier", "name": folder.name, "wards": [WARD]})
    enrol_box(folder, card["card"])
    settings = settings_file.load(Settings, folder / "settings.toml", {})
    (folder / "data").mkdir(mode=0o700)
    keys = load_keys(folder / "keys")
    store = ApplianceStore(
        folder / "data" / "node.db", keys.store, suite=keys.suite, node=settings.node.node,
        role=settings.node.role, clock=SystemClock(), entropy=SystemEntropy(), projectors=folded_projectors(keys.suite),
        point=point,
    )  # fmt: skip
    store.start_incarnation("bench")
    return store, settings


def collection(store: ApplianceStore, n: int) -> NewFact:
    """The `n`-th collection of a day, as couriers' boxes write them; n below 10**9. No two name the same record."""
    number = f"{n * _STRIDE % 10**9:09d}"
    return tracking.collected(
        tracking.stay_key(number, str(1 + n % 3)),
        round_key=f"{store.node}.{n // ROUND_FACTS * _STRIDE % 2**32:08x}",
        ward=f"W{n // ROUND_FACTS % 24:02d}",
        verdict="good",
        how="gun",
        read_no=number,
        at_ms=store.clock.wall_ms(),
        list_as_of_ms=0,
    )


def write_backlog(store: ApplianceStore, first: int, count: int) -> None:
    """`count` collections from record `first` on, 500 in a commit."""
    for at in range(first, first + count, FACTS_A_COMMIT):
        with store.write(actor="u-luo", device="gun-1") as unit:
            for n in range(at, min(at + FACTS_A_COMMIT, first + count)):
                unit.append(collection(store, n))


def until(true: Callable[[], bool], step_s: float = 0.05, patience_s: float = PATIENCE_S) -> None:
    """Wait for it; an AssertionError when it does not come."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "the line brought nothing"
        time.sleep(step_s)
