"""What a gun said last, without what it read: enough to see that it works, and how it is set."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hardware.codecs.gs1 import SEPARATOR, Gs1Trouble, is_gs1, read_elements
from hardware.ports import Scan, ScanTrouble


@dataclass(frozen=True, slots=True)
class Heard:
    """What a gun said last, without what it read: enough to see that it works.

    `last_gs1`: the identifiers of a GS1 code, or why it could not be taken apart. `sends_separators`: it has sent one.
    """

    scans: int = 0
    troubles: int = 0
    last_chars: int | None = None
    last_symbology: str | None = None
    last_terminated: bool = True
    last_trouble: str = ""
    last_gs1: str = ""
    sends_separators: bool = False
    at_mono_s: float | None = None

    def scanned(self, scan: Scan, at_mono_s: float) -> Heard:
        separators = self.sends_separators or SEPARATOR in scan.text
        return replace(
            self,
            scans=self.scans + 1,
            last_chars=len(scan.text),
            last_symbology=scan.symbology,
            last_terminated=scan.terminated,
            last_trouble="",
            last_gs1=_identifiers(scan, separators),
            sends_separators=separators,
            at_mono_s=at_mono_s,
        )

    def troubled(self, trouble: ScanTrouble, at_mono_s: float) -> Heard:
        return replace(self, troubles=self.troubles + 1, last_trouble=trouble.code, at_mono_s=at_mono_s)


def _identifiers(scan: Scan, separators: bool) -> str:
    if not is_gs1(scan):
        return ""
    found = read_elements(scan.text, sends_separators=separators)
    return found.code if isinstance(found, Gs1Trouble) else " ".join(each.ai for each in found.elements)
