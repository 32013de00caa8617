"""Bytes of a gun to scans.

A scan ends at CR, LF or TAB (CR LF counts once), or after silence. Half a number is worse than none: what is too
long, undecodable or holds control characters is one trouble, and nothing of it is kept.
"""

from __future__ import annotations

import re
import unicodedata

from hardware.ports import Scan, ScanTrouble

AIM_PREFIX = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
GS1_PREFIXES = (b"]C1", b"]d2", b"]Q3", b"]e0")
"""Only behind these is 1Dh a field separator. Source: GS1 General Specifications, section 5 (symbology identifiers)."""

TERMINATORS = b"\r\n\t"


def read_scan(raw: bytes, device: str, terminated: bool) -> Scan | ScanTrouble:
    """What one whole reading says. UTF-8 is tried strictly first, then GB18030.

    Troubles: scan.empty (a prefix and nothing behind it), scan.undecodable, scan.control-characters.
    """
    prefix = AIM_PREFIX.match(raw)
    symbology = prefix.group().decode("ascii") if prefix else None
    body = raw[3:] if prefix else raw
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = body.decode("gb18030")
        except UnicodeDecodeError:
            return ScanTrouble(device, "scan.undecodable")
    if not text:
        return ScanTrouble(device, "scan.empty")
    allowed = "\x1d" if raw[:3] in GS1_PREFIXES else ""
    if any(unicodedata.category(char) == "Cc" and char not in allowed for char in text):
        return ScanTrouble(device, "scan.control-characters")
    return Scan(text, raw, device, symbology, terminated)


class LineAssembler:
    """Feed it what came and when; it says what was read. Bytes one by one give the same as all at once.

    `at_s` is a monotonic clock's, never decreasing. `tick` is due at `deadline_s`.
    """

    def __init__(self, device: str, silence_s: float = 0.08, max_bytes: int = 4096) -> None:
        self._device = device
        self._silence_s = silence_s
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._skipping = False
        self._last_s = 0.0

    @property
    def deadline_s(self) -> float | None:
        """When silence ends what is under way; None between scans."""
        return self._last_s + self._silence_s if self._held or self._skipping else None

    def feed(self, data: bytes, at_s: float) -> list[Scan | ScanTrouble]:
        found = self.tick(at_s)
        for byte in data:
            self._last_s = at_s
            if byte in TERMINATORS:
                found += self._end(terminated=True)
            elif not self._skipping:
                self._held.append(byte)
                if len(self._held) > self._max_bytes:
                    found += self.discard("scan.too-long", at_s)
        return found

    def tick(self, at_s: float) -> list[Scan | ScanTrouble]:
        deadline_s = self.deadline_s
        return self._end(terminated=False) if deadline_s is not None and at_s >= deadline_s else []

    def touch(self, at_s: float) -> list[Scan | ScanTrouble]:
        """Something came that is no character by itself: the reading goes on."""
        found = self.tick(at_s)
        self._last_s = at_s
        return found

    def discard(self, code: str, at_s: float) -> list[Scan | ScanTrouble]:
        """Give up what is under way, up to its terminator or the silence behind it. One trouble a reading."""
        found = self.tick(at_s)
        if not self._skipping:
            found.append(ScanTrouble(self._device, code))
        self._held.clear()
        self._skipping = True
        self._last_s = at_s
        return found

    def _end(self, terminated: bool) -> list[Scan | ScanTrouble]:
        raw = bytes(self._held)
        self._held.clear()
        self._skipping = False
        return [read_scan(raw, self._device, terminated)] if raw else []
