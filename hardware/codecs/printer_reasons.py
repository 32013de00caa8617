"""Reasons why an IPP printer stands still, as the words of a device page.

How bad a reason is, its suffix, is not stable: what the printer calls an error is a warning at the print server, and a
report later. Source: RFC 8011, section 5.4.12; observed, CUPS 2.4.2, 2026.
"""

from __future__ import annotations

from collections.abc import Iterable

from hardware.ports import PrinterStatus

IDLE, PROCESSING, STOPPED = 3, 4, 5
"""Printer states. Source: RFC 8011, section 5.4.11."""

_STANDING = (
    ("media-jam", "jam"),
    ("cover-open", "cover-open"),
    ("door-open", "cover-open"),
    ("interlock-open", "cover-open"),
    ("media-empty", "paper-out"),
    ("media-needed", "paper-out"),
    ("input-tray-missing", "tray-missing"),
    ("output-area-full", "output-full"),
    ("toner-empty", "toner-out"),
    ("marker-supply-empty", "toner-out"),
    ("marker-waste-full", "toner-out"),
    ("fuser-over-temp", "error"),
    ("shutdown", "gone"),
    ("offline", "offline"),
    ("connecting-to-device", "gone"),
    ("timed-out", "gone"),
    ("paused", "paused"),
    ("moving-to-paused", "paused"),
)
_SOON = frozenset(
    {"media-low", "toner-low", "marker-supply-low", "marker-waste-almost-full", "output-area-almost-full"}
)


def plain(reason: str) -> str:
    """A keyword without its suffix."""
    for suffix in ("-error", "-warning", "-report"):
        if reason.endswith(suffix):
            return reason.removesuffix(suffix)
    return reason


def standing(reasons: Iterable[str]) -> str:
    """What keeps it from printing, the first thing for hands to do; empty when nothing does."""
    said = {plain(reason) for reason in reasons}
    return next((word for keyword, word in _STANDING if keyword in said), "")


def status_of(state: int, reasons: Iterable[str], *, accepting: bool = True) -> PrinterStatus:
    """A printer that says neither state nor reason is unknown."""
    told = tuple(reasons)
    word = standing(told)
    if word:
        return PrinterStatus("attention", word)
    if state == STOPPED or not accepting:
        return PrinterStatus("attention", "paused")
    if state not in (IDLE, PROCESSING):
        return PrinterStatus("unknown", "silent")
    return PrinterStatus("ready", near_end=bool(_SOON & {plain(reason) for reason in told}))
