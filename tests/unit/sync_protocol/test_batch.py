import struct

import cbor2
import pytest
import zstandard

from sync.kernel import chain
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import long_header
from sync.protocol.batch import OpenedBatch, Withheld, digest_of, is_batch, make_batch, open_batch, parse_header

SIGNING, OTHER_SIGNING, SEALING = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
PUBLIC, SEAL_TO = suite1.signing_public(SIGNING), suite1.sealing_public(SEALING)
NODE, INCARNATION = "courier-a3k7q2xw", 77
FACTS = [b"fact one", b"fact two", Withheld(bytes(range(32))), b"x" * 300]


def make(items=FACTS, **changed) -> bytes:
    said = {
        "node": NODE,
        "incarnation": INCARNATION,
        "lane": 1,
        "first": 5,
        "prev_hash": b"p" * 32,
        "items": items,
        "signing_key": SIGNING,
        "hub_seal_key": SEAL_TO,
    }
    return make_batch(**(said | changed), suite=suite1)


def read(raw: bytes, public: bytes = PUBLIC, open_key: bytes | None = SEALING) -> OpenedBatch:
    return open_batch(raw, parse_header(raw), public_key=public, open_key=open_key, suite=suite1)


def signed(raw: bytes, body: bytes | None = None, **fields: object) -> bytes:
    """The same message with other header fields or another body, honestly hashed and signed again."""
    names = "magic ver suite type flags node incarnation lane zero first count prev head body_hash key_id sent expanded"
    layout = struct.Struct(">4s4B16sQB3sQI32s32s32s8sII")
    row = dict(zip(names.split(), layout.unpack_from(raw), strict=True))
    body = raw[224:] if body is None else body
    row |= {"body_hash": suite1.hash(body), "sent": len(body)} | fields
    header = layout.pack(*row.values())
    return header + suite1.sign(SIGNING, b"way/1 facts\0" + header) + body


@pytest.mark.parametrize("seal_to", [SEAL_TO, None])
def test_what_goes_in_comes_out(seal_to: bytes | None) -> None:
    raw = make(hub_seal_key=seal_to, backlog=True)
    header = parse_header(raw)
    assert is_batch(raw)
    assert (header.node, header.stream, header.first, header.last, header.count) == (
        NODE, (NODE, INCARNATION, 1), 5, 8, 4,
    )  # fmt: skip
    assert header.key_id == suite1.key_id(PUBLIC)
    assert header.flags & long_header.BACKLOG
    assert header.sealed == (seal_to is not None)
    opened = read(raw, open_key=SEALING if seal_to else None)
    assert opened.items == FACTS
    assert opened.digests == [digest_of(suite1.hasher, item) for item in FACTS]
    links = chain.Chain(suite1.hasher, NODE, INCARNATION, 1)
    assert opened.hashes == links.extend(5, b"p" * 32, opened.digests)
    assert opened.hashes[-1] == header.head


def test_header_and_signature_alone_prove_the_chain() -> None:
    proof = make()[:224]
    assert long_header.proves(proof, PUBLIC, suite1)
    assert not long_header.proves(proof[:-1] + bytes([proof[-1] ^ 1]), PUBLIC, suite1)


def test_a_batch_is_squeezed_when_that_is_smaller() -> None:
    raw = make([b"the same words " * 20] * 50, hub_seal_key=None)
    assert parse_header(raw).flags & long_header.ZSTD
    assert len(raw) < 2000
    assert len(read(raw).items) == 50


def plain(items: list[object]) -> bytes:
    return cbor2.dumps(items)


def squeezed(data: bytes, **how: object) -> bytes:
    return zstandard.ZstdCompressor(**how).compress(data)


ZEROS = plain([bytes(60_000)])
OPEN = make([b"one"], hub_seal_key=None)
WIDE = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)


def last_bit_turned(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


FAULTS: list[tuple[str, str, object]] = [
    ("batch.length", "nothing", lambda: b""),
    ("batch.length", "223 bytes", lambda: make()[:223]),
    ("batch.length", "cut by one", lambda: make()[:-1]),
    ("batch.length", "one more", lambda: make() + b"\0"),
    ("batch.magic", "another magic", lambda: signed(make(), magic=b"WAYX")),
    ("batch.version", "a newer version", lambda: signed(make(), ver=2)),
    ("batch.suite", "a suite nobody has", lambda: signed(make(), suite=3)),
    ("batch.type", "a segment among batches", lambda: signed(make(), type=2)),
    ("batch.flags", "a flag nobody knows", lambda: signed(make(), flags=8)),
    ("batch.zero", "bytes that are zero are not", lambda: signed(make(), zero=b"\0\0\1")),
    ("batch.lane", "the lane of feeds", lambda: signed(make(), lane=255)),
    ("batch.incarnation", "incarnation 0", lambda: signed(make(), incarnation=0)),
    ("batch.incarnation", "64 bits", lambda: signed(make(), incarnation=2**63)),
    ("batch.count", "no facts", lambda: signed(make(), count=0)),
    ("batch.count", "2,001 facts", lambda: signed(make(), count=2001)),
    ("batch.position", "seq 0", lambda: signed(make(), first=0)),
    ("batch.position", "beyond the end of numbers", lambda: signed(make(), first=2**63 - 2)),
    ("batch.node", "a name with a space", lambda: signed(make(), node=b"courier a3k7q2xw")),
    ("batch.node", "a name after a zero", lambda: signed(make(), node=b"courier\0a3k7q2xw")),
    ("batch.too-big", "more than 1 MiB as sent", lambda: signed(make(), body=bytes(2**20 + 1))),
    ("batch.too-big", "more than 8 MiB expanded", lambda: signed(make(), expanded=8 * 2**20 + 1)),
    ("batch.length", "sealed, and too short to be", lambda: signed(make(), body=b"x" * 48)),
    ("batch.length", "squeezed, and not smaller", lambda: signed(OPEN, flags=1)),
    ("batch.body-hash", "another body", lambda: last_bit_turned(make())),
    ("batch.body-hash", "another body hash, signed", lambda: signed(make(), body_hash=bytes(32))),
    ("batch.signature", "another key", lambda: make(signing_key=OTHER_SIGNING, key_id=suite1.key_id(PUBLIC))),
    ("batch.seal", "sealed to somebody else", lambda: make(hub_seal_key=suite1.sealing_public(OTHER_SIGNING))),
    ("batch.seal", "a sealed body under another place", lambda: signed(make(), first=6)),
    ("batch.expand", "a bomb that hides its size", lambda: signed(
        OPEN, squeezed(ZEROS, write_content_size=False), flags=1, expanded=1000)),
    ("batch.expand", "a bomb that names its size", lambda: signed(OPEN, squeezed(ZEROS), flags=1, expanded=1000)),
    ("batch.expand", "smaller than stated", lambda: signed(OPEN, squeezed(ZEROS, write_content_size=False), flags=1,
                                                           expanded=70_000)),
    ("batch.expand", "a window of 128 MiB", lambda: signed(
        OPEN, squeezed_by_stream(ZEROS), flags=1, expanded=len(ZEROS))),
    ("batch.expand", "two frames", lambda: signed(
        OPEN, squeezed(ZEROS) + squeezed(ZEROS), flags=1, expanded=len(ZEROS))),
    ("batch.expand", "a skippable frame", lambda: signed(OPEN, bytes.fromhex("502a4d1804000000") + b"skip", flags=1,
                                                         expanded=100)),
    ("batch.expand", "no frame at all", lambda: signed(OPEN, b"x" * 20, flags=1, expanded=100)),
    ("batch.expand", "a frame cut short", lambda: signed(OPEN, squeezed(ZEROS)[:-1], flags=1, expanded=len(ZEROS))),
    ("batch.body", "no array", lambda: of(cbor2.dumps({1: b"one"}))),
    ("batch.body", "one fact too many", lambda: of(plain([b"one", b"two"]))),
    ("batch.body", "a number as fact", lambda: of(plain([1]))),
    ("batch.body", "a withheld fact of 31 bytes", lambda: of(plain([[bytes(31)]]))),
    ("batch.body", "a withheld fact of two parts", lambda: of(plain([[bytes(32), bytes(32)]]))),
    ("batch.body", "an array of arrays", lambda: of(plain([[[b"x"]]]))),
    ("batch.body", "longer form than needed", lambda: of(b"\x98\x01\x43one")),
    ("batch.body", "an endless array", lambda: of(b"\x9f\x43one\xff")),
    ("batch.body", "bytes after the end", lambda: of(b"\x81\x43one\x00")),
    ("batch.body", "a tag", lambda: of(b"\x81\xc2\x43one")),
    ("batch.body", "a billion facts", lambda: of(b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff")),
    ("batch.too-big", "a fact of 64 KiB and one", lambda: make([bytes(65537)])),
    ("batch.chain", "another fact in the same place", lambda: of(plain([b"two"]))),
    ("batch.chain", "another past", lambda: signed(OPEN, prev=bytes(32))),
    ("batch.chain", "another seq", lambda: signed(OPEN, first=6)),
    ("batch.chain", "another lane", lambda: signed(OPEN, lane=2)),
    ("batch.chain", "another incarnation", lambda: signed(OPEN, incarnation=78)),
    ("batch.chain", "another node", lambda: signed(OPEN, node=b"courier-b3k7q2xw")),
]  # fmt: skip


def of(body: bytes) -> bytes:
    """OPEN with this body, honestly signed."""
    return signed(OPEN, body, expanded=len(body))


def squeezed_by_stream(data: bytes) -> bytes:
    writer = zstandard.ZstdCompressor(compression_params=WIDE).compressobj()
    return writer.compress(data) + writer.flush()


@pytest.mark.parametrize(("code", "why", "made"), FAULTS, ids=[row[1] for row in FAULTS])
def test_a_batch_with_one_thing_wrong(code: str, why: str, made) -> None:
    with pytest.raises(PeerFault) as caught:
        read(made())
    assert caught.value.code == code


def test_a_re_signed_batch_is_refused_under_the_first_key() -> None:
    with pytest.raises(PeerFault, match=r"batch\.signature"):
        read(make(signing_key=OTHER_SIGNING))


def test_a_node_without_the_hubs_key_cannot_open_what_is_sealed() -> None:
    with pytest.raises(PeerFault, match=r"batch\.seal"):
        read(make(), open_key=None)


def test_truncation_at_every_byte_is_refused() -> None:
    raw = make([b"one", b"two"])
    for length in range(len(raw)):
        with pytest.raises(PeerFault):
            read(raw[:length])


def test_every_single_bit_counts() -> None:
    raw = make([b"one"])
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        with pytest.raises(PeerFault):
            read(bytes(changed))


def test_cutting_at_other_borders_gives_the_same_chain() -> None:
    whole = read(make([b"a", b"b", b"c"]))
    head = read(make([b"a", b"b"]))
    tail = read(make([b"c"], first=7, prev_hash=head.hashes[-1], signing_key=SIGNING))
    assert head.hashes + tail.hashes == whole.hashes


def test_a_later_batch_with_the_bytes_of_a_withheld_fact_has_the_same_hashes() -> None:
    withheld = read(make([b"a", Withheld(suite1.hash(b"bad")), b"c"]))
    assert read(make([b"a", b"bad", b"c"])).hashes == withheld.hashes
