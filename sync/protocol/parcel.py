"""What a stick brings down of feeds: answers to questions that were carried to the hub, sealed to one machine.

Up it brings chunks of large bytes, sealed to the hub, by the same means. The content is frames by twos, an address and
the answer that the hub would give there over a line. It travels in pieces that fit a message each; a parcel of which a
piece is missing, or which is not for the reader, is none.
Source: protocol way/1, sections 4.10, 6.5 and 7.2; the fields and the size of a piece are this module's own, because a
message takes 64 KiB.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite
from sync.protocol import frames
from sync.protocol.fields import H16, Fields, count, raw_up_to

PIECE_BYTES = 60 * 1024
PIECES_MAX = STICK_BYTES_MAX // PIECE_BYTES
_INFO = b"way/1 parcel\0"
_BODY = "parcel.body"
_BLOB = re.compile(r"blob ([0-9a-f]{64}) ([0-9]{1,12}) ([0-9]{1,6})")

HEADS = "heads"
Address = Callable[[str, int], str]
"""(scope label, number) -> where that part lies."""


def manifest_at(label: str) -> str:
    """Where the manifest of a scope's snapshot lies."""
    return f"{label} manifest"


def snapshot_at(label: str, k: int) -> str:
    """Where segment `k` of that snapshot lies."""
    return f"{label} snapshot {k}"


def tail_at(label: str, k: int) -> str:
    """Where the `k`th run of the scope's own entries lies, in order, from 0."""
    return f"{label} tail {k}"


def sets_at(label: str, k: int) -> str:
    """Where part `k` of the answer about a copy lies."""
    return f"{label} sets {k}"


def blob_at(blob: bytes, size_bytes: int, n: int) -> str:
    """Where chunk `n` of a blob of this size lies."""
    return f"blob {blob.hex()} {size_bytes} {n}"


def blob_of(address: str) -> tuple[bytes, int, int] | None:
    """What `blob_at` was told; None for any other address."""
    found = _BLOB.fullmatch(address)
    return None if found is None else (bytes.fromhex(found[1]), int(found[2]), int(found[3]))


def pack(answers: Mapping[str, bytes], seal_to: bytes, suite: Suite) -> Iterator[Mapping[int, Any]]:
    """The bodies of the messages that carry these answers to the machine with this public sealing key."""
    pairs: list[bytes] = []
    for address, answer in answers.items():
        pairs += (address.encode("ascii"), answer)
    plain = frames.pack(pairs)
    name = suite.hash(plain)[:16]
    pieces = [plain[at : at + PIECE_BYTES] for at in range(0, len(plain), PIECE_BYTES)]
    for k, piece in enumerate(pieces):
        yield {1: name, 2: k, 3: len(pieces), 4: suite.seal(seal_to, _info(name, k, len(pieces)), piece)}


def unpack(bodies: Iterable[object], open_key: bytes, suite: Suite) -> dict[str, bytes]:
    """All answers of the parcels that are whole. Raises PeerFault `parcel.*`, `batch.seal` or `frames.*`."""
    found: defaultdict[tuple[bytes, int], dict[int, bytes]] = defaultdict(dict)
    for body in bodies:
        fields = Fields(body, _BODY)
        name: bytes = fields.one(1, H16)
        pieces: int = fields.one(3, count(PIECES_MAX, 1))
        k: int = fields.one(2, count(pieces - 1))
        sealed: bytes = fields.one(4, raw_up_to(PIECE_BYTES + 256))
        found[name, pieces][k] = suite.open(open_key, _info(name, k, pieces), sealed)
    answers: dict[str, bytes] = {}
    for (name, pieces), parts in found.items():
        if len(parts) != pieces:
            raise PeerFault("parcel.incomplete")
        plain = b"".join(parts[k] for k in range(pieces))
        if suite.hash(plain)[:16] != name:
            raise PeerFault("parcel.digest")
        answers |= _pairs(frames.unpack(plain, frames_max=len(plain), bytes_max=STICK_BYTES_MAX))
    return answers


def _pairs(parts: list[bytes]) -> dict[str, bytes]:
    if len(parts) % 2:
        raise PeerFault(_BODY)
    try:
        return {parts[at].decode("ascii"): parts[at + 1] for at in range(0, len(parts), 2)}
    except UnicodeDecodeError:
        raise PeerFault(_BODY) from None


def _info(name: bytes, k: int, pieces: int) -> bytes:
    return _INFO + name + k.to_bytes(4, "big") + pieces.to_bytes(4, "big")
