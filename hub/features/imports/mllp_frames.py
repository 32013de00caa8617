"""Where an MLLP message begins and ends in a stream of bytes; what stands between messages is passed over.

Source: HL7 Transport Specification MLLP, Release 1: start block 0x0B, end block 0x1C 0x0D. Neither byte can be part
of a character of UTF-8 or GB18030, whose later bytes are 0x30 and above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

START, END = b"\x0b", b"\x1c"
TRAILER = b"\x1c\x0d"
HEAD_BYTES = 4096
_MARK = re.compile(rb"[\x0b\x1c]")


@dataclass(frozen=True, slots=True)
class Frame:
    """A message without its framing. `whole` is False for one over the limit: then only its head is kept."""

    data: bytes
    whole: bool = True


class Deframer:
    """Feed it what the line brings. A start before an end means that the sender began again: the first part is lost."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._buffer: bytearray | None = None
        self._skipping = False

    @property
    def in_frame(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._buffer is not None or self._skipping

    def feed(self, data: bytes) -> list[Frame]:
        """Messages that are complete now, and at once the head of one that grows over the limit."""
        found: list[Frame] = []
        at = 0
        while at < len(data):
            mark = _MARK.search(data, at)
            end = mark.start() if mark else len(data)
            if self._buffer is not None:
                self._buffer += data[at:end]
                if len(self._buffer) > self._bytes_max:
                    found.append(Frame(bytes(self._buffer[: min(HEAD_BYTES, self._bytes_max)]), whole=False))
                    self._buffer, self._skipping = None, True
            if mark and mark[0] == END and self._buffer is not None:
                found.append(Frame(bytes(self._buffer)))
            if mark:
                self._buffer, self._skipping = bytearray() if mark[0] == START else None, False
            at = end + 1
        return found


def frame(message: bytes) -> bytes:
    """A message as it goes over the line."""
    return START + message + TRAILER
