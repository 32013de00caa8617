"""Several messages in one request: u32 length and message, again and again.

Source: protocol way/1, section 4.10 (HTTPS: at most 16 frames, 1 MiB).
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.kernel.limits import FRAMES_BYTES_MAX, FRAMES_MAX
from sync.kernel.outcome import PeerFault

MEDIA_TYPE = "application/vnd.way1"


def pack(messages: Iterable[bytes]) -> bytes:
    """The frames of `messages`. The caller keeps within what the other side takes (`fits`)."""
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


def fits(sizes: Iterable[int]) -> int:
    """How many of the first messages, by their sizes, go into one request."""
    total = taken = 0
    for size in sizes:
        total += 4 + size
        if taken == FRAMES_MAX or total > FRAMES_BYTES_MAX:
            break
        taken += 1
    return taken


class Incoming:
    """Frames out of bytes that come in pieces: what is whole can be had before the rest is there."""

    def __init__(self, *, frames_max: int = FRAMES_MAX, bytes_max: int = FRAMES_BYTES_MAX) -> None:
        self._room = bytes_max
        self._left = frames_max
        self._held = bytearray()

    def take(self, piece: bytes) -> list[bytes]:
        """The messages that this piece completes. Raises PeerFault as `unpack` does."""
        self._room -= len(piece)
        if self._room < 0:
            raise PeerFault("frames.too-big")
        self._held += piece
        whole: list[bytes] = []
        at = 0
        while len(self._held) - at >= 4:
            size = int.from_bytes(self._held[at : at + 4], "big")
            if size == 0:
                raise PeerFault("frames.length")
            if len(self._held) < at + 4 + size:
                break
            if self._left == 0:
                raise PeerFault("frames.too-many")
            self._left -= 1
            whole.append(bytes(self._held[at + 4 : at + 4 + size]))
            at += 4 + size
        del self._held[:at]
        return whole

    def end(self) -> None:
        """Nothing more comes. Raises PeerFault `frames.length` when a message is left half."""
        if self._held:
            raise PeerFault("frames.length")


def unpack(data: bytes, *, frames_max: int = FRAMES_MAX, bytes_max: int = FRAMES_BYTES_MAX) -> list[bytes]:
    """The messages in `data`. Raises PeerFault `frames.too-big`, `frames.too-many` or `frames.length`."""
    if len(data) > bytes_max:
        raise PeerFault("frames.too-big")
    messages: list[bytes] = []
    at = 0
    while at < len(data):
        if len(messages) == frames_max:
            raise PeerFault("frames.too-many")
        size = int.from_bytes(data[at : at + 4], "big")
        end = at + 4 + size
        if at + 4 > len(data) or size == 0 or end > len(data):
            raise PeerFault("frames.length")
        messages.append(data[at + 4 : end])
        at = end
    return messages
