"""A machine joins a site: real keys, files, certificates and TLS; the hub's tables are two dictionaries."""

from __future__ import annotations

import http.server
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from provisioning.trust import bundle as bundles
from provisioning.trust.cards import Card, CardRow, card_text, make_card, read_card
from provisioning.trust.desk import Admitted, Place, Repeated, admit
from provisioning.trust.enrol import REQUEST_BYTES_MAX
from provisioning.trust.hub_door import ask_hub
from provisioning.trust.identity import make_identity, read_identity
from provisioning.trust.joining import Joined, join
from provisioning.trust.names import WORKERS_MAX
from provisioning.trust.node_keys import load_keys
from provisioning.trust.site import Member, SiteTrust, make_site, open_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.kernel.outcome import PeerFault, Refused, Unavailable
from sync.kernel.suite import suite1

NOW_MS = SystemClock().wall_ms()
DAY_MS = 24 * 60 * 60 * 1000


class Book:
    """The hub's tables for cards and machines."""

    def __init__(self) -> None:
        self.cards: dict[bytes, CardRow] = {}
        self.nodes: set[str] = set()

    def card(self, token_hash: bytes) -> CardRow | None:
        return self.cards.get(token_hash)

    def is_taken(self, node: str) -> bool:
        return node in self.nodes

    def burn(self, token_hash: bytes, *, node: str, digest: bytes, answer: bytes, at_ms: int) -> None:
        self.nodes.add(node)
        self.cards[token_hash] = replace(self.cards[token_hash], used_by=node, used_digest=digest, answer=answer)


class Hub:
    def __init__(self, folder: Path, site: str = "demo") -> None:
        self.site = site
        self.trust = make_site(folder / "keys", site=site, now_ms=NOW_MS, entropy=SystemEntropy(), suite=suite1)
        self.book = Book()
        self.asked: list[bytes] = []
        self.outcomes: list[Admitted | Repeated | Refused] = []

    def card(self, role: str = "courier", urls: tuple[str, ...] = ("https://localhost:1",)) -> Card:
        pair = make_card(
            site=self.site,
            role=role,
            name="Box 1",
            wards=("W12",),
            urls=urls,
            pin=self.trust.authority.pin,
            now_ms=NOW_MS,
            entropy=SystemEntropy(),
        )
        assert not isinstance(pair, Refused)
        self.book.cards[pair[1].token_hash] = pair[1]
        scanned = read_card(card_text(pair[0]))
        assert isinstance(scanned, Card)
        return scanned

    def ask(self, raw: bytes) -> bytes | Refused:
        self.asked.append(raw)
        outcome = admit(
            self.book,
            raw,
            trust=self.trust,
            site=self.site,
            place=Place("https://localhost:8443", ("localhost", 8883), "localhost"),
            epoch=1,
            now_ms=NOW_MS,
            entropy=SystemEntropy(),
        )
        self.outcomes.append(outcome)
        return outcome if isinstance(outcome, Refused) else outcome.answer


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "hub")


def join_with(folder: Path, card: Card, ask: Callable[[bytes], bytes | Refused]) -> Joined | Refused:
    return join(folder, card, ask, software="waystation 0.1.0", now_ms=NOW_MS, entropy=SystemEntropy())


def joined(folder: Path, hub: Hub) -> Joined:
    outcome = join_with(folder, hub.card(), hub.ask)
    assert isinstance(outcome, Joined)
    return outcome


@pytest.mark.row("H35.6")
def test_a_machine_joins_and_has_all_it_needs(hub: Hub, tmp_path: Path) -> None:
    box = joined(tmp_path / "box", hub)
    (admitted,) = hub.outcomes
    assert isinstance(admitted, Admitted)
    assert box.enrolled.node == admitted.node
    assert box.enrolled.node.startswith("courier-")
    assert box.phrase == admitted.phrase
    assert box.enrolled.scopes == ("site", "site:people", "site:stays", "ward:W12")
    assert sorted(os.listdir(tmp_path / "box")) == [
        "ca.crt",
        "identity.way",
        "sealing.key",
        "signing.key",
        "store.key",
        "tls.crt",
        "tls.key",
        "trust.way",
    ]
    assert {(tmp_path / "box" / name).stat().st_mode & 0o077 for name in os.listdir(tmp_path / "box")} == {0}
    keys = load_keys(tmp_path / "box")
    record = read_identity(keys.identity_path.read_bytes(), hub.trust.bundle.trust, suite=suite1)
    assert (record.node, record.signing, record.sealing) == (admitted.node, keys.signing_public, keys.sealing_public)
    assert bundles.load_bundle(tmp_path / "box").trust.sealing[-1][0] == hub.trust.keys.sealing_public
    leaf = x509.load_pem_x509_certificate(keys.tls_certificate_path.read_bytes())
    assert leaf.serial_number == admitted.tls_serial
    context = ssl.create_default_context(cafile=str(keys.ca_path))
    context.load_cert_chain(keys.tls_certificate_path, keys.tls_key_path)


def test_a_lost_answer_is_told_again_and_nobody_joins_twice(hub: Hub, tmp_path: Path) -> None:
    card = hub.card()

    def lose(raw: bytes) -> bytes | Refused:
        hub.ask(raw)
        raise Unavailable("hub.unreachable")

    with pytest.raises(Unavailable):
        join_with(tmp_path / "box", card, lose)
    box = join_with(tmp_path / "box", card, hub.ask)
    assert isinstance(box, Joined)
    assert hub.asked[0] == hub.asked[1]
    assert isinstance(hub.outcomes[1], Repeated)
    assert hub.book.nodes == {box.enrolled.node}
    assert box.phrase == hub.outcomes[1].phrase
    assert join_with(tmp_path / "box", hub.card(), hub.ask) == Refused("enrol.joined-already")


@pytest.mark.row("H35.6")
def test_a_card_lets_one_machine_in(hub: Hub, tmp_path: Path) -> None:
    card = hub.card()
    first = join_with(tmp_path / "one", card, hub.ask)
    assert isinstance(first, Joined)
    second = join_with(tmp_path / "two", card, hub.ask)
    assert second == Refused("card.used", {"node": first.enrolled.node})
    assert not (tmp_path / "two" / "identity.way").exists()


@pytest.mark.row("H35.6")
def test_expired_withdrawn_and_foreign_cards_are_refused_and_stay_unused(hub: Hub, tmp_path: Path) -> None:
    for change, code in (
        ({"expires_ms": NOW_MS}, "card.expired"),
        ({"withdrawn": True}, "card.withdrawn"),
        ({"site": "other"}, "card.other-site"),
        ({"role": "records"}, "card.other-role"),
    ):
        card = hub.card()
        hub.book.cards[card.token_hash] = replace(hub.book.cards[card.token_hash], **change)
        outcome = join_with(tmp_path / code, card, hub.ask)
        assert isinstance(outcome, Refused)
        assert outcome.code == code
        assert hub.book.cards[card.token_hash].used_by is None
    other = Hub(tmp_path / "other")
    assert join_with(tmp_path / "lost", other.card(), hub.ask) == Refused("card.unknown")


def test_another_hub_cannot_answer_for_the_card(hub: Hub, tmp_path: Path) -> None:
    """Same site name, same card row, but not the authority whose pin is printed on the card."""
    card = hub.card()
    liar = Hub(tmp_path / "liar")
    liar.book.cards[card.token_hash] = hub.book.cards[card.token_hash]
    with pytest.raises(PeerFault) as fault:
        join_with(tmp_path / "box", card, liar.ask)
    assert fault.value.code == "enrol.pin"
    assert not (tmp_path / "box" / "tls.crt").exists()


def test_an_answer_for_another_machine_is_not_taken(hub: Hub, tmp_path: Path) -> None:
    joined(tmp_path / "one", hub)
    (first,) = hub.outcomes
    assert isinstance(first, Admitted)
    with pytest.raises(PeerFault):
        join_with(tmp_path / "two", hub.card(), lambda _: first.answer)


def test_the_site_opens_again_as_it_was(hub: Hub, tmp_path: Path) -> None:
    again = make_site(hub.trust.keys.folder, site="demo", now_ms=NOW_MS, entropy=SystemEntropy(), suite=suite1)
    assert (again.hub, again.authority.pin, again.bundle.raw) == (
        hub.trust.hub,
        hub.trust.authority.pin,
        hub.trust.bundle.raw,
    )
    (hub.trust.keys.folder / "ca.key").chmod(0o644)
    with pytest.raises(Unavailable):
        open_site(hub.trust.keys.folder)


def revoke(hub: Hub, box: Joined) -> bundles.Bundle:
    serial = x509.load_pem_x509_certificate(box.keys.tls_certificate_path.read_bytes()).serial_number
    return hub.trust.revoke(box.enrolled.node, [box.keys.key_id], serials=[serial], now_ms=NOW_MS, epoch=1)


@pytest.mark.row("H35.6")
def test_revoking_raises_the_bundle_lists_the_certificate_and_denies_the_name(hub: Hub, tmp_path: Path) -> None:
    box, other = joined(tmp_path / "box", hub), joined(tmp_path / "other", hub)
    record = box.keys.identity_path.read_bytes()
    assert hub.trust.knows(record) is not None
    new = revoke(hub, box)
    assert new.version == box.bundle.version + 1
    assert revoke(hub, box) == new, "twice is once"
    assert hub.trust.knows(record) is None, "it cannot come back by its own record"
    assert hub.trust.knows(other.keys.identity_path.read_bytes()) is not None
    listed = x509.load_pem_x509_crl(hub.trust.crl_path.read_bytes())
    leaf = x509.load_pem_x509_certificate(box.keys.tls_certificate_path.read_bytes())
    assert [row.serial_number for row in listed] == [leaf.serial_number]
    rules = hub.trust.rules(
        [
            Member(box.enrolled.node, box.enrolled.scopes, True),
            Member(other.enrolled.node, other.enrolled.scopes, False),
        ]
    )
    assert rules.revoked == {box.enrolled.node}
    assert set(rules.scopes) == {other.enrolled.node}
    assert open_site(hub.trust.keys.folder).bundle == new


def test_a_bundle_only_moves_forward_and_only_by_the_hubs_word(hub: Hub, tmp_path: Path) -> None:
    box, lost = joined(tmp_path / "box", hub), joined(tmp_path / "lost", hub)
    new = revoke(hub, lost)
    held = bundles.adopt(box.bundle, new.raw)
    assert held == new
    assert bundles.adopt(held, new.raw) == new
    assert bundles.adopt(held, box.bundle.raw) == Refused("trust.older", {"held": 2, "offered": 1})
    bundles.save_bundle(tmp_path / "box", held)
    assert bundles.load_bundle(tmp_path / "box") == new
    stranger = make_site(tmp_path / "stranger", site="demo", now_ms=NOW_MS, entropy=SystemEntropy(), suite=suite1)
    later = replace(new.trust, version=9)
    forged = (
        bundles.make_bundle(later, hub=new.hub, epoch=1, signing_key=stranger.keys.signing, suite=suite1),
        bundles.make_bundle(later, hub=stranger.hub, epoch=1, signing_key=hub.trust.keys.signing, suite=suite1),
        box.keys.identity_path.read_bytes(),
        new.raw[:-1],
    )
    for raw in forged:
        with pytest.raises(PeerFault):
            bundles.adopt(held, raw)
    fork = bundles.make_bundle(
        replace(new.trust, revoked=()), hub=new.hub, epoch=1, signing_key=hub.trust.keys.signing, suite=suite1
    )
    with pytest.raises(PeerFault, match=r"trust\.fork"):
        bundles.adopt(held, fork)


def test_a_record_by_anyone_else_is_none(hub: Hub, tmp_path: Path) -> None:
    box = joined(tmp_path / "box", hub)
    record = read_identity(box.keys.identity_path.read_bytes(), hub.trust.bundle.trust, suite=suite1)
    for key in (box.keys.signing, bytes(32)):
        assert hub.trust.knows(make_identity(record, hub=hub.trust.hub, epoch=1, signing_key=key, suite=suite1)) is None
    assert hub.trust.knows(b"") is None
    assert hub.trust.knows(hub.trust.bundle.raw) is None


@pytest.mark.parametrize(
    ("days", "renewed", "left_days"), [(0, False, 90), (2, True, 90), (46, True, 136), (-400, True, -310)]
)
def test_lists_and_certificates_are_renewed_in_time(hub: Hub, days: int, renewed: bool, left_days: int) -> None:
    then_ms = NOW_MS + days * DAY_MS
    assert hub.trust.renew(then_ms) is renewed
    listed = x509.load_pem_x509_crl(hub.trust.crl_path.read_bytes())
    assert listed.next_update_utc is not None
    assert listed.next_update_utc.timestamp() * 1000 > then_ms + 29 * DAY_MS
    server = x509.load_pem_x509_certificate(hub.trust.server_certificate_path.read_bytes())
    assert round((server.not_valid_after_utc.timestamp() * 1000 - NOW_MS) / DAY_MS) == left_days
    assert hub.trust.renew(then_ms) is False


@pytest.fixture
def served(hub: Hub) -> Iterator[str]:
    """The hub's two enrolment addresses over TLS, as the hub's web server answers them."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/api/v1/enrol/ca"
            self.say(200, hub.trust.authority.certificate_pem)

        def do_POST(self) -> None:
            assert self.path == "/api/v1/enrol"
            outcome = hub.ask(self.rfile.read(min(int(self.headers["Content-Length"]), REQUEST_BYTES_MAX)))
            if isinstance(outcome, Refused):
                self.say(409, b'{"code": "%b"}' % outcome.code.encode())
            else:
                self.say(200, outcome)

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(hub.trust.server_certificate_path, hub.trust.server_key_path)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_joining_over_tls_believes_the_card_alone(hub: Hub, served: str, tmp_path: Path) -> None:
    card = hub.card(urls=("https://localhost:1", served))
    box = join_with(tmp_path / "box", card, lambda raw: ask_hub(card, raw))
    assert isinstance(box, Joined), "the first address is down, the second answers"
    assert join_with(tmp_path / "two", card, lambda raw: ask_hub(card, raw)) == Refused("card.used")
    asked = len(hub.asked)
    foreign = replace(hub.card(), urls=(served,), pin=bytes(32))
    with pytest.raises(PeerFault, match=r"enrol\.pin"):
        join_with(tmp_path / "three", foreign, lambda raw: ask_hub(foreign, raw))
    assert len(hub.asked) == asked, "the token was not shown to a hub of another authority"


def test_a_hub_that_is_away_is_asked_again_later(hub: Hub, tmp_path: Path) -> None:
    card = hub.card(urls=("https://localhost:1",))
    with pytest.raises(Unavailable):
        join_with(tmp_path / "box", card, lambda raw: ask_hub(card, raw))
    assert isinstance(join_with(tmp_path / "box", card, hub.ask), Joined)


def test_a_trust_of_one_site_is_the_broker_of_that_site(hub: Hub, tmp_path: Path) -> None:
    trust: SiteTrust = hub.trust
    listener = trust.listener(tmp_path / "broker", 8883)
    assert all(path.exists() for path in (listener.ca, listener.certificate, listener.key, listener.crl))
    assert trust.rules([]).workers == {f"{trust.hub}.w{n}" for n in range(1, WORKERS_MAX + 1)}
