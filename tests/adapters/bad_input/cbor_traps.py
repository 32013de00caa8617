"""Every way in which bytes can be CBOR and not of the protocol's subset, or no CBOR at all. Each has a name.

Source: RFC 8949, sections 3 and 5; the subset is of protocol way/1, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sync.kernel import canonical

_FULL = "7fffffffffffffff"
_HEX: dict[str, str] = {
    "half float": "f93c00", "float": "fa3f800000", "double": "fb3ff0000000000000", "NaN": "f97e00",
    "infinity": "f97c00", "negative zero": "f98000", "undefined": "f7", "simple 0": "e0", "simple 255": "f8ff",
    "false in two bytes": "f814", "a lone break": "ff",
    "time as text": "c074323032362d31312d32315430303a30303a30305a", "time text of nonsense": "c06178",
    "time as number": "c100", "time beyond all calendars": "c11b" + _FULL, "bignum": "c24101", "empty bignum": "c240",
    "long bignum": "c25903e8" + "ff" * 1000, "negative bignum": "c34101", "decimal": "c4820001",
    "decimal of vast exponent": f"c4821b{_FULL}01", "decimal of one number": "c48101",
    "bigfloat of vast exponent": f"c5821b{_FULL}01", "string reference": "d81900", "shared value": "d81c80",
    "a value inside itself": "d81c81d81d00", "reference to nothing": "d81d05", "rational over zero": "d81e820100",
    "rational of text": "d81e82616161", "regex": "d8236128", "mail": "d8246178", "short UUID": "d8254100",
    "address": "d8344100", "address 6": "d8364100", "day": "d86400", "string name space": "d9010080",
    "set": "d9010280", "set of arrays": "d901028180", "address old": "d901044100", "network": "d90105a0",
    "day as text": "d903ec6178", "marked self": "d9d9f700", "tag of nobody": "d82800",
    "complex": "d9a7f8820001", "greatest tag": "dbffffffffffffffff00", "tag without value": "c1",
    "zero in two bytes": "1800", "one in three": "190001", "one in five": "1a00000001",
    "one in nine": "1b0000000000000001", "minus one in two": "3800", "two to the 63": "1b8000000000000000",
    "two to the 64 less one": "1bffffffffffffffff", "below all": "3bffffffffffffffff",
    "text in pieces": "7f6161ff", "bytes in pieces": "5f4161ff", "array without end": "9fff",
    "map without end": "bfff", "pieces never ended": "5f4161", "not UTF-8": "61ff", "overlong UTF-8": "62c080",
    "lone surrogate": "63eda080", "not NFC": "6365cc81", "half a character": "61e4",
    "text longer than memory": "7b" + _FULL, "bytes longer than memory": "5b" + _FULL,
    "array longer than memory": "9b" + _FULL, "map longer than memory": "bb" + _FULL,
    "four billion items": "9affffffff", "bytes of 2 to the 64": "5bffffffffffffffff",
    "text length in two bytes": "7800", "bytes length in two": "5800", "array length in two": "9800",
    "map length in two": "b800", "text cut": "6261", "bytes cut": "4261", "array cut": "8200", "map cut": "a100",
    "key twice": "a200000000", "keys the wrong way": "a201000000", "text key": "a1616100", "negative key": "a12000",
    "bytes key": "a14000", "array key": "a18000", "map key": "a1a000", "null key": "a1f600", "float key": "a1f93c0000",
    "key in two bytes": "a1180000", "key beyond all": "a11bffffffffffffffff00", "true as a key": "a1f500",
    "nine arrays deep": "81" * 9 + "00", "nine maps deep": "a100" * 9 + "00", "a thousand deep": "81" * 1000 + "00",
    "sixty thousand deep": "81" * 60_000, "maps without bottom": "a100" * 20_000,
    **{f"reserved {head}": head for head in ("1c", "1d", "1e", "1f", "3c", "3f", "5d", "7e", "9c", "bd", "dc", "df")},
    **{f"reserved {head}": head for head in ("fc", "fd", "fe")},
    "head cut in two": "19", "head cut in eight": "1b00", "simple cut": "f8",
}  # fmt: skip
TRAPS: Mapping[str, bytes] = {name: bytes.fromhex(text) for name, text in _HEX.items()}
"""Values that no reader of the subset takes. None of them has more than 64 KiB."""

WRONG: tuple[Any, ...] = (None, True, -1, "x", "\u6587" * 300, b"", b"\0" * 33, [], [[]], {}, {0: 0}, [0, "x", None])
"""Values that the subset can say; of each type some."""


def around(body: Mapping[int, Any]) -> Iterator[tuple[str, bytes]]:
    """A good map with each trap behind it under a number that nobody reads, and what may not follow it."""
    good = canonical.encode(body)
    assert good[0] < 0xB7, "room for one more member in the same head"
    for name, trap in TRAPS.items():
        yield name, bytes([good[0] + 1]) + good[1:] + b"\x18\x60" + trap
    yield "nothing", b""
    yield "a byte behind", good + b"\0"
    yield "itself twice", good + good
    yield "last byte missing", good[:-1]
    yield "a list", b"\x80"
    yield "a number", b"\x00"
    yield "a text", b"\x61x"
    yield "zeros", bytes(64)
    yield "spaces", b" " * 64
    yield "JSON", b'{"1": 2}'


def wrong_fields(body: Mapping[int, Any]) -> Iterator[tuple[str, dict[int, Any]]]:
    """The map with each member as something of another type, one at a time."""
    for number, held in body.items():
        for value in WRONG:
            if type(value) is not _type(held) or value == -1:
                yield f"field {number} as {_told(value)}", {**body, number: value}
        if isinstance(held, list | tuple) and held:
            yield from ((f"field {number}, inside: {name}", {**body, number: inner}) for name, inner in _inside(held))


def _inside(rows: Any) -> Iterator[tuple[str, list[Any]]]:
    for at, held in enumerate(rows):
        for value in (None, "x", -1, {}):
            if type(value) is not _type(held) or value == -1:
                yield f"place {at} as {_told(value)}", [*rows[:at], value, *rows[at + 1 :]]
        if isinstance(held, list | tuple):
            for name, inner in _inside(held):
                yield f"place {at}, {name}", [*rows[:at], inner, *rows[at + 1 :]]


def _type(value: Any) -> type:
    return list if isinstance(value, tuple) else type(value)


def _told(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:12]}"
