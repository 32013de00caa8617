"""Sound as numbers: one channel, 16 bit signed, `RATE` samples a second. Pure sums; nothing is played here."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Sequence

from sync.kernel.outcome import PeerFault

RATE = 22_050
BLOCK = RATE // 20
"""50 ms: how long a cancelled call may still be heard."""
Samples = array  # of type code "h"


def samples(values: Iterable[int] = ()) -> array[int]:
    return array("h", values)


def from_wave(data: bytes) -> array[int]:
    """A RIFF/WAVE file: PCM, 16 bit, one channel, `RATE`. Raises PeerFault `sound.wave` for anything else.

    A data chunk that claims more than there is (a program that wrote to a pipe does not know) goes to the end.
    Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0, 1991, WAVE.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise PeerFault("sound.wave")
    at, told = 12, b""
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            told = body[:16]
        elif name == b"data":
            wanted = (1).to_bytes(2, "little") * 2 + RATE.to_bytes(4, "little")
            if told[:8] != wanted or told[14:16] != (16).to_bytes(2, "little"):
                raise PeerFault("sound.wave")
            return from_bytes(body[: len(body) // 2 * 2])
        at += 8 + size + size % 2
    raise PeerFault("sound.wave")


def from_bytes(data: bytes) -> array[int]:
    """Little-endian samples."""
    found = array("h", data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def to_bytes(sound: array[int]) -> bytes:
    kept = array("h", sound)
    if sys.byteorder == "big":
        kept.byteswap()
    return kept.tobytes()


def silence(span_s: float) -> array[int]:
    return samples([0]) * round(span_s * RATE)


def louder(sound: Sequence[int], gain: float) -> array[int]:
    """Times `gain`, held inside 16 bits."""
    return samples(_held(round(value * gain)) for value in sound)


def together(one: Sequence[int], other: Sequence[int]) -> array[int]:
    """Both at once, as long as the longer one."""
    if len(one) < len(other):
        one, other = other, one
    mixed = samples(_held(a + b) for a, b in zip(one, other, strict=False))
    return mixed + samples(one[len(other) :])


def chime() -> array[int]:
    """Two falling tones of half a second that die away, so that nobody is startled."""
    return _tone(659.3, 0.5) + _tone(523.3, 0.7)


def _tone(hertz: float, span_s: float) -> array[int]:
    count = round(span_s * RATE)
    step = 2 * math.pi * hertz / RATE
    rise = RATE // 100
    return samples(
        round(9000 * min(1.0, n / rise) * math.exp(-4.0 * n / count) * math.sin(step * n)) for n in range(count)
    )


def _held(value: int) -> int:
    return max(-32_768, min(32_767, value))
