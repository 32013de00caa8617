"""The bytes of a stick file: an offer of messages. Importing it twice, or half of it, is harmless.

`WAYSTICK`, version, 7 zero bytes, frames (u32 length and message), u32 zero, SHA-256 of all before.
Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import frames

MAGIC = b"WAYSTICK"
VERSION = 1
_HEAD = MAGIC + bytes((VERSION,)) + bytes(7)
_END = bytes(4)
_LEAST_BYTES = len(_HEAD) + len(_END) + 32


def file_name(node: str, number: int) -> str:
    """`way-<node>-<n>.way`."""
    return f"way-{node}-{number}.way"


def pack(messages: Iterable[bytes]) -> bytes:
    """A whole file. Raises ValueError beyond 64 MiB: begin a second file."""
    whole = _HEAD + frames.pack(messages) + _END
    if len(whole) + 32 > STICK_BYTES_MAX:
        raise ValueError("stick file beyond 64 MiB")
    return whole + hashlib.sha256(whole).digest()


def unpack(data: bytes) -> list[bytes]:
    """The messages of a whole file. Raises PeerFault `stick.*` for any damage: the offer is taken whole or not."""
    if len(data) > STICK_BYTES_MAX:
        raise PeerFault("stick.too-big")
    if len(data) < _LEAST_BYTES:
        raise PeerFault("stick.length")
    if not data.startswith(MAGIC):
        raise PeerFault("stick.magic")
    if data[8] != VERSION:
        raise PeerFault("stick.version")
    whole, digest = data[:-32], data[-32:]
    if hashlib.sha256(whole).digest() != digest:
        raise PeerFault("stick.digest")
    if not whole.startswith(_HEAD) or not whole.endswith(_END):
        raise PeerFault("stick.shape")
    body = whole[len(_HEAD) : -len(_END)]
    try:
        return frames.unpack(body, frames_max=len(body), bytes_max=STICK_BYTES_MAX)
    except PeerFault:
        raise PeerFault("stick.frames") from None
