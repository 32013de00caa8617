"""Key events of a gun in keyboard mode to scans, by a table of our own.

Guns ship as US keyboards; the host's layout, Caps Lock and input method have no say.
Source: Linux kernel, include/uapi/linux/input-event-codes.h (codes) and Documentation/input/event-codes.rst
(SYN_DROPPED).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from hardware.codecs.scan_assembler import LineAssembler
from hardware.ports import Scan, ScanTrouble

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
UP, DOWN = 0, 1
KEY_TAB, KEY_ENTER, KEY_KPENTER = 15, 28, 96
SHIFTS, CTRLS, ALTS = (42, 54), (29, 97), (56, 100)
IGNORED = (58, 69, 70)
"""Caps Lock, Num Lock, Scroll Lock: states of the host, not of the gun."""

INPUT_EVENT = struct.Struct("=qqHHi")
"""seconds, microseconds, type, code, value; 24 bytes on every 64-bit kernel."""


def _rows(*rows: tuple[int, str, str]) -> dict[int, tuple[int, int]]:
    return {
        first + step: (ord(plain), ord(shifted))
        for first, plains, shifteds in rows
        for step, (plain, shifted) in enumerate(zip(plains, shifteds, strict=True))
    }


US_KEYS = _rows(
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
    (117, "=", "="),
)
"""Key code to (plain, shifted) character codes."""

KEYPAD_DIGITS = {code: US_KEYS[code][0] - 48 for code in (71, 72, 73, 75, 76, 77, 79, 80, 81, 82)}


class KeyEvent(NamedTuple):
    """One `input_event` without its time."""

    type: int
    code: int
    value: int


def read_events(held: bytearray) -> list[KeyEvent]:
    """Take the whole events off the front of `held`; a part of one stays there."""
    whole = len(held) // INPUT_EVENT.size * INPUT_EVENT.size
    events = [KeyEvent(*fields[2:]) for fields in INPUT_EVENT.iter_unpack(bytes(held[:whole]))]
    del held[:whole]
    return events


class KeyAssembler:
    """Events to scans, with the same ends, limits and troubles as `LineAssembler`.

    Also: scan.unknown-key (a key that writes nothing we know), scan.dropped-events (the kernel lost some; the rest of
    that scan is given up with it).
    """

    def __init__(self, device: str, silence_s: float = 0.08, max_bytes: int = 4096) -> None:
        self._lines = LineAssembler(device, silence_s, max_bytes)
        self._down: set[int] = set()
        self._alt_digits = ""
        self._until_report = False

    @property
    def deadline_s(self) -> float | None:
        return self._lines.deadline_s

    def tick(self, at_s: float) -> list[Scan | ScanTrouble]:
        return self._lines.tick(at_s)

    def feed(self, events: Iterable[KeyEvent], at_s: float) -> list[Scan | ScanTrouble]:
        found: list[Scan | ScanTrouble] = []
        for event in events:
            if self._until_report:
                self._until_report = (event.type, event.code) != (EV_SYN, SYN_REPORT)
            elif (event.type, event.code) == (EV_SYN, SYN_DROPPED):
                self._down.clear()
                self._alt_digits = ""
                self._until_report = True
                found += self._lines.discard("scan.dropped-events", at_s)
            elif event.type == EV_KEY and event.value in (UP, DOWN):
                # A separator typed as Alt and three digits takes as long as silence does.
                found += self._lines.touch(at_s)
                found += self._key(event.code, event.value, at_s)
        return found

    def _key(self, code: int, value: int, at_s: float) -> list[Scan | ScanTrouble]:
        if code in SHIFTS + CTRLS + ALTS:
            (self._down.add if value == DOWN else self._down.discard)(code)
            return self._alt_code(at_s) if value == UP and code in ALTS else []
        if value == UP or code in IGNORED:
            return []
        if code in (KEY_ENTER, KEY_KPENTER):
            return self._lines.feed(b"\r", at_s)
        if code == KEY_TAB:
            return self._lines.feed(b"\t", at_s)
        if self._down.intersection(ALTS) and code in KEYPAD_DIGITS:
            self._alt_digits += str(KEYPAD_DIGITS[code])
            return []
        if code not in US_KEYS or self._down.intersection(ALTS):
            return self._lines.discard("scan.unknown-key", at_s)
        char = US_KEYS[code][1 if self._down.intersection(SHIFTS) else 0]
        if self._down.intersection(CTRLS):
            char &= 0x1F
        return self._lines.feed(bytes([char]), at_s)

    def _alt_code(self, at_s: float) -> list[Scan | ScanTrouble]:
        """Alt and a number on the keypad writes that character, which is how some guns type a field separator."""
        digits, self._alt_digits = self._alt_digits, ""
        if not digits:
            return []
        if len(digits) > 5 or not 0 < int(digits) < 128:
            return self._lines.discard("scan.unknown-key", at_s)
        return self._lines.feed(bytes([int(digits)]), at_s)
