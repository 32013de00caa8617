"""Plays a recording of a printer back into a driver, in the recording's own time; nothing sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from hardware.drivers.recording_file import recorded
from hardware.ports import ByteStream
from sync.kernel.outcome import PeerFault, Unavailable


class RecordedPrinter:
    """`open_stream`, `mono_s` and `draw` are a driver's; each opening goes as it went then.

    `papers` has for each opening the length of what was printed in it, None where the driver only asked. A driver that
    asks otherwise than the recorded one is a PeerFault `recording.order`.
    """

    def __init__(self, path: Path) -> None:
        entries = list(recorded(path))
        if not entries or "speaks" not in entries[0]:
            raise PeerFault("recording", "head")
        self.language = str(entries[0]["speaks"])
        self._openings = list(_openings(entries))
        self.papers = [next((one["paper"] for one in each if "paper" in one), None) for each in self._openings]
        self._next = iter(self._openings)
        self._now_s = 0.0
        words = (bytes.fromhex(one["to"]) for one in chain(*self._openings) if "to" in one)
        self._letters = (letter for word in words if word.startswith(b'OUT "') for letter in word[5:-3])

    def mono_s(self) -> float:
        return self._now_s

    def draw(self) -> float:
        """Of the words that were asked for then, letter by letter."""
        return (next(self._letters) - ord("A") + 0.5) / 26

    def open_stream(self) -> ByteStream:
        opening = next(self._next, None)
        if opening is None or "gone" in opening[0]:
            raise Unavailable("device.gone")
        return _Opening(opening, self._mono_s_is)

    def _mono_s_is(self, at_s: float) -> float:
        self._now_s = max(self._now_s, at_s)
        return self._now_s


def _openings(entries: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Each begins with `open` or is `gone`; what was left out because it was the same is left out here, too."""
    begun_s = last_s = 0.0
    opening: list[dict[str, Any]] = []
    for entry in entries:
        if "speaks" in entry:
            begun_s = last_s - float(entry["at_s"])
        last_s = begun_s + float(entry["at_s"])
        if "open" in entry or "gone" in entry:
            opening = [{**entry, "at_s": last_s}]
            yield opening
        elif opening and "same" not in entry:
            opening.append({**entry, "at_s": last_s})


class _Opening:
    def __init__(self, entries: list[dict[str, Any]], now_is: Callable[[float], float]) -> None:
        self._left = entries[1:]
        self._now_is = now_is
        now_is(entries[0]["at_s"])

    def read(self, timeout_s: float | None) -> bytes:
        until_s = self._now_is(0.0) + (timeout_s or 0.0)
        while self._left and self._left[0]["at_s"] <= until_s:
            if "broke" in self._left[0]:
                self._now_is(self._left.pop(0)["at_s"])
                raise Unavailable("device.gone")
            if "from" not in self._left[0]:
                break
            entry = self._left.pop(0)
            self._now_is(entry["at_s"])
            if entry["from"]:
                return bytes.fromhex(entry["from"])
        self._now_is(until_s)
        return b""

    def write(self, data: bytes) -> None:
        entry = self._left.pop(0) if self._left else {}
        if "paper" not in entry and entry.get("to") != data.hex():
            raise PeerFault("recording.order")
        self._now_is(entry["at_s"])
        if self._left and "broke" in self._left[0]:
            raise Unavailable("device.gone")

    def close(self) -> None:
        self._left.clear()
