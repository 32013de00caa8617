"""A hub's lease office and boxes that hold leases, on real databases, files and signed bytes; the clocks are held."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.link.letters import Letters
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.door import Door
from hub.link.epoch import EpochKeeper
from hub.link.lease_office import LeaseOffice
from hub.link.voice import HubKeys, TrustBundle, Voice
from sync.adapters.idgen import SeededEntropy
from sync.adapters.leases.box import Leases
from sync.adapters.leases.witness import Witness
from sync.adapters.sqlite_log import hub_inbound, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.digest import digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, add_node
from sync.adapters.sqlite_log.steps import Point, nothing
from sync.kernel.suite import suite1
from sync.protocol import batch, message
from sync.protocol.hello import LEASES, Welcome
from sync.protocol.lease import LeaseWord
from sync.protocol.trust import HubKey, Trust

HUB, BOX = "hub-aaaaaaaa", "records-bbbbbbbb"
NOW_MS = 1_795_000_000_000
KEY = bytes(range(32))


class HeldClock:
    """Time that passes when told to. The wall clock may be set wrong, the machine rebooted."""

    def __init__(self) -> None:
        self.true_s = 0.0
        self.wrong_ms = 0
        self.boots = 0

    def wall_ms(self) -> int:
        return NOW_MS + round(self.true_s * 1000) + self.wrong_ms

    def mono_s(self) -> float:
        return self.true_s

    def boot_s(self) -> float:
        return self.true_s

    def boot_id(self) -> str:
        return f"boot-{self.boots}"


@dataclass
class Centre:
    """The hub's half: store, file that only rises, office."""

    folder: Path
    clock: HeldClock
    seed: int = 1
    database: Database | None = None
    store: HubStore = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.seed += 1
        self.store = HubStore(
            self.folder / "hub.db", KEY, node=HUB, role="hub", clock=self.clock, entropy=SeededEntropy(self.seed),
            database=self.database,
        )  # fmt: skip
        self.store.start_incarnation("test")
        self.keys = HubKeys(bytes([1]) * 32, bytes([2]) * 32, suite=suite1)
        self.voice = Voice(self.store, self.keys, lambda: None)
        self.epochs = EpochKeeper(self.store, self.folder / "monotone.json")
        self.epochs.settle()
        self.content = {"record:W12": (b"page key of ward 12",)}
        self.office = LeaseOffice(
            self.store, self.voice, self.epochs, keys_of=lambda resource: self.content.get(resource, ())
        )
        self.door = Door(self.store, self.voice, behind=self.epochs.above, office=self.office)
        self.feeds = Feeds(self.store)

    def back_up(self) -> Path:
        """The database alone, as it is now."""
        self.store.close()
        copy = self.folder / "hub.backup"
        shutil.copy(self.folder / "hub.db", copy)
        self.open()
        return copy

    def put_back(self, copy: Path) -> None:
        self.store.close()
        for left in self.folder.glob("hub.db*"):
            left.unlink()
        shutil.copy(copy, self.folder / "hub.db")
        self.open()

    def node(self, name: str = BOX) -> NodeRow:
        row = self.store.node_row(name)
        assert row is not None
        return row

    def digest(self) -> None:
        while digest_some(self.store, self.feeds, self.office.follow).behind:
            pass

    @property
    def trust(self) -> TrustBundle:
        told = Trust(
            version=1,
            hub_keys=(HubKey(self.voice.key_id, self.voice.public, 0, 2**62),),
            sealing=((suite1.sealing_public(self.keys.sealing), 0),),
        )
        return TrustBundle(1, self.voice.say(message.TRUST, told.body(), None))


class Box:
    """A box's half, with what it has on disk; it can be stopped, copied and put back."""

    def __init__(self, centre: Centre, folder: Path, name: str = BOX) -> None:
        self.centre, self.name = centre, name
        self.clock = HeldClock()
        self.data, self.witness = folder / f"{name}-data", folder / f"{name}-witness"
        self.data.mkdir()
        self.starts = 0
        self.point: Point = nothing
        self.signing, self.sealing = suite1.hash(name.encode()), bytes([4]) * 32
        self.enrol()
        self.book = TrustBook(BoxKeys(name, self.signing, suite=suite1), centre.trust.raw, lambda raw: None)
        self.start()

    def enrol(self) -> None:
        public = suite1.signing_public(self.signing)
        with self.centre.store.write() as unit:
            add_node(
                unit, node=self.name, role="records", name=self.name, signing_public=public,
                key_id=suite1.key_id(public), sealing_public=suite1.sealing_public(self.sealing), scopes=["site"],
                tls_serial=None, now_ms=NOW_MS,
            )  # fmt: skip

    def start(self) -> None:
        self.starts += 1
        self.store = ApplianceStore(
            self.data / "node.db", KEY, node=self.name, role="records", clock=self.clock,
            entropy=SeededEntropy(f"{self.name}-{self.starts}"), point=lambda place: self.point(place),
        )  # fmt: skip
        self.store.start_incarnation("test")
        self.letters = Letters(self.store, self.book, "test")
        witness = Witness(self.witness, self.name, lambda place: self.point(place))
        self.leases = Leases(self.store, witness, sealing=self.sealing)

    def stop(self) -> None:
        self.store.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def reboot(self, off_s: float = 0.0) -> None:
        self.stop()
        self.clock.true_s += off_s
        self.clock.boots += 1
        self.start()

    def pass_time(self, span_s: float) -> None:
        """The process looks at its leases as often as it must."""
        while span_s > 0:
            step = min(15.0, span_s)
            self.clock.true_s += step
            self.centre.clock.true_s += step
            self.leases.look()
            span_s -= step

    def back_up(self, *, witness: bool = False) -> Path:
        self.stop()
        copy = self.data.parent / f"{self.name}-copy-{self.starts}"
        shutil.copytree(self.data, copy)
        if witness:
            shutil.copy(self.witness, copy / "witness")
        self.start()
        return copy

    def put_back(self, copy: Path) -> None:
        self.stop()
        shutil.rmtree(self.data)
        shutil.copytree(copy, self.data)
        if (self.data / "witness").exists():
            shutil.move(self.data / "witness", self.witness)
        self.start()

    def hear(self, raw: bytes) -> None:
        """A message of the hub, opened as the line opens it."""
        opened = self.book.open(raw)
        self.store.heard_hub_time(self.centre.voice.hub_time() >> 16)
        assert opened.type == message.LEASE
        self.leases.take(LeaseWord.read(opened.body), raw)

    def ask(self, deaf: bool = False) -> int:
        """Send what is due; hear the answers unless they get lost. How many were sent."""
        asks = self.leases.due()
        for each in asks:
            answers = self.centre.door.receive(self.letters.ask(each), "test", self.name)
            for answer in () if deaf else answers:
                self.hear(answer)
        return len(asks)

    def greet(self) -> bool:
        """Hello and what it leads to. Whether both sides agreed on what is held."""
        answers = self.centre.door.receive(self.letters.hello(self.starts), "test", self.name)
        welcome = Welcome.read(self.book.open(answers[0]).body)
        for answer in answers[1:]:
            self.hear(answer)
        self.leases.line_up(every=LEASES in welcome.wanted)
        self.talk()
        return LEASES not in welcome.wanted

    def talk(self) -> None:
        """Ask until nothing is due: refills ask again."""
        for _ in range(10):
            if not self.ask():
                return

    def deliver(self) -> None:
        """All facts of this box to the hub, and digested there."""
        arrivals = []
        for own in outbox.own_streams(self.store):
            made = self.letters.batch((own.incarnation, own.lane), own.acked + 1)
            if made is None:
                continue
            header = batch.parse_header(made[0])
            opened = batch.open_batch(
                made[0], header, public_key=self.centre.node(self.name).signing_public,
                open_key=self.centre.keys.sealing, suite=suite1,
)  # fmt: skip
            items = [item for item in opened.items if isinstance(item, bytes)]
            arrivals.append(
                hub_inbound.Arrival(
                    header.stream, header.first, header.prev, items, frozenset(), opened.hashes, made[0][:224], made[0]
                )
            )
        hub_inbound.accept_many(self.centre.store, arrivals)
        self.centre.digest()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path, HeldClock())
    yield made
    made.store.close()


@pytest.fixture
def new_box(centre: Centre, tmp_path: Path) -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def make(name: str = BOX) -> Box:
        made.append(Box(centre, tmp_path, name))
        return made[-1]

    yield make
    for box in made:
        box.stop()


@pytest.fixture
def box(new_box: Callable[..., Box]) -> Box:
    return new_box()
