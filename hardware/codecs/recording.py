"""A recording of a gun: what came over its line and when, with everything that somebody could be known by masked.

One JSON document a line. The first: `{"way": "gun-recording", "version": 1, "line": "hid" | "bytes"}`. Then one read a
line: `{"us": microseconds since the beginning, "hex": bytes}`. A masked reading has the length, the ends, the symbology
prefix, the separators and the encoding of what was read, and other letters and digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hardware.codecs.keymap import (
    ALTS,
    DOWN,
    EV_KEY,
    INPUT_EVENT,
    KEY_ENTER,
    KEY_KPENTER,
    KEY_TAB,
    KEYPAD_DIGITS,
    UP,
    US_KEYS,
)
from hardware.codecs.scan_assembler import AIM_PREFIX, TERMINATORS
from sync.kernel.outcome import PeerFault

HEAD: Final = {"way": "gun-recording", "version": 1}
LINES: Final = ("hid", "bytes")
EV_MSC: Final = 4
SEPARATOR_DIGITS: Final = "029"
LINE_BYTES_MAX: Final = 64 * 1024

Draw = Callable[[], float]
"""A number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one read of the line gave. `at_us` counts from the beginning and never falls."""

    at_us: int
    data: bytes


def head_line(line: str) -> str:
    return json.dumps({**HEAD, "line": line}) + "\n"


def read_line(read: Read) -> str:
    return json.dumps({"us": read.at_us, "hex": read.data.hex()}) + "\n"


def read_recording(lines: Iterable[str]) -> tuple[str, Iterator[Read]]:
    """Whether a gun types or sends bytes, and its reads. Raises PeerFault `recording` for anything else."""
    rest = iter(lines)
    head = _document(next(rest, ""))
    if {key: head.get(key) for key in HEAD} != HEAD or head.get("line") not in LINES:
        raise PeerFault("recording", "head")
    return str(head["line"]), _reads(rest)


def _reads(lines: Iterator[str]) -> Iterator[Read]:
    before_us = 0
    for line in lines:
        told = _document(line)
        at_us, text = told.get("us"), told.get("hex")
        if type(at_us) is not int or at_us < before_us or type(text) is not str:
            raise PeerFault("recording", "read")
        before_us = at_us
        try:
            yield Read(at_us, bytes.fromhex(text))
        except ValueError:
            raise PeerFault("recording", "read") from None


def _document(line: str) -> dict[str, object]:
    try:
        told = json.loads(line) if len(line) <= LINE_BYTES_MAX else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise PeerFault("recording", "line")
    return told


def mask_reading(raw: bytes, draw: Draw) -> bytes:
    """One reading, terminators and all, with other letters and digits of the same kind; as long as it was."""
    prefix = AIM_PREFIX.match(raw)
    kept = prefix.end() if prefix else 0
    try:
        return raw[:kept] + b"".join(_mask_utf8(char, draw) for char in raw[kept:].decode("utf-8"))
    except UnicodeDecodeError:
        pass
    try:
        return raw[:kept] + b"".join(_mask_gb18030(char, draw) for char in raw[kept:].decode("gb18030"))
    except UnicodeDecodeError:
        return raw[:kept] + b"".join(b"\xff" if byte > 127 else _mask_ascii(chr(byte), draw) for byte in raw[kept:])


def _mask_utf8(char: str, draw: Draw) -> bytes:
    return {2: "é", 3: "某", 4: "𠮷"}[size].encode() if (size := len(char.encode())) > 1 else _mask_ascii(char, draw)


def _mask_gb18030(char: str, draw: Draw) -> bytes:
    size = len(char.encode("gb18030"))
    return {2: "某", 4: "𠮷"}[size].encode("gb18030") if size > 1 else _mask_ascii(char, draw)


def _mask_ascii(char: str, draw: Draw) -> bytes:
    for first, count in (("0", 10), ("A", 26), ("a", 26)):
        if 0 <= ord(char) - ord(first) < count:
            return bytes([ord(first) + int(draw() * count)])
    return char.encode("ascii")


@dataclass(slots=True)
class Masker:
    """Holds a reading back until it has ended, then gives its reads masked, each as long and as late as it was.

    `silence_us` ends a reading without terminator, as it does for who reads.
    """

    line: str
    draw: Draw
    silence_us: int = 80_000
    _held: list[Read] = field(default_factory=list)

    def feed(self, read: Read) -> list[Read]:
        done = self.flush() if self._held and read.at_us - self._held[-1].at_us >= self.silence_us else []
        self._held.append(read)
        return done + (self.flush() if self._ended(read.data) else [])

    def flush(self) -> list[Read]:
        """What is held, masked: the gun went away, or nobody records any more."""
        held, self._held = self._held, []
        raw = b"".join(read.data for read in held)
        masked = mask_keys(raw, self.draw) if self.line == "hid" else _mask_several(raw, self.draw)
        done, at = [], 0
        for read in held:
            done.append(Read(read.at_us, masked[at : at + len(read.data)]))
            at += len(read.data)
        return done

    def _ended(self, data: bytes) -> bool:
        if self.line == "bytes":
            return data[-1:] in (b"\r", b"\n", b"\t")
        whole = len(data) // INPUT_EVENT.size * INPUT_EVENT.size
        ends = ((EV_KEY, code, UP) for code in (KEY_ENTER, KEY_KPENTER, KEY_TAB))
        return any(event[2:] in set(ends) for event in INPUT_EVENT.iter_unpack(data[:whole]))


def _mask_several(raw: bytes, draw: Draw) -> bytes:
    parts = re.split(rb"([" + re.escape(TERMINATORS) + rb"])", raw)
    return b"".join(part if part in (b"\r", b"\n", b"\t") else mask_reading(part, draw) for part in parts)


_DIGIT_KEYS: Final = tuple(range(2, 12))
_LETTER_KEYS: Final = tuple(code for code, (plain, _) in US_KEYS.items() if chr(plain).isalpha())
_PAD_KEYS: Final = tuple(KEYPAD_DIGITS)
_BRACKET: Final = 27


def mask_keys(raw: bytes, draw: Draw) -> bytes:
    """Key events of readings with other keys of the same kind; what is no whole event stays as it is.

    Kept: the two keys behind a bracket that begins a reading (the symbology), and Alt with 029 (the separator). Raw
    scan codes, which say the key once more, are wiped.
    """
    whole = len(raw) // INPUT_EVENT.size * INPUT_EVENT.size
    events = list(INPUT_EVENT.iter_unpack(raw[:whole]))
    other: dict[int, int] = {}
    seen, prefix, alt = 0, False, 0
    out = []
    for place, (second, micro, kind, code, value) in enumerate(events):
        if kind == EV_MSC:
            value = 0
        elif kind == EV_KEY and code in ALTS:
            alt = place if value == DOWN else 0
        elif kind == EV_KEY and value == DOWN and code in (KEY_ENTER, KEY_KPENTER, KEY_TAB):
            seen, prefix = 0, False
        elif kind == EV_KEY and code in US_KEYS:
            if value == DOWN:
                prefix = prefix or (seen == 0 and code == _BRACKET)
                kept = (prefix and seen <= 2) or (alt and _typed_by_alt(events, alt) == SEPARATOR_DIGITS)
                other[code] = code if kept else _other_key(code, draw)
                seen += 1
            code = other.get(code, code)
        out.append(INPUT_EVENT.pack(second, micro, kind, code, value))
    return b"".join(out) + raw[whole:]


def _other_key(code: int, draw: Draw) -> int:
    for keys in (_DIGIT_KEYS, _LETTER_KEYS, _PAD_KEYS):
        if code in keys:
            return keys[int(draw() * len(keys))]
    return code


def _typed_by_alt(events: list[tuple[int, ...]], alt: int) -> str:
    """The digits typed on the keypad while this Alt was down."""
    digits = ""
    for _, _, kind, code, value in events[alt + 1 :]:
        if kind == EV_KEY and code in ALTS:
            break
        if kind == EV_KEY and value == DOWN and code in KEYPAD_DIGITS:
            digits += str(KEYPAD_DIGITS[code])
    return digits
