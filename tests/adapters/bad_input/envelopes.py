"""Signed messages of both headers made wrong, one thing at a time, with and without a right signature over it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cbor2
import zstandard

from sync.kernel import canonical
from sync.kernel.limits import BATCH_EXPANDED_BYTES_MAX, BATCH_SENT_BYTES_MAX, MESSAGE_BODY_BYTES_MAX
from sync.kernel.suite import suite1
from sync.protocol import message
from tests.adapters.bad_input.cbor_traps import TRAPS, around, wrong_fields

LONG = {
    "magic": (0, 4), "version": (4, 1), "suite": (5, 1), "type": (6, 1), "flags": (7, 1), "node": (8, 16),
    "incarnation": (24, 8), "lane": (32, 1), "zeros": (33, 3), "first": (36, 8), "count": (44, 4), "prev": (48, 32),
    "head": (80, 32), "body hash": (112, 32), "key id": (144, 8), "body length": (152, 4), "expanded": (156, 4),
    "signature": (160, 64),
}  # fmt: skip
SHORT = {
    "magic": (0, 4), "version": (4, 1), "suite": (5, 1), "type": (6, 1), "flags": (7, 1), "signer": (8, 16),
    "audience": (24, 16), "key id": (40, 8), "epoch": (48, 4), "body length": (52, 4), "signature": (56, 64),
}  # fmt: skip
"""Offset and bytes of each field. Source: protocol way/1, sections 4.1 and 4.2."""

NAMES = {
    "zeros": bytes(16), "capitals": b"COURIER-ABCDEFGH", "a gap": b"courier\0abcdefgh", "spaces": b"courier abcdefgh",
    "a path": b"../../../etc/pas", "not ASCII": "病案病案病".encode() + b"\0", "a dash first": b"-ourier-abcdefgh",
    "a newline": b"courier-abcdefg\n", "nobody": b"courier-zzzzzzzz",
}  # fmt: skip
_ZSTD, _SEALED = 1, 2


class Kind(NamedTuple):
    """`name` says what is wrong. `foreign`: it claims to be of another node than the one that brings it."""

    name: str
    raw: bytes
    foreign: bool = False


@dataclass(frozen=True)
class Writer:
    """Who signs, and of which run: `key` is the secret signing key, `to` the public key that bodies are sealed to."""

    node: str
    key: bytes
    to: bytes
    type: int
    incarnation: int
    lane: int
    first: int
    prev: bytes
    head: bytes

    def sign(self, header: bytes) -> bytes:
        said = {1: b"way/1 facts\0", 2: b"way/1 segment\0"}[self.type] + header
        return header + suite1.sign(self.key, said)

    def long(self, body: bytes, *, flags: int = 0, expanded: int | None = None, count: int = 1, **over: Any) -> bytes:
        """A message whose header tells the truth about `body`, but for what `over` says."""
        expanded = len(body) if expanded is None else expanded
        fields = {
            "node": self.node.encode().ljust(16, b"\0"), "incarnation": self.incarnation, "lane": self.lane,
            "first": self.first, "prev": self.prev, "head": self.head, **over,
        }  # fmt: skip

        def header(body_hash: bytes, key_id: bytes, sent: int) -> bytes:
            return struct.pack(
                ">4s4B16sQB3sQI32s32s32s8sII", b"WAYB", 1, 1, self.type, flags, fields["node"], fields["incarnation"],
                fields["lane"], bytes(3), fields["first"], count, fields["prev"], fields["head"], body_hash, key_id,
                sent, expanded,
            )  # fmt: skip

        if flags & _SEALED:
            body = suite1.seal(self.to, b"way/1 seal\0" + header(bytes(32), bytes(8), 0)[:112], body)
        key_id = suite1.key_id(suite1.signing_public(self.key))
        return self.sign(header(hashlib.sha256(body).digest(), key_id, len(body))) + body


def long_kinds(writer: Writer, plain: bytes, count: int) -> Iterator[Kind]:
    """Around a good body of `count` items: header fields, cuts, lengths, seals, compression, strict CBOR."""
    for sealed in (False, True):
        good = writer.long(plain, flags=_SEALED * sealed, count=count)
        how = "sealed" if sealed else "open"
        for name, raw in _cuts_and_flips(good, LONG):
            yield Kind(f"{how}: {name}", raw, foreign=name == "node turned")
        for name, changed in _field_values(good, LONG, _long_values()):
            raw = writer.sign(changed[:160]) + changed[224:]
            yield Kind(f"{how}, signed: {name}", raw, foreign=name.startswith("node") and "nobody" in name)
        yield from _bodies(writer, how, _SEALED * sealed)
    yield from _seals(writer, plain, count)
    yield from _squeezed(writer, plain, count)
    yield Kind("longer than any", writer.long(bytes(BATCH_SENT_BYTES_MAX + 1)))


def short_kinds(type: int, body: Mapping[int, Any], key: bytes, signer: str, audience: str) -> Iterator[Kind]:
    """Around one good message: header fields, cuts, lengths, strict CBOR, every member of a wrong type."""

    def made(data: bytes, header: bytes = b"", kind: int = type) -> bytes:
        head = (header or good[:52]) + struct.pack(">I", len(data))
        name = message.NAMES.get(kind, "ack").encode()
        said = b"way/1 " + name + b"\0" + head + hashlib.sha256(data).digest()
        return head + suite1.sign(key, said) + data

    good = message.make_message(type, body, signer=signer, audience=audience, epoch=1, signing_key=key, suite=suite1)
    what = message.NAMES[type]
    for name, raw in _cuts_and_flips(good, SHORT):
        yield Kind(f"{what}: {name}", raw, foreign=name == "signer turned")
    for name, changed in _field_values(good, SHORT, _short_values()):
        if name.startswith("body length"):
            yield Kind(f"{what}: {name}", changed)
        else:
            yield Kind(f"{what}, signed: {name}", made(good[120:], changed[:52]), foreign="nobody" in name)
    for name, data in around(body):
        yield Kind(f"{what}, body: {name}", made(data))
    yield Kind(f"{what}, body beyond 64 KiB", made(b"\x59\xff\xff" + bytes(MESSAGE_BODY_BYTES_MAX)))
    for name, fields in wrong_fields(body):
        yield Kind(f"{what}, {name}", made(canonical.encode(fields)))


def of_types(types: Iterable[int], key: bytes, signer: str, audience: str) -> Iterator[Kind]:
    """Messages of these types with an empty body."""
    for type in types:
        raw = message.make_message(type, {}, signer=signer, audience=audience, epoch=1, signing_key=key, suite=suite1)
        yield Kind(f"an empty {message.NAMES[type]}", raw)


def by_other(writer: Writer, plain: bytes, count: int) -> Kind:
    """All is right but whose hand signed it."""
    return Kind("by a key of nobody", replace(writer, key=bytes(range(32))).long(plain, count=count))


def _cuts_and_flips(good: bytes, fields: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
    for name, (at, size) in fields.items():
        yield f"cut before {name}", good[:at]
        yield f"cut inside {name}", good[: at + size - 1] if size > 1 else good[:at] + b"\0"
        turned = bytearray(good)
        turned[at + size - 1] ^= 1
        yield f"{name} turned", bytes(turned)
    end = max(at + size for at, size in fields.values())
    yield "cut before the body", good[:end]
    yield "cut inside the body", good[: (end + len(good)) // 2]
    yield "last byte missing", good[:-1]
    yield "a byte behind", good + b"\0"
    yield "itself behind it", good + good
    yield "a byte before", b"\0" + good
    yield "last bit turned", good[:-1] + bytes([good[-1] ^ 1])


def _field_values(
    good: bytes, fields: Mapping[str, tuple[int, int]], values: Iterable[tuple[str, str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    for field, name, value in values:
        at, size = fields[field]
        assert len(value) == size
        if good[at : at + size] != value:
            yield f"{field} {name}", good[:at] + value + good[at + size :]


def _numbers(field: str, size: int, *values: int) -> Iterator[tuple[str, str, bytes]]:
    for value in values:
        yield field, str(value), value.to_bytes(size, "big")


def _common() -> Iterator[tuple[str, str, bytes]]:
    yield "magic", "WAYX", b"WAYX"
    yield "magic", "zero", bytes(4)
    yield "magic", "of a stick", b"WAYS"
    yield from _numbers("version", 1, 0, 2, 255)
    yield from _numbers("suite", 1, 0, 3, 9, 255)
    yield "key id", "zero", bytes(8)
    yield "key id", "other", b"\xff" * 8


def _long_values() -> Iterator[tuple[str, str, bytes]]:
    yield from _common()
    yield from _numbers("flags", 1, 8, 16, 32, 64, 128, 255)
    for name, node in NAMES.items():
        yield "node", name, node
    yield from _numbers("incarnation", 8, 0, 5, 2**63, 2**64 - 1)
    yield from _numbers("lane", 1, 3, 9, 254)
    yield from (("zeros", f"byte {n}", bytes(n) + b"\1" + bytes(2 - n)) for n in range(3))
    yield from _numbers("first", 8, 0, 77, 2**63 - 1, 2**63, 2**64 - 1)
    yield from _numbers("count", 4, 0, 77, 2000, 2001, 2**31, 2**32 - 1)
    yield from ((field, "ones", b"\xff" * 32) for field in ("prev", "head", "body hash"))
    yield from ((field, "zero", bytes(32)) for field in ("head", "body hash"))
    for field in ("body length", "expanded"):
        yield from _numbers(field, 4, 0, 1, 47, 48, 49, 2**20, 2**23, 2**23 + 1, 2**31, 2**32 - 1)


def _short_values() -> Iterator[tuple[str, str, bytes]]:
    yield from _common()
    yield from _numbers("flags", 1, 1, 2, 128, 255)
    yield from _numbers("type", 1, 0, 1, 2, 3, 15, 29, 255)
    for name, node in NAMES.items():
        yield "signer", name, node
        if name != "zeros":  # for everyone, which may be meant
            yield "audience", name, node
    yield from _numbers("body length", 4, 0, 1, 65537, 2**31, 2**32 - 1)


def _bodies(writer: Writer, how: str, flags: int) -> Iterator[Kind]:
    for name, trap in TRAPS.items():
        if len(trap) < 3000 or not flags:
            yield Kind(f"{how}, item: {name}", writer.long(b"\x81" + trap, flags=flags))
    for name, body in {
        "array of two that says one": cbor2.dumps([b"a", b"b"]),
        "no items": b"\x80",
        "a map of items": cbor2.dumps({0: b"a"}),
        "an item beside the array": b"a",
        "array head in two bytes": b"\x98\x01\x41a",
        "bytes behind the array": cbor2.dumps([b"a"]) + b"\0",
        "two arrays": cbor2.dumps([b"a"]) * 2,
        "an item of text": cbor2.dumps(["a"]),
        "withheld and empty": cbor2.dumps([[]]),
        "withheld by 31 bytes": cbor2.dumps([[bytes(31)]]),
        "withheld by 33 bytes": cbor2.dumps([[bytes(33)]]),
        "withheld twice": cbor2.dumps([[bytes(32), bytes(32)]]),
        "withheld by text": cbor2.dumps([["x" * 32]]),
        "withheld in withheld": cbor2.dumps([[[bytes(32)]]]),
        "an item beyond 64 KiB": cbor2.dumps([bytes(65537)]),
        "another item than the chain says": cbor2.dumps([b"\xa0"]),
        "noise": bytes((n * 77 + 13) % 256 for n in range(300)),
        "zeros": bytes(300),
    }.items():
        yield Kind(f"{how}: {name}", writer.long(body, flags=flags))


def _seals(writer: Writer, plain: bytes, count: int) -> Iterator[Kind]:
    other = replace(writer, to=suite1.sealing_public(bytes(range(1, 33))))
    yield Kind("sealed to another", other.long(plain, flags=_SEALED, count=count))
    good = writer.long(plain, flags=_SEALED, count=count)
    for name, body in {
        "sealed body turned": bytes([good[224] ^ 1]) + good[225:],
        "sealed body of zeros": bytes(len(good) - 224),
        "sealed body cut to its overhead": good[224 : 224 + 48],
        "sealed body too short to be one": good[224 : 224 + 20],
    }.items():
        expanded = max(1, len(body) - 48)
        header = bytearray(good[:160])
        header[112:144] = hashlib.sha256(body).digest()
        header[152:160] = struct.pack(">II", len(body), expanded)
        yield Kind(name, writer.sign(bytes(header)) + body)
    header = bytearray(writer.long(plain + bytes(48), count=count, expanded=len(plain))[:160])
    header[7] = _SEALED
    yield Kind("says it is sealed and is not", writer.sign(bytes(header)) + plain + bytes(48))
    header = bytearray(good[:160])
    header[7] = 0
    header[156:160] = header[152:156]
    yield Kind("is sealed and says it is not", writer.sign(bytes(header)) + good[224:])


def _squeezed(writer: Writer, plain: bytes, count: int) -> Iterator[Kind]:
    plain = plain + bytes(1000)  # what is squeezed must shrink, and the bytes behind make it wrong all the same
    size = len(plain)
    summed = zstandard.ZstdCompressor(write_checksum=True).compress(plain)
    squeeze = zstandard.ZstdCompressor(level=3).compress
    silent = zstandard.ZstdCompressor(level=3, write_content_size=False).compress
    whole = squeeze(plain)
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=True)
    skipped = b"\x50\x2a\x4d\x18" + struct.pack("<I", 8) + bytes(8)
    million = bytes(BATCH_EXPANDED_BYTES_MAX + 1)
    for name, body, expanded in (
        ("grows beyond what it says", silent(million), 4096),
        ("grows to 8 MiB and one", silent(million), BATCH_EXPANDED_BYTES_MAX),
        ("frame says more than the header", squeeze(million), 4096),
        ("frame says less", whole, size + 1),
        ("frame says nothing and is less", silent(plain), size + 1),
        ("frame says nothing and is more", silent(plain), size - 1),
        ("frame cut", whole[:-1], size),
        ("frame cut to its head", whole[:6], size),
        ("two frames", whole + whole, size),
        ("bytes behind the frame", whole + b"\0", size),
        ("a skippable frame first", skipped + whole, size),
        ("nothing but a skippable frame", skipped, size),
        ("another magic", b"\x1f\x8b\x08\x00" + whole[4:], size),
        ("noise in the frame", whole[:8] + b"\xff" * (len(whole) - 8), size),
        ("reserved bit of the frame", whole[:4] + bytes([whole[4] | 8]) + whole[5:], size),
        ("wants a dictionary", whole[:4] + b"\x21\x07" + whole[5:], size),
        ("window of 16 MiB", zstandard.ZstdCompressor(compression_params=wide).compress(million), 4096),
        ("wrong sum", summed[:-1] + bytes((summed[-1] ^ 1,)), size),
        ("not squeezed at all", plain[: size - 1], size),
        ("shrinks to nothing", squeeze(b""), size),
    ):  # fmt: skip
        yield Kind(f"zstd: {name}", writer.long(body, flags=_ZSTD, expanded=expanded, count=count))
