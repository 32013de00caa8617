import pytest

from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.message import make_message, open_message, parse_short_header

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PUBLIC = suite1.signing_public(KEY)
HUB, NODE = "hub-a3k7q2xw", "courier-a3k7q2xw"


def keys(signer: str, key_id: bytes) -> bytes | None:
    return PUBLIC if (signer, key_id) == (HUB, suite1.key_id(PUBLIC)) else None


def make(**changed) -> bytes:
    said = {"signer": HUB, "audience": NODE, "epoch": 3, "signing_key": KEY}
    return make_message(message.ACK, {1: [], 3: 9}, **(said | changed), suite=suite1)


def refitted(raw: bytes, at: int, value: bytes) -> bytes:
    """Other header bytes, honestly signed."""
    header = raw[:at] + value + raw[at + len(value) : 56]
    said = b"way/1 " + message.NAMES.get(header[6], "ack").encode() + b"\0" + header + suite1.hash(raw[120:])
    return header + suite1.sign(KEY, said) + raw[120:]


def test_what_goes_in_comes_out() -> None:
    opened = open_message(make(), keys=keys, audience=NODE, suite=suite1)
    assert (opened.type, opened.signer, opened.audience, opened.epoch) == (message.ACK, HUB, NODE, 3)
    assert opened.body == {1: [], 3: 9}
    assert open_message(make(audience=None), keys=keys, audience=NODE, suite=suite1).audience is None
    assert message.is_message(make())


@pytest.mark.parametrize(
    ("code", "why", "raw"),
    [
        ("message.length", "nothing", b""),
        ("message.length", "cut by one", make()[:-1]),
        ("message.length", "one more", make() + b"\0"),
        ("message.magic", "another magic", refitted(make(), 0, b"WAYB")),
        ("message.version", "a newer version", refitted(make(), 4, b"\2")),
        ("message.suite", "a suite nobody has", refitted(make(), 5, b"\7")),
        ("message.flags", "a flag nobody knows", refitted(make(), 7, b"\1")),
        ("message.unknown-type", "a type of tomorrow", refitted(make(), 6, b"\x63")),
        ("message.node", "a signer with a capital", refitted(make(), 8, b"HUB-")),
        ("message.too-big", "a body of 64 KiB and one", refitted(make(), 52, (65537).to_bytes(4, "big"))),
        ("message.audience", "for somebody else", make(audience="courier-b3k7q2xw")),
        ("message.key", "by another key", make(signing_key=OTHER)),
        ("message.key", "by a node under the hub's key", make(signer=NODE)),
        ("message.signature", "another key under the same id", make(signing_key=OTHER, key_id=suite1.key_id(PUBLIC))),
        ("message.signature", "an ack dressed as a welcome", make()[:6] + b"\x12" + make()[7:]),
        ("message.signature", "another body", make()[:-1] + b"\x08"),
    ],
)
def test_a_message_with_one_thing_wrong(code: str, why: str, raw: bytes) -> None:
    with pytest.raises(PeerFault) as caught:
        open_message(raw, keys=keys, audience=NODE, suite=suite1)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("message.body", b"\x80"),
        ("cbor.malformed", b"\xa2\x01\x01\x01\x02"),
        ("cbor.not-canonical", b"\xa1\x01\x01\x00"),
    ],
)
def test_a_signed_body_outside_the_subset(code: str, body: bytes) -> None:
    header = make()[:52] + len(body).to_bytes(4, "big")
    raw = header + suite1.sign(KEY, b"way/1 ack\0" + header + suite1.hash(body)) + body
    with pytest.raises(PeerFault) as caught:
        open_message(raw, keys=keys, audience=NODE, suite=suite1)
    assert caught.value.code == code


def test_every_single_bit_counts() -> None:
    raw = make()
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        with pytest.raises(PeerFault):
            open_message(bytes(changed), keys=keys, audience=NODE, suite=suite1)


def test_the_header_can_be_read_before_its_key_is_known() -> None:
    header = parse_short_header(make())
    assert (header.type, header.signer, header.key_id, header.epoch) == (16, HUB, suite1.key_id(PUBLIC), 3)
    assert canonical.decode(make()[120:]) == {1: [], 3: 9}
