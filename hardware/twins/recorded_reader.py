"""Plays a recording of a card reader back: each command gets what the reader answered to it then, in that order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

from hardware.codecs.identity.sam_v import FIND, MODULE, PREAMBLE, Answer
from hardware.drivers.recording_file import recorded
from hardware.twins.card_reader import NUMBER, requests_in
from hardware.twins.pty_port import PtyPort

NO_CARD = Answer(b"\x00\x00\x80", b"").frame()
BAD_FRAMES = {"frame.check": PREAMBLE + bytes.fromhex("0004000090ff"), "frame.length": PREAMBLE + b"\xff\xff"}


class RecordedReader:
    """What was said at `path` is over when every answer was given; after that there is no card any more."""

    def __init__(self, path: Path, recording: Path) -> None:
        self._answers = _read(recording)
        self._held = bytearray()
        self._port = PtyPort(path, self._hear)
        self.start, self.close = self._port.start, self._port.close

    @property
    def left(self) -> int:
        """How many recorded answers to others than the module's number have not been asked for."""
        return sum(len(each) for command, each in self._answers.items() if command != MODULE.body)

    def _hear(self, data: bytes) -> list[tuple[bytes, float]]:
        self._held += data
        return [(self._answer(body[:2]), 0.0) for body in requests_in(self._held)]

    def _answer(self, command: bytes) -> bytes:
        if self._answers[command]:
            return self._answers[command].popleft()
        if command == MODULE.body:
            return Answer(b"\x00\x00\x90", NUMBER).frame()
        return NO_CARD if command == FIND.body else b""


def _read(recording: Path) -> dict[bytes, deque[bytes]]:
    """Command to all that was said after it and before the next; nothing where there was a silence."""
    answers: dict[bytes, deque[bytes]] = defaultdict(deque)
    asked = b""
    for entry in recorded(recording):
        if "to" in entry:
            asked = bytes.fromhex(entry["to"])[7:9]
            answers[asked].append(b"")
        elif answers[asked]:
            answers[asked][-1] += BAD_FRAMES[entry["bad"]] if "bad" in entry else bytes.fromhex(entry["from"])
    return answers


def recorded_zones(recording: Path) -> Iterator[str]:
    """What a passport reader sent, for `SerialGunTwin.send`; a zone with a wrong check digit has one again."""
    for entry in recorded(recording):
        lines = entry.get("zone") or ["<" * chars for chars in entry["chars"]]
        if entry["code"] == "identity.check-digit":
            at = 1  # the line with the composite digit of all three forms
            lines[at] = lines[at][:-1] + str((int(lines[at][-1]) + 1) % 10)
        yield "".join(line + "\r" for line in lines)
