"""A whole running hub with all its doors, a machine that joined it, and what a door may answer to wrong bytes."""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import cbor2
import paho.mqtt.client as paho
import requests

from hub.boot import Hub
from hub.settings import Node, Settings
from hub.web.serve import client_context
from provisioning.trust.cards import Card, read_card
from provisioning.trust.joining import Joined, join
from provisioning.trust.site import make_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.mqtt_link import new_client
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_contact import tallies
from sync.kernel import canonical
from sync.kernel.outcome import Refused
from sync.kernel.suite import suite1
from sync.protocol import frames, message
from sync.protocol.ack import Ack
from sync.protocol.hello import Hello, HelloStream
from sync.protocol.lease import NUMBER, WANT, Ask
from sync.protocol.long_header import FACTS
from sync.protocol.sets import SetsAsk
from tests.adapters.bad_input.envelopes import Kind, Writer, by_other, long_kinds, of_types, short_kinds

PATIENCE_S = 60.0
ANSWER_S_MAX = 2.0
MEMORY_BYTES_MAX = 64 * 1024 * 1024
_PLACES = (str(Path(__file__).parents[3]), tempfile.gettempdir())
LEAKED = re.compile(
    rb"Traceback|File \"|\.py|sqlite|SELECT |" + b"|".join(re.escape(each).encode() for each in _PLACES), re.IGNORECASE
)
"""What only somebody inside may see: our own code, statements and folders."""


def memory_bytes(what: str) -> int:
    """VmRSS, or VmHWM (the highest since `memory_forget`) of this process, which is the hub's."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split(f"{what}:")[1].split()[0])


def memory_forget() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@dataclass
class Told:
    """What one door answered."""

    code: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def hear(self, kind: str, status: int, body: bytes, took_s: float) -> None:
        """`body`: a problem, or frames with an acknowledgement that names what was refused."""
        codes: list[str] = []
        if status == 200:
            for raw in frames.unpack(body):
                codes += refused_in(raw)
        elif 400 <= status < 500:
            codes = [json.loads(body)["code"]]
        if status >= 500 or LEAKED.search(body):
            self.faults.append(f"{kind}: {status} {body[:200]!r}")
        elif took_s > ANSWER_S_MAX:
            self.faults.append(f"{kind}: {took_s:.1f} s")
        elif len(codes) != 1 or not codes[0]:
            self.faults.append(f"{kind}: {status} with codes {codes}")
        self.code[kind] = codes[0] if codes else ""

    def ask(self, kind: str, say: Callable[[], requests.Response]) -> None:
        """Send one and hear the answer."""
        began = time.monotonic()
        answer = say()
        self.hear(kind, answer.status_code, answer.content, time.monotonic() - began)


def refused_in(raw: bytes) -> list[str]:
    """The codes that an acknowledgement names."""
    if message.parse_short_header(raw).type != message.ACK:
        return []
    ack = Ack.read(canonical.decode(raw[message.SIGNED_BYTES :]))
    return [code for stream in ack.streams for _, code in stream.refused]


def _of_another_key(kind: Kind) -> bool:
    return kind.name.startswith("hello") and "key id" in kind.name and not kind.name.startswith("hello: cut")


class Site:
    """A hub with all its doors, a machine that joined with a card, and what it would say if it were honest."""

    def __init__(self, folder: Path) -> None:
        clock, entropy = SystemClock(), SystemEntropy()
        trust = make_site(folder / "hub" / "keys", site="xinghe", now_ms=clock.wall_ms(), entropy=entropy, suite=suite1)
        self.hub = Hub(folder / "hub", Settings(node=Node(node=trust.hub, site="xinghe")))
        self.hub.start()
        self.state = json.loads((folder / "hub" / "state.json").read_text("utf-8"))
        self.base = self.state["base_url"]
        account = json.loads((folder / "hub" / "first-account.json").read_text("utf-8"))
        signed = requests.post(f"{self.base}/api/v1/session", json=account, timeout=PATIENCE_S)
        self.people = requests.Session()
        self.people.headers["Authorization"] = f"Bearer {signed.json()['token']}"
        self.enrolled: list[bytes] = []
        done = join(folder / "box", self.card(), self._ask, software="test", now_ms=clock.wall_ms(), entropy=entropy)
        assert isinstance(done, Joined)
        self.node, self.keys = done.enrolled.node, done.keys
        self.sealing = done.bundle.trust.sealing[-1][0]
        self.store = ApplianceStore(
            folder / "box" / "node.db", done.keys.store, node=self.node, role="courier", clock=clock, entropy=entropy
        )
        self.store.start_incarnation("test")
        self.door = requests.Session()
        self.door.trust_env = False
        self.door.verify = str(done.keys.ca_path)
        self.door.cert = (str(done.keys.tls_certificate_path), str(done.keys.tls_key_path))
        self.sync_url = self.state["sync_url"] + "/api/v1/sync"

    def card(self) -> Card:
        wanted = {"role": "courier", "name": "H-04", "wards": ["W12"]}
        made = self.people.post(f"{self.base}/api/v1/cards", json=wanted, timeout=PATIENCE_S)
        card = read_card(made.json()["card"])
        assert isinstance(card, Card)
        return card

    def _ask(self, request: bytes) -> bytes | Refused:
        self.enrolled.append(request)
        answer = requests.post(f"{self.base}/api/v1/enrol", data=request, timeout=PATIENCE_S)
        return answer.content if answer.ok else Refused(answer.json()["code"])

    @property
    def key_id(self) -> bytes:
        return suite1.key_id(self.keys.signing_public)

    @cached_property
    def kinds(self) -> list[Kind]:
        """Everything that a machine may say, wrong; `under_another_key` is not refused."""
        stream = next(each for each in outbox.own_streams(self.store) if each.lane == 0)
        cut = outbox.cut(self.store, stream, 1, facts_max=1, bytes_max=65536)
        assert cut is not None and cut.head_hash is not None
        plain = cbor2.dumps(list(cut.items))
        writer = Writer(
            self.node, self.keys.signing, self.sealing, FACTS, stream.incarnation, 0, 1, cut.prev_hash, cut.head_hash
        )
        self.good = writer.long(plain)
        hello = Hello("test", stream.incarnation, 1, (HelloStream(stream.incarnation, 0, 1, 0, 1),))
        ask = Ask(1, WANT, stream.incarnation, NUMBER, "tickets:hall", 10, 0, "u-1", "courier", "day")
        to = self.hub.store.node
        made = [by_other(writer, plain, 1), *long_kinds(writer, plain, 1)]
        for type, body in ((message.HELLO, hello.body()), (message.ASK, ask.body())):
            made += short_kinds(type, body, self.keys.signing, self.node, to)
        unheard = set(message.NAMES) - {message.HELLO, message.ASK}
        made += of_types(sorted(unheard), self.keys.signing, self.node, to)
        assert len({kind.name for kind in made}) == len(made), "every kind has its own name"
        return [kind for kind in made if kind.raw and not _of_another_key(kind)]

    @cached_property
    def under_another_key(self) -> list[Kind]:
        """Hellos of this machine under a key of which the hub never heard, as after a key change that it forgot."""
        hello = Hello("test", 1, 1, ())
        made = short_kinds(message.HELLO, hello.body(), self.keys.signing, self.node, self.hub.store.node)
        return [kind for kind in made if _of_another_key(kind)]

    def asks_for_sets(self) -> Iterator[Kind]:
        """Questions about a copy, wrong."""
        ask = SetsAsk("site", (bytes(16),) * 256, ((10, "1-1"),), empty=True)
        return short_kinds(message.SETS, ask.body(), self.keys.signing, self.node, self.hub.store.node)

    def held(self) -> tuple[int, ...]:
        """Rows that a wrong byte must not add to."""
        with self.hub.store.read() as conn:
            theirs = conn.execute("SELECT count(*) FROM log l JOIN stream s ON s.id = l.stream WHERE s.own = 0")
            rows = [theirs.fetchone()[0]]
            for table in ("quarantine", "parked", "node", "blob"):
                rows.append(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        return tuple(rows)

    def refused(self) -> Counter[str]:
        return Counter({code: n for code, n in tallies(self.hub.store).items() if code.startswith("refused.")})

    @cached_property
    def by_https(self) -> Told:
        """What HTTPS says of each kind: the door that answers one by one."""
        told = Told()
        for kind in self.kinds:
            told.ask(kind.name, partial(self.post, "/messages", frames.pack([kind.raw])))
        return told

    def post(self, path: str, data: bytes, method: str = "POST") -> requests.Response:
        """To the sync door, with the machine's certificate."""
        return self.door.request(method, self.sync_url + path, data=data, timeout=PATIENCE_S)

    def screens(self, path: str, data: bytes, **headers: str) -> requests.Response:
        """To the screens' door, signed in as the administrator."""
        url = f"{self.base}/api/v1{path}"
        return self.people.post(url, data=data, headers=headers, timeout=PATIENCE_S)

    def unnamed(self, path: str, data: bytes) -> requests.Response:
        """To the machines' door, by somebody without a certificate."""
        url = f"{self.state['sync_url']}/api/v1{path}"
        return requests.post(url, data=data, verify=str(self.keys.ca_path), timeout=PATIENCE_S)

    def same_as_https(self, kinds: Sequence[Kind], counted: Counter[str]) -> bool:
        """Whether exactly the codes of HTTPS were counted; of a claim of another's name only that it was refused."""
        told = Counter(f"refused.{self.by_https.code[kind.name]}" for kind in kinds if not kind.foreign)
        foreign = sum(kind.foreign for kind in kinds)
        return counted.total() == len(kinds) and (counted - told).total() == foreign

    @contextmanager
    def on_the_broker(self) -> Iterator[Callable[[str, bytes], None]]:
        """The machine's own line to the broker; what is published has left when this ends."""
        keys = self.keys
        tls = client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path)
        client = new_client(self.node, tls, queue_max=0)
        up = threading.Event()
        client.on_connect = lambda *_: up.set()
        client.connect("localhost", self.state["mqtt_port"], keepalive=60, clean_start=True)
        client.loop_start()
        assert up.wait(PATIENCE_S)
        sent: list[paho.MQTTMessageInfo] = []
        yield lambda topic, raw: sent.append(client.publish(topic, raw, qos=1))
        client.disconnect()
        client.loop_stop()

    def stop(self) -> None:
        self.store.close()
        self.hub.stop()
