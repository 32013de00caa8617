"""Round trips, and that no change of a batch is ever taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.kernel import chain
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.batch import Withheld, digest_of, make_batch, open_batch, parse_header
from tests.soak import many

SIGNING, SEALING = bytes(range(32)), bytes(range(2, 34))
PUBLIC, SEAL_TO = suite1.signing_public(SIGNING), suite1.sealing_public(SEALING)
NODE = "courier-a3k7q2xw"
items = st.lists(st.binary(max_size=600) | st.binary(min_size=32, max_size=32).map(Withheld), min_size=1, max_size=20)


def make(facts, first=1, prev=chain.H0, seal=True) -> bytes:
    return make_batch(
        node=NODE, incarnation=7, lane=1, first=first, prev_hash=prev, items=facts, signing_key=SIGNING,
        hub_seal_key=SEAL_TO if seal else None, suite=suite1,
)  # fmt: skip


def read(raw: bytes):
    return open_batch(raw, parse_header(raw), public_key=PUBLIC, open_key=SEALING, suite=suite1)


SMALL = make([b"one", b"two" * 200])


@given(items, st.booleans(), st.integers(1, 2**60))
def test_round_trip(facts, seal, first) -> None:
    opened = read(make(facts, first, bytes(32), seal))
    assert opened.items == facts
    assert opened.digests == [digest_of(suite1.hasher, item) for item in facts]


@given(items, st.data())
def test_any_cut_gives_the_same_chain(facts, data) -> None:
    whole = read(make(facts)).hashes
    got, prev = [], chain.H0
    while len(got) < len(facts):
        size = data.draw(st.integers(1, len(facts) - len(got)))
        opened = read(make(facts[len(got) : len(got) + size], len(got) + 1, prev))
        got, prev = got + opened.hashes, opened.hashes[-1]
    assert got == whole


@given(st.data())
@settings(max_examples=many(300, 12_000))
def test_any_mutation_is_refused(data) -> None:
    raw = bytearray(SMALL)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4, unique=True)):
        raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PeerFault):
        read(bytes(raw))


@given(st.integers(0, len(SMALL)), st.integers(0, len(SMALL)), st.binary(max_size=20))
def test_any_splice_is_refused_or_changes_nothing(start, length, put) -> None:
    raw = SMALL[:start] + put + SMALL[start + length :]
    if raw != SMALL:
        with pytest.raises(PeerFault):
            read(raw)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_fault(raw) -> None:
    with pytest.raises(PeerFault):
        read(raw)
    with pytest.raises(PeerFault):
        message.open_message(raw, keys=lambda *_: PUBLIC, suite=suite1)
