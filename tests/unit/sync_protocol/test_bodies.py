"""Every message body: there and back, and with any one field spoilt."""

from typing import Any

import pytest

from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol.ack import Ack, Credit, StreamAck, acked_digest
from sync.protocol.hello import NOTHING, Hello, HelloStream, Welcome, cursors_digest
from sync.protocol.notices import FREEZE, THAW, Head, Notice, Order, ScopeHead
from sync.protocol.trust import HubKey, Identity, Revoked, Trust

H32 = bytes(range(32))
ACK = Ack(
    streams=(
        StreamAck(7, 1, 90, H32, 0, ((95, 99),), ((91, "batch.chain"),), ((3, "fact.schema", 1),), 0),
        StreamAck(7, 2, 0, bytes(32), 1),
    ),
    hub_time=5 << 16,
    credit=Credit(65536, 4, 1000, 30),
    blobs=((H32, True),),
)
HELLO = Hello(
    software="0.1.0",
    incarnation=7,
    number=2,
    streams=(HelloStream(7, 0, 3, 1, 1), HelloStream(7, 1, 400, 90, 1)),
    acked_digest=acked_digest(suite1.hasher, [H32, H32]),
    cursors_digest=cursors_digest(suite1.hasher, [("site", 1, 9, H32)]),
    trust_version=1,
    scope_version=4,
    clock=2,
    free_mib=900,
    backlog_bytes=12345,
)
WELCOME = Welcome((7, 2), ACK, 1, (1, 2), (4, ("site", "ward:W12")), 1, 2, 1, "0.1.0", 3)
TRUST = Trust(
    3, (HubKey(bytes(8), H32, 0, 9),), (b"der",), (Revoked("courier-a", bytes(8), ((7, 1, 9),)),), (H32,),
    ((bytes(8), bytes(64)),), ((H32, 0),),
)  # fmt: skip
IDENTITY = Identity("courier-a3k7q2xw", "courier", 1, H32, H32, H32, 5)
HEAD = Head((ScopeHead("ward:W12", 9, H32, bytes(16)),), 5)
BODIES: list[tuple[Any, str]] = [
    (ACK, "ack"),
    (Ack((), 1), "ack"),
    (HELLO, "hello"),
    (WELCOME, "welcome"),
    (Welcome((7, 1), Ack((), 0)), "welcome"),
    (TRUST, "trust"),
    (IDENTITY, "identity"),
    (HEAD, "head"),
    (Notice("batch.signature", 5, H32), "notice"),
    (Notice("node.unknown", 5), "notice"),
    (Order(1, THAW, (7, 1), 90, 2), "order"),
    (Order(2, FREEZE), "order"),
    (Order(3, THAW, (7, 1), 2, 1, 4, bytes(range(32))), "order"),
]


@pytest.mark.parametrize(("body", "word"), BODIES, ids=[f"{word}-{n}" for n, (_, word) in enumerate(BODIES)])
def test_there_and_back(body: Any, word: str) -> None:
    wire = canonical.decode(canonical.encode(dict(body.body())))
    assert type(body).read(wire) == body
    assert type(body).read(wire | {200: "of a newer version"}) == body


@pytest.mark.parametrize(("body", "word"), BODIES, ids=[f"{word}-{n}" for n, (_, word) in enumerate(BODIES)])
@pytest.mark.parametrize("spoilt", [True, -1, 1.5, "x" * 300, b"x", [1], [[1]], {1: 1}, None])
def test_any_one_field_of_another_shape_is_a_fault(body: Any, word: str, spoilt: object) -> None:
    wire = canonical.decode(canonical.encode(dict(body.body())))
    for number in wire:
        try:
            again = type(body).read(wire | {number: spoilt})
        except PeerFault as fault:
            assert fault.code in (f"{word}.body", "ack.body")
        else:  # a list of other plain values, or a shorter byte string, may be well-formed too
            assert isinstance(spoilt, list | bytes), (number, again)


@pytest.mark.parametrize("body", [row[0] for row in BODIES[:1] + BODIES[2:4] + BODIES[5:8]])
def test_a_body_without_its_fields_is_a_fault(body: Any) -> None:
    for nothing in ({}, [], None, 7):
        with pytest.raises(PeerFault):
            type(body).read(nothing)


def test_digests_tell_what_is_held() -> None:
    assert cursors_digest(suite1.hasher, []) == acked_digest(suite1.hasher, []) == NOTHING
    assert cursors_digest(suite1.hasher, [("a" * 3, 1, 1, H32), ("site", 1, 1, H32)]) == cursors_digest(
        suite1.hasher, [("site", 1, 1, H32), ("a" * 3, 1, 1, H32)]
    )
    assert cursors_digest(suite1.hasher, [("site", 2, 1, H32)]) != cursors_digest(suite1.hasher, [("site", 1, 1, H32)])


def test_the_trust_bundle_answers_for_keys() -> None:
    assert TRUST.hub_key(bytes(8)) == H32
    assert TRUST.hub_key(b"12345678") is None
    assert TRUST.is_revoked("courier-a", bytes(8))
    assert not TRUST.is_revoked("courier-b", bytes(8))
