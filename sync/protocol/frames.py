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
