"""A box goes over to another signing key, in front of the real door of a hub. Both suites."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.performer import Performer
from appliance.link.pump import Pump
from appliance.link.rekeying import Rekeying
from appliance.link.stick_post import StickPost
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.door import Door, Offer
from hub.link.key_desk import KeyDesk
from hub.link.learning import takes_key
from hub.link.voice import HubKeys, TrustBundle, Voice
from provisioning.trust.identity import make_identity, read_identity
from provisioning.trust.key_files import KeyFiles
from sync.adapters.idgen import SeededEntropy
from sync.adapters.keys import write_whole
from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log import digest, hub_keys, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, add_node, set_node_state
from sync.adapters.sqlite_log.node_store import load_state
from sync.domain.fleet import facts as fleet
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import Suite
from sync.protocol import events, message, states
from sync.protocol.config import Config
from sync.protocol.key_change import make_change
from sync.protocol.session import Session
from sync.protocol.trust import HubKey, Identity, Trust

NODE, HUB = "courier-aaaaaaaa", "hub-aaaaaaaa"
FIRST, SEALING = bytes(range(1, 33)), bytes(range(2, 34))
DAY_MS = 24 * 3600 * 1000


class Clock:
    """Both sides' time, moved by the test."""

    def __init__(self) -> None:
        self.ms = 1_796_000_000_000

    def wall_ms(self) -> int:
        return self.ms

    def mono_s(self) -> float:
        return self.ms / 1000

    boot_s = mono_s

    def boot_id(self) -> str:
        return "one"


class Line:
    """A carrier that is a call. `cut`: nothing arrives; `deaf`: what the hub answers does not."""

    name = "https"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.up = self.cut = self.deaf = False

    def open(self) -> None:
        if not self.cut:
            self.up = True
            self.site.heard.append(("up", "https", b""))

    def send(self, raw: bytes) -> bool:
        if self.cut:
            return False
        site = self.site
        site.said.append(raw)
        for answer in site.receive(raw):
            if not self.deaf:
                site.heard.append(("received", "https", answer))
        return True

    def hold(self, labels: frozenset[str]) -> None:
        """Nobody listens for heads here."""

    def close(self) -> None:
        self.up = False


class Site:
    """One hub, one box, a folder each, and a clock."""

    def __init__(self, folder: Path, suite: Suite) -> None:
        self.folder, self.suite, self.clock = folder, suite, Clock()
        self.heard: list[tuple[str, str, bytes]] = []
        self.said: list[bytes] = []
        self.refused: list[str] = []
        self.keys = HubKeys(bytes(range(5, 37)), bytes(range(6, 38)), suite)
        public = suite.signing_public(self.keys.signing)
        self.trust = Trust(
            version=1, hub_keys=(HubKey(suite.key_id(public), public, 0, 2**62),),
            sealing=((suite.sealing_public(self.keys.sealing), 0),),
        )  # fmt: skip
        self.start_hub("hub.db")
        self.enrol()
        keys = folder / "keys"
        keys.mkdir()
        write_whole(keys / "signing.key", FIRST)
        write_whole(keys / "identity.way", self.record(FIRST))
        self.line = Line(self)
        self.starts = 0
        self.start_box()

    # The hub

    def start_hub(self, name: str) -> None:
        self.hub = HubStore(
            self.folder / name, bytes(32), node=HUB, role="hub", clock=self.clock, entropy=SeededEntropy(name),
            suite=self.suite,
        )  # fmt: skip
        self.hub.start_incarnation("test")
        self.voice = Voice(self.hub, self.keys, lambda: None)
        self.bundle = TrustBundle(1, self.voice.say(message.TRUST, self.trust.body(), None))
        self.desk = KeyDesk(self.hub, self.voice, lambda node, raw: self.heard.append(("received", "https", raw)))
        self.door = Door(self.hub, self.voice, learn=self.learn)
        self.feeds = Feeds(self.hub)

    def enrol(self) -> None:
        public = self.suite.signing_public(FIRST)
        with self.hub.write() as unit:
            add_node(
                unit, node=NODE, role="courier", name="x", signing_public=public,
                sealing_public=self.suite.sealing_public(SEALING), key_id=self.suite.key_id(public), scopes=[],
                tls_serial=None, now_ms=0,
            )  # fmt: skip

    def record(self, private: bytes) -> bytes:
        suite, public = self.suite, self.suite.signing_public
        own = Identity(
            NODE, "courier", suite.number, public(private), suite.sealing_public(SEALING), bytes(32), self.clock.ms
        )
        return make_identity(own, hub=HUB, epoch=1, signing_key=self.keys.signing, suite=suite)

    def learn(self, raw: bytes) -> bool:
        identity = read_identity(raw, self.trust, self.suite)
        with self.hub.write(step="node.learn") as unit:
            return takes_key(unit, self.row, identity, self.suite.key_id(identity.signing))

    def receive(self, raw: bytes) -> list[bytes]:
        try:
            outcome = self.door.receive_many([Offer(raw, "https", NODE)])
        except Unavailable:
            return []
        self.refused += [code for code in outcome.refused if code]
        return [answer for answers in outcome.answers.values() for answer in answers]

    def digest(self) -> None:
        while digest.digest_some(self.hub, self.feeds, self.desk.follow).behind:
            pass

    @property
    def row(self) -> NodeRow:
        found = self.hub.node_row(NODE)
        assert found is not None
        return found

    # The box

    def start_box(self) -> None:
        self.starts += 1
        self.store = ApplianceStore(
            self.folder / "box.db", bytes(32), node=NODE, role="courier", clock=self.clock,
            entropy=SeededEntropy(f"box {self.starts}"), suite=self.suite,
        )  # fmt: skip
        self.store.start_incarnation("test")
        self.files = KeyFiles(self.folder / "keys", self.suite, SeededEntropy(f"keys {self.starts}"))
        own = BoxKeys(NODE, self.files.signing, self.suite, self.files.former)
        self.book = TrustBook(own, self.bundle.raw, lambda raw: None)
        self.rekeying = Rekeying(self.store, self.book, self.files)
        letters = Letters(self.store, self.book, "test")
        self.session = Session(Config(self.store.incarnation, ("https",), lambda: 0.1))
        gauge = Gauge(self.clock.mono_s(), None)
        self.performer = Performer(
            self.store, self.book, letters, {"https": self.line}, gauge, None, b"", lambda raw: None,
            rekeying=self.rekeying,
        )  # fmt: skip
        self.pump = Pump(self.store, self.book, letters, self.session, self.performer, gauge, reset_feeds=lambda: None)
        self.pump.begin()

    def stop_box(self) -> None:
        self.heard.clear()
        self.store.close()

    def scan(self) -> None:
        with self.store.write(actor="u-luo") as unit:
            unit.append(fleet.noted(NODE, "list.exported"))

    def go_on(self, for_s: float = 60.0) -> None:
        """Both work until nothing more is heard, and for so long."""
        until_ms = self.clock.ms + round(1000 * for_s)
        while self.clock.ms < until_ms:
            while self.heard:
                self.pump.take(*self.heard.pop(0))
            self.pump.take("commit")
            self.digest()
            if not self.heard:
                self.clock.ms += 500
                self.pump.take("tick")

    @property
    def in_force(self) -> bytes:
        return self.files.signing

    def is_whole(self) -> bool:
        """The box talks, everything is signed for, its key counts for good."""
        written, signed = self.ledger()
        key = self.row.key(self.suite.key_id(self.suite.signing_public(self.in_force)))
        return (
            self.session.state == states.TALKING and written == signed and key is not None
            and key.until_ms is None and self.files.next is None
        )  # fmt: skip

    def ledger(self) -> tuple[int, int]:
        with self.store.read() as conn:
            return outbox.ledger(conn)


@pytest.fixture(params=[1, 2], ids=["suite-1", "suite-2"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, suite_of(request.param))
    yield made
    made.store.close()
    made.hub.close()


def test_a_box_goes_over_to_another_key_and_the_old_one_counts_for_a_week(site: Site) -> None:
    site.go_on()
    assert site.is_whole() and site.in_force == FIRST
    site.rekeying.begin()
    site.go_on()
    assert site.is_whole() and site.in_force != FIRST
    first, second = site.row.keys
    assert first.public == site.suite.signing_public(FIRST) and first.until_ms is not None
    assert abs(first.until_ms - second.since_ms - 7 * DAY_MS) < 1000
    site.scan()
    site.go_on()
    assert site.is_whole() and site.said[-1][144:152] == second.key_id, "what is sent from now on is signed by the new"
    with site.hub.read() as conn:
        state = load_state(conn, fleet.NODE, NODE)
    assert state.later_keys == (second.public,)


def test_a_box_that_never_heard_the_answer_is_told_whenever_it_comes_back(site: Site) -> None:
    site.go_on()
    site.line.deaf = True
    site.rekeying.begin()
    site.go_on(5)
    site.stop_box()
    assert len(site.row.keys) == 2
    site.clock.ms += 60 * DAY_MS
    site.line.deaf = False
    site.start_box()
    site.scan()
    site.go_on()
    assert site.is_whole() and site.in_force != FIRST


def old_disk(site: Site) -> None:
    """The key folder is the one of before the change."""
    site.stop_box()
    for name in ("signing.next", "signing.former"):
        (site.folder / "keys" / name).unlink(missing_ok=True)
    write_whole(site.folder / "keys" / "signing.key", FIRST)
    write_whole(site.folder / "keys" / "identity.way", site.record(FIRST))


@pytest.mark.parametrize("days", [1, 20, 399])
def test_a_key_folder_put_back_asks_for_a_key_with_the_one_that_is_over(site: Site, days: int) -> None:
    site.go_on()
    site.rekeying.begin()
    site.go_on()
    taken = site.in_force
    old_disk(site)
    site.clock.ms += days * DAY_MS
    site.start_box()
    site.scan()
    site.go_on()
    if days < 7:
        assert site.in_force == FIRST and site.ledger()[0] == site.ledger()[1]
        site.clock.ms += 8 * DAY_MS
        site.scan()
        site.go_on(600)
    assert site.is_whole() and site.in_force not in (FIRST, taken)
    assert "batch.key" not in site.refused or days < 7


def test_a_key_that_is_over_for_too_long_is_refused_and_work_goes_on(site: Site) -> None:
    site.go_on()
    site.rekeying.begin()
    site.go_on()
    old_disk(site)
    site.clock.ms += 500 * DAY_MS
    site.start_box()
    site.go_on()
    site.scan()
    written, signed = site.ledger()
    assert written > signed and site.in_force == FIRST and "renew.too-late" in site.refused
    assert len(site.row.keys) == 2


def test_a_hub_that_forgot_the_change_learns_the_key_from_its_own_record(site: Site, tmp_path: Path) -> None:
    site.go_on()
    site.rekeying.begin()
    site.go_on()
    site.hub.close()
    site.start_hub("restored.db")
    site.enrol()
    assert site.row.keys == ()
    site.pump.take("lost", "https")
    site.scan()
    site.go_on(120)
    assert site.in_force != FIRST and site.row.public(_id(site, site.in_force), site.clock.ms) is not None
    assert site.session.state == states.TALKING


def test_a_machine_that_is_shut_out_gets_no_other_key(site: Site) -> None:
    site.go_on()
    site.line.deaf = True
    site.rekeying.begin()
    site.pump.take("commit")
    with site.hub.write() as unit:
        set_node_state(unit, NODE, "revoked")
    site.line.deaf = False
    site.pump.take("hello")
    site.go_on()
    assert site.in_force == FIRST and site.row.keys == () and site.session.state == states.SHUT_OUT


def _id(site: Site, private: bytes) -> bytes:
    return site.suite.key_id(site.suite.signing_public(private))


def _renewal(site: Site, old: bytes, new: bytes, signed_by: bytes | None = None) -> bytes:
    return message.make_message(
        message.RENEW, make_change(site.suite, NODE, old, new, bytes(32)).body(), signer=NODE, audience=HUB, epoch=1,
        signing_key=signed_by or old, suite=site.suite,
    )  # fmt: skip


def test_only_a_key_of_the_machine_may_ask_and_asking_twice_is_asking_once(site: Site) -> None:
    site.go_on()
    stranger, coming = bytes(range(9, 41)), bytes(range(10, 42))
    ask = partial(_renewal, site)
    for raw, code in (
        (ask(stranger, coming), "message.key"),
        (ask(stranger, coming, FIRST), "renew.key"),
        (message.make_message(message.RENEW, {}, signer=NODE, audience=HUB, epoch=1, signing_key=FIRST,
                              suite=site.suite), "key.body"),
    ):  # fmt: skip
        with pytest.raises(PeerFault, match=code):
            site.door._greeting.message(raw, NODE, "https")
    assert site.row.keys == ()
    once, twice = (site.door.receive(ask(FIRST, coming), "https", NODE) for _ in range(2))
    assert len(once) == len(twice) == 1 and len(site.row.keys) == 2
    for n in range(11, 40):
        site.receive(ask(FIRST, bytes(range(n, n + 32))))
    assert len(site.row.keys) == 16 and "renew.too-many" in site.refused


def test_a_box_that_only_sticks_reach_goes_over_too(site: Site) -> None:
    """A walk up says so, the walk back brings the record; a key folder put back needs one walk more."""
    site.go_on()
    site.line.cut, site.line.up = True, False
    site.stop_box()
    site.files.draw()
    site.start_box()
    site.session.on(events.Tick(), site.clock.mono_s())
    site.pump.take("commit")
    site.rekeying.settle()
    walk(site)
    assert site.in_force != FIRST and len(site.row.keys) == 2
    walk(site)
    site.digest()
    assert site.ledger()[0] == site.ledger()[1]
    old_disk(site)
    site.clock.ms += 20 * DAY_MS
    site.start_box()
    for _ in range(3):
        walk(site)
    assert site.in_force != FIRST and site.row.public(_id(site, site.in_force), site.clock.ms) is not None
    assert site.ledger()[0] == site.ledger()[1]


def walk(site: Site) -> None:
    """A stick to the hub and back, while the box is stopped."""
    letters = Letters(site.store, site.book, "test")
    post = StickPost(site.store, letters, site.book, SEALING, rekeying=site.rekeying)
    answers: list[bytes] = []
    site.clock.ms += 1000
    for raw in post.pack().messages:
        outcome = site.door.receive_many([Offer(raw, "stick", None)])
        answers += outcome.answers.get(NODE, [])
    site.digest()
    post.take(answers)


def test_a_box_changes_its_key_when_the_hub_asks_and_once(site: Site) -> None:
    """The welcome says so until the hub has a newer key; a disk that takes nothing costs the line nothing."""
    site.go_on()
    with site.hub.write() as unit:
        hub_keys.ask(unit.conn, NODE, site.row.key_ids[-1])
    full = KeyFiles(site.folder / "keys", site.suite, SeededEntropy("k"), no_room)
    site.rekeying._files = full
    site.pump.take("hello")
    site.go_on()
    assert site.in_force == FIRST and site.files.next is None and site.session.state == states.TALKING
    assert site.performer.counts["key.write"] == 1
    site.rekeying._files = site.files
    site.pump.take("hello")
    site.go_on()
    second = site.in_force
    assert second != FIRST and site.is_whole() and len(site.row.keys) == 2
    for _ in range(3):
        site.pump.take("hello")
        site.go_on()
    assert site.in_force == second and len(site.row.keys) == 2, "asked once, done once"


def no_room(place: str) -> None:
    if place == "key.next:before":
        raise OSError
