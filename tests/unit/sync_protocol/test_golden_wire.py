"""One of each message as bytes, kept per release: what was once sent is read for ever, and written again the same.

Keys and names are invented. A seal draws an ephemeral key, so the golden batch is the unsealed form. `v1-` is what the
first release said, `v2-` what the second says; files of a release are never written again.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from sync.kernel.canonical import decode, encode
from sync.kernel.codec import decode_fact, encode_fact
from sync.kernel.fact import Fact
from sync.kernel.suite import suite1
from sync.protocol import feed, frames, message, segment, stick
from sync.protocol.ack import Ack, Credit, StreamAck
from sync.protocol.batch import Withheld, make_batch, open_batch, parse_header
from sync.protocol.handover import ordered
from sync.protocol.hello import Hello, HelloStream, Welcome
from sync.protocol.key_change import make_change
from sync.protocol.lease import READ, STANDS, WANT, Ask, Lease, LeaseWord
from sync.protocol.notices import FREEZE, Head, Notice, Order, ScopeHead
from sync.protocol.sets import SetsAnswer, SetsAsk
from sync.protocol.snapshot import Manifest
from sync.protocol.trust import Certified, HubKey, Identity, Revoked, Trust

GOLDEN = Path(__file__).parents[2] / "golden" / "wire"
KEY = bytes(range(32))
PUBLIC = suite1.signing_public(KEY)
H32, NODE, HUB = bytes(range(32)), "courier-a3k7q2xw", "hub-b4l8r3yz"
INCARNATION = 0x1122334455667788
FACT = Fact(
    kind=50, version=1, etype=10, key="ZY0001-1", body={1: "courier-a3k7q2xw.0000002a", 2: "W12", 3: 0},
    hlc=1_790_000_000_000 << 16, clock=2, actor="u-1", device="gun", scopes=("site:stays",), base=(3, bytes(8)),
)  # fmt: skip
ACK = Ack((StreamAck(INCARNATION, 1, 90, H32, 0, ((95, 99),), ((91, "batch.chain"),), ((3, "fact.schema", 1),)),), 5)
POINT = feed.Checkpoint(bytes.fromhex("a10102"), 3, bytes(49), ((NODE, INCARNATION, 1, 9),), bytes(16), bytes(16), 1)
STATE = feed.StateEntry(10, "ZY0001-1", POINT)
ENTRIES: dict[str, feed.Entry] = {
    "entry-fact": feed.FactEntry(NODE, INCARNATION, 1, 9, FACT.hlc, 3, 0, 2, b"fact"),
    "entry-state": STATE,
    "entry-evict": feed.EvictEntry(10, "ZY0001-1"),
    "entry-gone": feed.GoneEntry(10, "ZY0001-1", 5),
}
LEASE = Lease(
    bytes(range(16)), READ, "record:W12", NODE, FACT.hlc, quota=20, actor="u-1", role="ward", purpose="round",
    lasts_s=86400, offline_s=3600, grace_s=60, label="grant:000102030405060708090a0b0c0d0e0f", wrapped=(H32,),
)  # fmt: skip
FIRST = {
    "sets-ask": (message.SETS, SetsAsk("ward:W12", (bytes(16),) * 256, ((10, "ZY0001-1"),), True)),
    "sets-answer": (
        message.SETS,
        SetsAnswer("site", 9, H32, bytes(16), 5, frozenset({7}), ((10, "k", bytes(16)),), (feed.encode_entry(STATE),)),
    ),
    "ack": (message.ACK, ACK),
    "hello": (message.HELLO, Hello("0.1.0", INCARNATION, 1, (HelloStream(INCARNATION, 1, 400, 90, 1),), clock=2)),
    "welcome": (message.WELCOME, Welcome((INCARNATION, 1), ACK, 0, (2,), (4, ("site", "ward:W12")), 1, 0, 1, "0.1.0")),
    "head": (message.HEAD, Head((ScopeHead("ward:W12", 9, H32, bytes(16)),), 5)),
    "trust": (
        message.TRUST,
        Trust(1, (HubKey(bytes(8), H32, 0, 9),), (b"der",), (Revoked(NODE, bytes(8), ((7, 1, 9),)),)),
    ),
    "identity": (message.IDENTITY, Identity(NODE, "courier", 1, H32, H32, H32, 5)),
    "notice": (message.NOTICE, Notice("batch.signature", 5, H32)),
    "order": (message.ORDER, Order(1, FREEZE, (INCARNATION, 1), 90)),
}
SECOND = {
    **FIRST,
    "manifest": (message.MANIFEST, Manifest("ward:W12", 1, 9, H32, bytes(16), 3, (H32, H32), 5)),
    "hello": (
        message.HELLO,
        Hello(
            "0.2.0", INCARNATION, 1, (HelloStream(INCARNATION, 1, 400, 90, 60),), clock=2, schema_digest=H32[:8],
            leases_digest=H32[8:16],
        ),
    ),
    "ack": (
        message.ACK,
        Ack((StreamAck(INCARNATION, 1, 90, H32, safe=80),), 5, Credit(1 << 20, 4, 250, 60), ((H32, True),)),
    ),
    "lease": (message.LEASE, LeaseWord(STANDS, LEASE.id, LEASE, (INCARNATION, 1), 3, 120)),
    "ask": (message.ASK, Ask(1, WANT, INCARNATION, READ, "record:W12", 20, 86400, "u-1", "ward", "round")),
    "renew": (message.RENEW, make_change(suite1, NODE, KEY, H32[::-1], H32)),
    "certify": (message.CERTIFY, Certified(b"der")),
    "trust-handover": (
        message.TRUST,
        ordered(
            Trust(1, (HubKey(suite1.key_id(PUBLIC), PUBLIC, 0, 9),)), make_change(suite1, HUB, KEY, H32[::-1], H32),
            suite1, at_ms=5, now_ms=1,
        ),
    ),
}  # fmt: skip
BODIES = {1: FIRST, 2: SECOND}


def batch() -> bytes:
    items = [encode_fact(FACT), Withheld(H32)]
    return make_batch(
        node=NODE, incarnation=INCARNATION, lane=1, first=1, prev_hash=bytes(32), items=items, signing_key=KEY,
        hub_seal_key=None, suite=suite1,
)  # fmt: skip


def said(version: int, word: str) -> bytes:
    kind, body = BODIES[version][word]
    return message.make_message(kind, body.body(), signer=HUB, audience=NODE, epoch=1, signing_key=KEY, suite=suite1)


ALWAYS: dict[str, Callable[[], bytes]] = {
    "fact": lambda: encode_fact(FACT),
    "batch": batch,
    "segment": lambda: segment.make_segment(
        hub=HUB,
        label="ward:W12",
        epoch=1,
        first=9,
        prev_e=H32,
        signing_key=KEY,
        entries=[feed.encode_entry(entry) for entry in ENTRIES.values()],
        suite=suite1,
    ),
    "frames": lambda: frames.pack([b"one", b"two"]),
    "stick": lambda: stick.pack([b"one", b"two"]),
}
ALWAYS |= {word: (lambda word=word: feed.encode_entry(ENTRIES[word])) for word in ENTRIES}
MESSAGES = [(version, word) for version, bodies in BODIES.items() for word in sorted(bodies)]
EVERYTHING = [*MESSAGES, *((version, word) for version in BODIES for word in sorted(ALWAYS))]


def golden(version: int, word: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"v{version}-{word}.hex").read_text())


@pytest.mark.row("H35.19")
@pytest.mark.parametrize(("version", "word"), EVERYTHING)
def test_made_today_as_it_was_then(version: int, word: str) -> None:
    made = ALWAYS[word]() if word in ALWAYS else said(version, word)
    assert made.hex() == golden(version, word).hex()


@pytest.mark.parametrize(("version", "word"), MESSAGES)
def test_read_today_what_was_said_then(version: int, word: str) -> None:
    raw = golden(version, word)
    kind, body = BODIES[version][word]
    opened = message.open_message(
        raw, keys=lambda signer, key_id: PUBLIC if signer == HUB else None, audience=NODE, suite=suite1
    )
    assert opened.type == kind
    assert type(body).read(opened.body) == body


@pytest.mark.parametrize(("version", "word"), MESSAGES)
def test_a_field_of_a_later_release_is_left_alone(version: int, word: str) -> None:
    _, body = BODIES[version][word]
    assert type(body).read(decode(encode({**body.body(), 200: [1, "later"]}))) == type(body).read(
        decode(encode(dict(body.body())))
    )


@pytest.mark.parametrize("version", BODIES)
def test_read_today_the_batch_of_then(version: int) -> None:
    raw = golden(version, "batch")
    opened = open_batch(raw, parse_header(raw), public_key=PUBLIC, open_key=None, suite=suite1)
    assert decode_fact(opened.items[0]) == FACT
    assert opened.items[1] == Withheld(H32)


@pytest.mark.parametrize("version", BODIES)
@pytest.mark.parametrize("word", sorted(ENTRIES))
def test_read_today_the_entries_of_then(version: int, word: str) -> None:
    assert feed.decode_entry(golden(version, word)) == ENTRIES[word]


@pytest.mark.parametrize("version", BODIES)
def test_read_today_the_segment_of_then(version: int) -> None:
    opened = segment.open_segment(golden(version, "segment"), PUBLIC, suite=suite1)
    assert [feed.decode_entry(data) for data in opened.entries] == list(ENTRIES.values())
    assert (opened.label, opened.epoch, opened.first) == ("ward:W12", 1, 9)


def test_every_golden_file_is_read() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {f"v{version}-{word}" for version, word in EVERYTHING}
