from __future__ import annotations

import queue
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from cryptography.hazmat.primitives import serialization
from flask import Flask

from appliance.link.runner import Link
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.blob_desk import BlobDesk
from hub.link.digester import Digester
from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.feed_desk import FeedDesk
from hub.link.lease_office import LeaseOffice
from hub.link.mqtt_ingest import MqttIngest
from hub.link.post import Post
from hub.link.sync_api import sync_api
from hub.link.voice import HubKeys, TrustBundle, Voice
from hub.web.ports import free_port
from provisioning.trust.broker import Broker
from provisioning.trust.broker_rules import Listener, Rules
from provisioning.trust.ca import Authority, issue, key_pem, make_crl, make_root, make_tls_key
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.carrier import Carrier, Why, client_context
from sync.adapters.clock import Clock, SystemClock
from sync.adapters.https_link import HttpsFeeds, HttpsLink
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.leases.box import Leases
from sync.adapters.leases.witness import Witness
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log import digest, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_contact import tallies
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, add_node, set_node_scopes, set_node_state
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.adapters.stick_link import StickLink, read_stick, write_stick
from sync.kernel.fact import NewFact
from sync.kernel.ids import node_name
from sync.kernel.suite import Suite, suite1
from sync.protocol import feed, message
from sync.protocol.trust import HubKey, Trust
from tests.waiting import until

PATIENCE_S = 30.0
HUB = "hub-aaaaaaaa"
CARRIERS = ("mqtt", "https", "stick")


class Ear:
    """Writes down what a carrier says."""

    def __init__(self) -> None:
        self.ups: list[str] = []
        self.downs: list[tuple[str, Why]] = []
        self.got: queue.Queue[bytes] = queue.Queue()

    def up(self, carrier: str) -> None:
        self.ups.append(carrier)

    def down(self, carrier: str, why: Why) -> None:
        self.downs.append((carrier, why))

    def received(self, carrier: str, message: bytes) -> None:
        self.got.put(message)

    def next(self) -> bytes:
        return self.got.get(timeout=PATIENCE_S)


class Walker:
    """Carries stick files between a box and the hub, as a person would, only faster."""

    def __init__(self, link: StickLink, door: Door, folder: Path) -> None:
        self._link = link
        self._door = door
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._walk, daemon=True)
        self._thread.start()

    def _walk(self) -> None:
        while not self._stop.wait(0.02):
            path = self._link.write_out(self._folder / "up")
            if path is None:
                continue
            answers: list[bytes] = []
            for raw in read_stick(path):
                answers += self._door.receive(raw, "stick", None)
            if answers:
                self._link.take_in(write_stick(self._folder / "down", HUB, answers))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)


class Meddler:
    """A carrier with a bad line in it: what it loses, doubles and holds back is drawn from a seed."""

    def __init__(
        self,
        make: Callable[[Any], Carrier],
        heard: Any,
        seed: int,
        *,
        lose: float = 0.0,
        double: float = 0.0,
        hold: float = 0.0,
    ) -> None:
        self._heard = heard
        self._rng = random.Random(seed)
        self._lose, self._double, self._hold = lose, double, hold
        self._held: list[Callable[[], Any]] = []
        self._lock = threading.Lock()
        self.broken = False
        self.passed = 0
        self._inner = make(self)
        self.name = self._inner.name

    def open(self) -> None:
        if self.broken:
            self._heard.down(self.name, "refused")
        else:
            self._inner.open()

    def send(self, message: bytes) -> bool:
        self._meddle(lambda: self._inner.send(message))
        return True

    def hold(self, labels: frozenset[str]) -> None:
        self._inner.hold(labels)

    def close(self) -> None:
        self._inner.close()

    def snap(self) -> None:
        """The line breaks in mid-sentence and stays broken."""
        self.broken = True
        self._inner.close()
        self._heard.down(self.name, "lost")

    def mend(self) -> None:
        """The line breaks once more and is good from then on."""
        with self._lock:
            self._lose = self._double = self._hold = 0.0
            self._held = []
        self.snap()
        self.broken = False

    def up(self, carrier: str) -> None:
        self._heard.up(carrier)

    def down(self, carrier: str, why: Why) -> None:
        self._heard.down(carrier, why)

    def received(self, carrier: str, message: bytes) -> None:
        self._meddle(lambda: self._heard.received(carrier, message))

    def _meddle(self, go: Callable[[], Any]) -> None:
        """Lost, twice, or after the next one."""
        with self._lock:
            self.passed += 1
            lost, twice, late = (self._rng.random() < p for p in (self._lose, self._double, self._hold))
            due: list[Callable[[], Any]] = []
            if late:
                self._held.append(go)
            elif not lost:
                due = [go, *([go] if twice else []), *self._held]
                self._held = []
        for each in due:
            each()


@dataclass
class Box:
    """A machine with its link running."""

    machine: Machine
    link: Link
    meddlers: dict[str, Meddler]

    @property
    def store(self) -> ApplianceStore:
        return self.machine.store

    def ledger(self) -> tuple[int, int]:
        """(written here, signed for by the hub)."""
        with self.store.read() as conn:
            return outbox.ledger(conn)

    def counted(self, code: str) -> int:
        with self.store.read() as conn:
            row = conn.execute("SELECT n FROM tally WHERE code = ?", (code,)).fetchone()
        return 0 if row is None else int(row[0])

    def drained(self) -> bool:
        written, signed = self.ledger()
        return written == signed

    def copy(self, label: str) -> dict[tuple[int, Any], tuple[bytes, bytes]]:
        """(etype, key) -> (X, state) of everything held of a scope."""
        with self.store.read() as conn:
            rows = conn.execute(
                "SELECT m.etype, m.key, e.x, e.state FROM member m JOIN entity e ON e.etype = m.etype "
                "AND e.key = m.key WHERE m.label = ?",
                (label,),
            ).fetchall()
        return {(r[0], r[1]): (r[2], r[3]) for r in rows}


@dataclass
class Machine:
    """An enrolled appliance: its keys, its certificate, its store."""

    node: str
    role: str
    folder: Path
    signing: bytes
    sealing: bytes
    store: ApplianceStore
    store_key: bytes
    leases: Leases

    @property
    def key_id(self) -> bytes:
        return self.store.suite.key_id(self.store.suite.signing_public(self.signing))


@dataclass
class World:
    """One site in one temporary folder: CA, hub with all its doors, a real broker, appliances."""

    folder: Path
    root: Authority
    broker: Broker
    hub: HubStore
    feeds: Feeds
    voice: Voice
    door: Door
    post: Post
    digester: Digester
    desk: FeedDesk
    ingest: MqttIngest
    office: LeaseOffice
    server: Server
    https_port: int
    scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    closers: list[Callable[[], None]] = field(default_factory=list)

    def tls(self, name: str, root: Authority | None = None) -> ssl.SSLContext:
        key = make_tls_key()
        leaf = issue(root or self.root, key.public_key(), name, SystemClock().wall_ms())
        folder = self.folder / f"tls-{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        write_whole(folder / "tls.crt", leaf.public_bytes(serialization.Encoding.PEM))
        write_whole(folder / "tls.key", key_pem(key))
        return client_context(self.folder / "ca.crt", folder / "tls.crt", folder / "tls.key", "localhost")

    def machine(self, role: str = "courier", scopes: Sequence[str] = (), *, clock: Clock | None = None) -> Machine:
        entropy = SystemEntropy()
        node = node_name(role, entropy.bytes(5))
        signing, sealing = entropy.bytes(32), entropy.bytes(32)
        suite = self.hub.suite
        public = suite.signing_public(signing)
        with self.hub.write() as unit:
            add_node(
                unit,
                node=node,
                role=role,
                name=node,
                signing_public=public,
                sealing_public=suite.sealing_public(sealing),
                key_id=suite.key_id(public),
                scopes=scopes,
                tls_serial=None,
                now_ms=SystemClock().wall_ms(),
            )
        self.scopes[node] = frozenset(scopes)
        self.broker.tell(Rules(workers=frozenset({f"{HUB}.w1"}), scopes=dict(self.scopes)))
        folder = self.folder / node
        folder.mkdir()
        store_key = entropy.bytes(32)
        store = ApplianceStore(
            folder / "node.db", store_key, node=node, role=role, clock=clock or SystemClock(), entropy=entropy,
            suite=suite,
        )  # fmt: skip
        store.start_incarnation("test")
        self.closers.append(store.close)
        leases = Leases(store, Witness(folder / "witness", node), sealing=sealing)
        return Machine(node, role, folder, signing, sealing, store, store_key, leases)

    def link(self, carrier: str, machine: Machine, heard: Any, *, tls: ssl.SSLContext | None = None) -> Carrier:
        """A carrier of this machine, with whoever carries files where files are carried."""
        if carrier == "stick":
            stick = StickLink(machine.node, heard)
            walker = Walker(stick, self.door, machine.folder)
            self.closers.append(walker.stop)
            return stick
        tls = tls or self.tls(machine.node)
        made: Carrier
        if carrier == "mqtt":
            made = MqttLink(machine.node, "127.0.0.1", self.broker.port, tls, heard)
        else:
            made = HttpsLink(self.https_url, tls, self.folder / "ca.crt", heard)
        self.closers.append(made.close)
        return made

    @property
    def https_url(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    def box(
        self, *carriers: str, machine: Machine | None = None, feeds: bool = True, seed: int = 1, **meddling: float
    ) -> Box:
        """A machine whose link runs over these carriers, best first."""
        machine = machine or self.machine()
        tls = self.tls(machine.node)
        meddlers: dict[str, Meddler] = {}

        def make(heard: Any) -> list[Carrier]:
            for name in carriers:
                meddlers[name] = Meddler(
                    lambda ear, name=name: self.link(name, machine, ear, tls=tls), heard, seed, **meddling
                )
            return list(meddlers.values())

        link = Link(
            machine.store,
            TrustBook(BoxKeys(machine.node, machine.signing, suite=self.hub.suite), self.bundle.raw, lambda raw: None),
            make,
            HttpsFeeds(self.https_url, tls, self.folder / "ca.crt") if feeds else None,
            software="test",
            backoff_cap_s=0.2,
            draw=random.Random(seed).random,
            leases=machine.leases,
        )
        self.closers.append(link.stop)
        link.start()
        return Box(machine, link, meddlers)

    @property
    def bundle(self) -> TrustBundle:
        found = self.voice.trust()
        assert found is not None
        return found

    def wait_digested(self) -> None:
        until(self.digested)

    def digested(self) -> bool:
        return self.digester.lag() == 0

    def placed(self, label: str) -> dict[tuple[int, Any], tuple[bytes, bytes]]:
        """(etype, key) -> (X, state) of everything the hub has put into a scope."""
        with self.hub.read() as conn:
            rows = conn.execute(
                "SELECT m.etype, m.key, e.x, e.state FROM feed_member m JOIN entity e ON e.etype = m.etype "
                "AND e.key = m.key WHERE m.label = ?",
                (label,),
            ).fetchall()
        return {(r[0], r[1]): (r[2], r[3]) for r in rows}

    def entries(self, label: str) -> list[feed.Entry]:
        """The feed of a scope, in order."""
        with self.hub.read() as conn:
            rows = conn.execute("SELECT entry FROM feed_entry WHERE label = ? ORDER BY sseq", (label,)).fetchall()
        return [feed.decode_entry(row[0]) for row in rows]

    def history(self, etype: int, key: str) -> list[Any]:
        with self.hub.read() as conn:
            return digest.history(conn, etype, key)

    def lose_facts_of(self, node: str) -> None:
        """As if the database had been put back to before this node ever called."""
        with self.hub.write() as unit:
            rows = unit.conn.execute("SELECT id FROM stream WHERE node = ?", (node,)).fetchall()
            for (stream,) in rows:
                for table in ("log", "arrival", "quarantine", "parked", "entity_fact"):
                    unit.conn.execute(f"DELETE FROM {table} WHERE stream = ?", (stream,))
                unit.conn.execute("DELETE FROM stream WHERE id = ?", (stream,))

    def raise_epoch(self) -> None:
        EpochKeeper(self.hub, self.folder / "epoch.json").above(self.hub.epoch)

    def set_scopes(self, node: str, scopes: Sequence[str]) -> None:
        with self.hub.write() as unit:
            set_node_scopes(unit, node, scopes, self.hub.entropy)

    def feeds_of(self, machine: Machine) -> HttpsFeeds:
        return HttpsFeeds(self.https_url, self.tls(machine.node), self.folder / "ca.crt")

    def silent_port(self) -> int:
        """A port that takes calls and never says a word."""
        server = socket.create_server(("127.0.0.1", 0))
        self.closers.append(server.close)
        return int(server.getsockname()[1])

    def box_at(self, port: int) -> Box:
        """A machine whose broker is dialled at `port`."""
        machine = self.machine()
        tls = self.tls(machine.node)
        link = Link(
            machine.store,
            TrustBook(BoxKeys(machine.node, machine.signing, suite=self.hub.suite), self.bundle.raw, lambda raw: None),
            lambda heard: [MqttLink(machine.node, "127.0.0.1", port, tls, heard)],
            None,
            software="test",
            backoff_cap_s=0.2,
            draw=random.Random(1).random,
        )
        self.closers.append(link.stop)
        link.start()
        return Box(machine, link, {})

    def foreign_tls(self, name: str) -> ssl.SSLContext:
        """A certificate that says the right name under another site's authority."""
        return self.tls(name, make_root("elsewhere", SystemClock().wall_ms()))

    def facts_held(self, node: str) -> int:
        """How many facts of a node the hub has in its log."""
        with self.hub.read() as conn:
            return int(conn.execute("SELECT coalesce(sum(last), 0) FROM stream WHERE node = ?", (node,)).fetchone()[0])

    def fact_bytes(self, node: str, seq: int) -> bytes:
        """What the hub's log holds at a place of lane 0."""
        with self.hub.read() as conn:
            return conn.execute(
                "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream "
                "WHERE s.node = ? AND s.lane = 0 AND l.seq = ?",
                (node, seq),
            ).fetchone()[0]

    def set_state(self, node: str, state: str) -> None:
        with self.hub.write() as unit:
            set_node_state(unit, node, state)

    def hub_count(self, code: str) -> int:
        return tallies(self.hub).get(code, 0)


class _Adapter(BuiltinSSLAdapter):
    """Demands a client certificate of the site."""

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        super().__init__(str(certificate), str(key))
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A site of this test's own."""
    yield from open_world(tmp_path)


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One site for tests that each bring their own machine and count only what changes."""
    yield from open_world(tmp_path_factory.mktemp("site"))


def open_world(tmp_path: Path, suite: Suite = suite1) -> Iterator[World]:
    """Everything started and reachable; stopped after the yield."""
    clock, entropy = SystemClock(), SystemEntropy()
    now_ms = clock.wall_ms()
    root = make_root("test", now_ms)
    key = make_tls_key()
    leaf = issue(root, key.public_key(), HUB, now_ms, hosts=["localhost", "127.0.0.1", HUB])
    write_whole(tmp_path / "ca.crt", root.certificate_pem)
    write_whole(tmp_path / "server.crt", leaf.public_bytes(serialization.Encoding.PEM))
    write_whole(tmp_path / "server.key", key_pem(key))
    write_whole(tmp_path / "crl.pem", make_crl(root, [], 1, now_ms))
    broker = Broker(
        Listener(
            folder=tmp_path / "broker",
            ca=tmp_path / "ca.crt",
            certificate=tmp_path / "server.crt",
            key=tmp_path / "server.key",
            crl=tmp_path / "crl.pem",
            port=free_port(),
        ),
        Rules(workers=frozenset({f"{HUB}.w1"})),
    )
    broker.start()
    hub = HubStore(
        tmp_path / "hub.db", entropy.bytes(32), node=HUB, role="hub", clock=clock, entropy=entropy,
        suite=suite,
    )  # fmt: skip
    hub.start_incarnation("test")
    feeds = Feeds(hub)
    keys = HubKeys(entropy.bytes(32), entropy.bytes(32), suite=suite)
    voice = Voice(hub, keys, lambda: bundle)
    trust = Trust(
        version=1,
        hub_keys=(HubKey(voice.key_id, voice.public, 0, 2**62),),
        sealing=((suite.sealing_public(keys.sealing), 0),),
    )
    bundle = TrustBundle(1, voice.say(message.TRUST, trust.body(), None))
    epochs = EpochKeeper(hub, tmp_path / "epoch.json")
    office = LeaseOffice(hub, voice, epochs)
    door, post = Door(hub, voice, office=office), Post()
    digester = Digester(hub, feeds, door, voice, post, follow=office.follow)
    desk = FeedDesk(hub, feeds, voice)
    app = Flask("hub")
    blobs = BlobDesk(hub, voice, FolderStore(tmp_path / "hub-blobs", suite.hash), suite.hash)
    app.register_blueprint(sync_api(hub, door, desk, post, blobs=blobs))
    port = free_port()
    server = Server(("127.0.0.1", port), app, numthreads=40, shutdown_timeout=1)
    server.ssl_adapter = _Adapter(tmp_path / "server.crt", tmp_path / "server.key", tmp_path / "ca.crt")
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    made = World(tmp_path, root, broker, hub, feeds, voice, door, post, digester, desk, None, office, server, port)  # type: ignore[arg-type]
    made.ingest = MqttIngest(
        f"{HUB}.w1",
        "127.0.0.1",
        broker.port,
        made.tls(f"{HUB}.w1"),
        door=door,
        voice=voice,
        post=post,
        digester=digester,
    )
    digester.start()
    made.ingest.start()
    assert made.ingest.wait_ready(PATIENCE_S)
    yield made
    for close in reversed(made.closers):
        close()
    made.ingest.stop()
    post.close()
    server.stop()
    thread.join(PATIENCE_S)
    digester.stop()
    broker.stop()
    hub.close()


def write_facts(store: NodeStore, facts: Sequence[NewFact]) -> None:
    """Each fact in its own commit would be slow; how many go together does not matter here."""
    with store.write() as unit:
        for fact in facts:
            unit.append(fact)


@pytest.fixture
def patiently() -> Callable[..., Any]:
    """Waits for something to be true, and fails when it is not in time."""
    return until


@pytest.fixture
def world_of(shared_world: World) -> tuple[World, Callable[..., Any], type[Ear]]:
    """The shared site, patience, and an ear for a bare carrier."""
    return shared_world, until, Ear
