"""Base45: bytes as text of the QR alphanumeric set, three characters for two bytes.

Source: RFC 9285, section 4. Decoding is strict: one text for one run of bytes, so a changed character is another
message or none.
"""

from __future__ import annotations

from typing import Final

from sync.kernel.outcome import PeerFault

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE: Final = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """The text; it never ends in a space, so a gun that trims loses nothing."""
    out: list[str] = []
    for at in range(0, len(data) - 1, 2):
        high, rest = divmod(data[at] * 256 + data[at + 1], 45 * 45)
        middle, low = divmod(rest, 45)
        out += (ALPHABET[low], ALPHABET[middle], ALPHABET[high])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        out += (ALPHABET[low], ALPHABET[high])
    return "".join(out)


def decode(text: str) -> bytes:
    """Back. Raises PeerFault `base45` for another letter, a length that cannot be, or a value that is too large."""
    if len(text) % 3 == 1:
        raise PeerFault("base45", "length")
    try:
        values = [_VALUE[letter] for letter in text]
    except KeyError:
        raise PeerFault("base45", "letter") from None
    out = bytearray()
    for at in range(0, len(values), 3):
        group = values[at : at + 3]
        whole = sum(value * 45**place for place, value in enumerate(group))
        width = len(group) - 1
        if whole >= 256**width:
            raise PeerFault("base45", "value")
        out += whole.to_bytes(width, "big")
    return bytes(out)
