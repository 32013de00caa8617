from hashlib import sha256

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import feed, long_header
from sync.protocol.segment import is_segment, make_segment, open_segment, parse_segment_header, segment_name

KEY, NODE, HUB = bytes(range(32)), "courier-a3k7q2xw", "hub-b4l8r3yz"
PUBLIC = suite1.signing_public(KEY)
POINT = feed.Checkpoint(b"\xa0", 3, bytes(49), ((NODE, 7, 1, 9),), bytes(16), b"x" * 16, 1)
ENTRIES: list[feed.Entry] = [
    feed.FactEntry(NODE, 7, 1, 9, 5 << 16, 3, 0, 2, b"fact"),
    feed.StateEntry(10, "ZY0001-1", POINT),
    feed.StateEntry(10, b"bytes", POINT),
    feed.EvictEntry(11, "ZY0001-1"),
    feed.GoneEntry(11, "驿", 5),
]
keys = st.text("Z驿1-", max_size=21) | st.binary(max_size=32)
members = st.dictionaries(st.tuples(st.integers(0, 99), keys), st.binary(min_size=16, max_size=16), max_size=30)


@pytest.mark.parametrize("entry", ENTRIES)
def test_entries_there_and_back(entry: feed.Entry) -> None:
    assert feed.decode_entry(feed.encode_entry(entry)) == entry


def test_a_fact_entry_is_written_in_the_subset() -> None:
    row = cbor2.loads(feed.encode_entry(ENTRIES[0]))
    assert canonical.encode(row) == feed.encode_entry(ENTRIES[0])
    assert row == [1, NODE, 7, 1, 9, 5 << 16, 3, 0, 2, b"fact"]


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("feed.entry", {}),
        ("feed.entry", []),
        ("feed.entry", ["fact"]),
        ("feed.entry", [True, 10, "k"]),
        ("feed.entry", [3, 10]),
        ("feed.entry", [3, 65536, "k"]),
        ("feed.entry", [3, 10, "k" * 65]),
        ("feed.entry", [3, 10, 7]),
        ("feed.entry", [4, 10, "k", -1]),
        ("feed.entry", [1, "Courier", 7, 1, 9, 5, 3, 0, 2, b"fact"]),
        ("feed.entry", [1, NODE, 7, 1, 0, 5, 3, 0, 2, b"fact"]),
        ("feed.entry", [1, NODE, 7, 1, 9, 5, 0, 0, 2, b"fact"]),
        ("feed.entry", [2, 10, "k", {1: b"", 2: 1}]),
        ("feed.entry", [2, 10, "k", dict(POINT.body()) | {3: bytes(48)}]),
        ("feed.unknown-entry", [5, "of a newer hub"]),
    ],
)
def test_an_entry_with_one_thing_wrong(code: str, row: object) -> None:
    with pytest.raises(PeerFault) as caught:
        feed.decode_entry(canonical.encode(row))
    assert caught.value.code == code


def test_the_chain_is_the_hash_that_the_protocol_page_spells_out() -> None:
    said = b"way/1 feed\x00ward:W12\x00" + (5).to_bytes(8, "big") + bytes(32) + sha256(b"entry").digest()
    assert feed.next_e(suite1.hasher, "ward:W12", 5, bytes(32), b"entry") == sha256(said).digest()


def test_set_hashes_use_the_keys_cbor_bytes() -> None:
    for key in ("", "k" * 23, "k" * 24, "k" * 64, "驿" * 8, b"", b"k" * 32):
        name = (10).to_bytes(2, "big") + canonical.encode(key)
        assert feed.bucket_of(suite1.hasher, 10, key) == sha256(name).digest()[0]
        assert feed.set_item(suite1.hasher, 10, key, bytes(16)) == sha256(name + bytes(16)).digest()[:16]


@given(members, st.randoms())
def test_bucket_values_are_the_xor_of_items_in_any_order(held, random) -> None:
    rows = [(etype, key, x) for (etype, key), x in held.items()]
    values = feed.bucket_values(suite1.hasher, rows)
    random.shuffle(rows)
    assert feed.bucket_values(suite1.hasher, rows) == values
    for etype, key, x in rows:
        n = feed.bucket_of(suite1.hasher, etype, key)
        values[n] = feed.xor(values[n], feed.set_item(suite1.hasher, etype, key, x))
    assert values == [bytes(16)] * 256


@given(members, members)
def test_differing_buckets_name_every_difference(ours, theirs) -> None:
    a = feed.bucket_values(suite1.hasher, ((t, k, x) for (t, k), x in ours.items()))
    b = feed.bucket_values(suite1.hasher, ((t, k, x) for (t, k), x in theirs.items()))
    unlike = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    assert feed.differing(a, b) == {feed.bucket_of(suite1.hasher, *name) for name in unlike}
    assert (feed.root_of(suite1.hasher, a) == feed.root_of(suite1.hasher, b)) == (ours == theirs)


def segment(**changed) -> bytes:
    said = {
        "hub": HUB, "label": "ward:W12", "epoch": 2, "first": 9, "prev_e": b"p" * 32,
        "entries": [feed.encode_entry(entry) for entry in ENTRIES], "signing_key": KEY,
    }  # fmt: skip
    return make_segment(**(said | changed), suite=suite1)


def test_a_segment_there_and_back() -> None:
    raw = segment()
    assert is_segment(raw)
    header = parse_segment_header(raw)
    assert (header.node, header.lane, header.key_id) == (HUB, 255, suite1.key_id(PUBLIC))
    opened = open_segment(raw, PUBLIC, suite=suite1)
    assert (opened.label, opened.epoch, opened.first, opened.last) == ("ward:W12", 2, 9, 13)
    assert [feed.decode_entry(data) for data in opened.entries] == ENTRIES
    e = b"p" * 32
    for sseq, data in enumerate(opened.entries, 9):
        e = feed.next_e(suite1.hasher, "ward:W12", sseq, e, data)
    assert (opened.prev_e, opened.head_e) == (b"p" * 32, e)
    assert segment_name("ward:W12", 2, 9, 13) == "ward:W12/2/9-13"


def test_a_segment_may_be_sealed_to_one_node() -> None:
    raw = segment(seal_to=suite1.sealing_public(KEY))
    assert open_segment(raw, PUBLIC, open_key=KEY, suite=suite1).label == "ward:W12"
    with pytest.raises(PeerFault, match=r"batch\.seal"):
        open_segment(raw, PUBLIC, suite=suite1)


def of(rows: object) -> bytes:
    plain = cbor2.dumps(rows)
    return long_header.wrap(
        plain, suite=suite1, type=2, node=HUB, incarnation=2, lane=255, first=9, count=1, prev=bytes(32),
        head=bytes(32), signing_key=KEY, key_id=None, seal_to=None, backlog=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "why", "raw"),
    [
        ("segment.chain", "a head that is not theirs", segment(head_e=bytes(32))),
        ("batch.signature", "another hub", segment(signing_key=bytes(32))),
        ("batch.length", "cut by one", segment()[:-1]),
        ("label", "a label with a slash", of(["../W12", b"x"])),
        ("segment.body", "an entry too many", of(["site", b"x", b"y"])),
        ("segment.body", "an entry that is text", of(["site", "x"])),
        ("segment.body", "an entry of 128 KiB and one", of(["site", bytes(2 * 65536 + 1)])),
        ("segment.body", "no array", of({1: "site"})),
        ("segment.body", "an array inside", of(["site", [b"x"]])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_segment_with_one_thing_wrong(code: str, why: str, raw: bytes) -> None:
    with pytest.raises(PeerFault) as caught:
        open_segment(raw, PUBLIC, suite=suite1)
    assert caught.value.code == code


def test_a_batch_is_no_segment() -> None:
    with pytest.raises(PeerFault, match=r"batch\.type"):
        long_header.parse(segment(), long_header.FACTS)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_entry_or_a_fault(data: bytes) -> None:
    try:
        entry = feed.decode_entry(data)
    except PeerFault:
        return
    assert feed.encode_entry(entry) == data
