"""Small numbers and stay keys in few bytes: the inside of a receipt code.

    number  = LEB128, shortest form, below 2**63
    signed  = zigzag of a number
    text    = number of bytes, then UTF-8
    key     = kind and length of the record number in one byte (0-31 digits only, 32-63 with letters),
              its value in base 10 or 36 in as many bytes as the greatest of that length takes, then the stay number

Reading is strict: every run of bytes that is read at all would be written the same way.
"""

from __future__ import annotations

from typing import Final

from sync.domain.tracking.facts import split_stay_key, stay_key_rule
from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WITH_LETTERS: Final = 32


def put_number(value: int) -> bytes:
    """A number from 0."""
    assert 0 <= value <= INT_MAX
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def put_signed(value: int) -> bytes:
    """A number that may be below 0."""
    return put_number(value * 2 if value >= 0 else -value * 2 - 1)


def put_text(text: str) -> bytes:
    """At most 255 bytes of text."""
    raw = text.encode()
    assert len(raw) < 256
    return put_number(len(raw)) + raw


def put_key(key: str) -> bytes:
    """A stay's key."""
    number, stay = split_stay_key(key)
    base = 10 if number.isdigit() else 36
    head = len(number) + (0 if base == 10 else _WITH_LETTERS)
    return bytes([head]) + int(number, base).to_bytes(_width(len(number), base), "big") + put_number(int(stay))


def _width(length: int, base: int) -> int:
    greatest: int = base**length - 1
    return (greatest.bit_length() + 7) // 8


class Reader:
    """Takes parts off the front. Every method raises PeerFault `receipt.damaged` when the bytes are not so."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data)

    def raw(self, count: int) -> bytes:
        """Exactly so many bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise PeerFault("receipt.damaged", "short")
        self._at += count
        return taken

    def number(self) -> int:
        """A number from 0."""
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                if (byte == 0 and shift) or value > INT_MAX:
                    raise PeerFault("receipt.damaged", "number")
                return value
            shift += 7
            if shift > 63:
                raise PeerFault("receipt.damaged", "number")

    def signed(self) -> int:
        """A number that may be below 0."""
        value = self.number()
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def text(self) -> str:
        """A text of at most 255 bytes."""
        length = self.number()
        if length > 255:
            raise PeerFault("receipt.damaged", "text")
        try:
            return self.raw(length).decode()
        except UnicodeDecodeError:
            raise PeerFault("receipt.damaged", "text") from None

    def key(self) -> str:
        """A stay's key."""
        head = self.raw(1)[0]
        base, length = (36, head - _WITH_LETTERS) if head >= _WITH_LETTERS else (10, head)
        if not 4 <= length <= 20:
            raise PeerFault("receipt.damaged", "key")
        value = int.from_bytes(self.raw(_width(length, base)), "big")
        if value >= base**length:
            raise PeerFault("receipt.damaged", "key")
        number = ""
        for _ in range(length):
            value, digit = divmod(value, base)
            number = _LETTERS[digit] + number
        key = f"{number}-{self.number()}"
        if (base == 36 and number.isdigit()) or not stay_key_rule(key):
            raise PeerFault("receipt.damaged", "key")
        return key
