from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import canonical
from sync.kernel.codec import decode_fact, encode_fact
from sync.kernel.fact import Fact
from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault

SMALL = Fact(kind=50, version=1, etype=10, key="ZY001-1", body={1: "W12"}, hlc=1_790_000_000_000 << 16)
FULL = replace(
    SMALL,
    clock=2,
    actor="u-1",
    device="gun",
    scopes=("room:records", "site"),
    base=(3, b"12345678"),
    lease=(bytes(16), 7),
    reissue_of=(1, 1, 9, bytes(32), 5),
)
counts = st.integers(0, INT_MAX)
short = st.text("abc驿-", max_size=32)
facts = st.builds(
    Fact,
    kind=st.integers(0, 65535),
    version=st.integers(1, 255),
    etype=st.integers(0, 65535),
    key=st.text("Aé驿-9", max_size=16) | st.binary(max_size=32),
    body=st.dictionaries(st.integers(0, 99), st.none() | counts | short | st.lists(counts, max_size=3), max_size=5),
    hlc=counts,
    clock=st.integers(0, 2),
    actor=st.none() | short,
    device=st.none() | short,
    scopes=st.sets(st.sampled_from(["site", "ward:W12", "room:records"])).map(lambda s: tuple(sorted(s))),
    base=st.none() | st.tuples(counts, st.binary(min_size=8, max_size=8)),
    lease=st.none() | st.tuples(st.binary(min_size=16, max_size=16), counts),
    reissue_of=st.none()
    | st.tuples(
        st.integers(1, INT_MAX), st.integers(0, 2), st.integers(1, 9), st.binary(min_size=32, max_size=32), counts
    ),
)


@given(facts)
def test_round_trip(fact: Fact) -> None:
    data = encode_fact(fact)
    assert decode_fact(data) == fact
    assert encode_fact(decode_fact(data)) == data


def test_golden_bytes() -> None:
    assert encode_fact(
        SMALL
    ).hex() == "a7011832020103 0a04675a593030312d3105a1016357313209 1b01a0c4506c0000000a01".replace(" ", "")


BAD: list[tuple[str, dict[int, Any], str]] = [
    ("fact.missing", {9: ...}, "no hlc"),
    ("fact.missing", {5: ...}, "no body"),
    ("fact.kind", {1: 65536}, "kind beyond 16 bits"),
    ("fact.kind", {1: True}, "a truth is no number"),
    ("fact.version", {2: 0}, "versions begin at 1"),
    ("fact.version", {2: 256}, "version beyond 8 bits"),
    ("fact.etype", {3: -1}, "negative type"),
    ("fact.key", {4: "x" * 65}, "65 bytes"),
    ("fact.key", {4: "驿" * 22}, "66 bytes in 22 characters"),
    ("fact.key", {4: bytes(33)}, "33 bytes"),
    ("fact.key", {4: 7}, "a number as key"),
    ("fact.body", {5: [1]}, "a list as body"),
    ("fact.actor", {6: "x" * 33}, "33 characters"),
    ("fact.actor", {6: None}, "absent is left out, not null"),
    ("fact.device", {7: b"gun"}, "bytes"),
    ("fact.scopes", {8: ["site", "room:records"]}, "not sorted"),
    ("fact.scopes", {8: ["site", "site"]}, "twice"),
    ("fact.scopes", {8: ["../etc"]}, "no label"),
    ("fact.scopes", {8: [f"ward:{n}" for n in range(9)]}, "nine"),
    ("fact.hlc", {9: -1}, "negative"),
    ("fact.clock", {10: 3}, "no such quality"),
    ("fact.base", {11: [1, b"short"]}, "digest of 5 bytes"),
    ("fact.base", {11: [-1, bytes(8)]}, "negative rev"),
    ("fact.lease", {12: [bytes(15), 1]}, "id of 15 bytes"),
    ("fact.reissue", {13: [0, 1, 1, bytes(32), 5]}, "incarnation 0"),
    ("fact.reissue", {13: [1, 3, 1, bytes(32), 5]}, "lane 3"),
    ("fact.shape", {0: 1}, "field 0"),
]


@pytest.mark.parametrize(("code", "change", "why"), BAD, ids=[row[2] for row in BAD])
def test_a_fact_with_one_wrong_field(code: str, change: dict[int, Any], why: str) -> None:
    fields = canonical.decode(encode_fact(FULL)) | change
    with pytest.raises(PeerFault) as caught:
        decode_fact(canonical.encode({number: value for number, value in fields.items() if value is not ...}))
    assert caught.value.code == code


def test_a_newer_writers_field_is_left_in_the_bytes() -> None:
    newer = canonical.encode(canonical.decode(encode_fact(FULL)) | {14: "later"})
    assert decode_fact(newer) == FULL


@pytest.mark.parametrize("fact", [replace(SMALL, key="x" * 65), replace(SMALL, body={1: 1.5}), replace(SMALL, hlc=-1)])
def test_our_own_wrong_fact_is_never_made(fact: Fact) -> None:
    with pytest.raises(ValueError):
        encode_fact(fact)


def test_a_fact_beyond_64_kib_is_never_made() -> None:
    with pytest.raises(ValueError, match="64 KiB"):
        encode_fact(replace(SMALL, body={1: bytes(65536)}))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_fact_or_a_fault(data: bytes) -> None:
    with pytest.raises(PeerFault):
        decode_fact(data)
