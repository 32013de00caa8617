"""Plays recordings of foot switches and loudspeakers back: presses in their own time, calls of the recorded lengths."""

from __future__ import annotations

from pathlib import Path

from hardware.codecs.announcement import Announcement, Word
from hardware.codecs.keymap import DOWN, EV_KEY, INPUT_EVENT, UP
from hardware.codecs.recording import Read
from hardware.drivers.recording_file import recorded

MASK = "某"


def recorded_presses(recording: Path) -> list[Read]:
    """For `ReplayStream`: each press as the kernel told it, down and up."""
    reads = []
    for entry in recorded(recording):
        if "press" in entry:
            events = ((EV_KEY, entry["press"], DOWN), (0, 0, 0), (EV_KEY, entry["press"], UP), (0, 0, 0))
            data = b"".join(INPUT_EVENT.pack(0, 0, *event) for event in events)
            reads.append(Read(round(entry["at_s"] * 1_000_000), data))
    return reads


def recorded_calls(recording: Path) -> list[Announcement]:
    """Calls as long as those that were recorded, for an announcer; what was said is in no recording."""
    calls = []
    for n, entry in enumerate(each for each in recorded(recording) if "call" in each):
        words = tuple(Word(MASK * chars, is_name) for chars, is_name in entry["call"])
        calls.append(Announcement(f"replay-{n}", words, entry["repeat"], entry["rate"], entry["urgent"]))
    return calls
