"""A reader of second-generation cards on a pseudo terminal: whoever opens `path` speaks with a SAM_V module.

It keeps the module's own rules: select only after find, read only after select, and a card that was read is found again
only after it was taken away. It can misbehave as readers and cables do. A stand-in: both ends are ours.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.card_text import ADDRESS_BYTES
from hardware.codecs.identity.chip import Chip
from hardware.codecs.identity.sam_v import Answer
from hardware.twins.journal import Journal, now_at
from hardware.twins.pty_port import PtyPort

Fault = Literal["", "wrong-xor", "wrong-length", "silence", "half", "garbage", "slow", "previous"]
NUMBER = bytes.fromhex("0500010063763401") + (7).to_bytes(4, "little") + (42).to_bytes(4, "little")
OK, FOUND, NONE, NOT_SELECTED, NOT_READ, NO_ITEM, UNKNOWN = 0x90, 0x9F, 0x80, 0x81, 0x41, 0x91, 0x21


class CardReaderTwin:
    """`asked` holds the command bytes of every request, in order; the journal the same with its status, no person."""

    def __init__(self, path: Path, journal: Journal | None = None) -> None:
        self.path = path
        self.asked: list[bytes] = []
        self._journal = journal
        self._changed = threading.Condition()
        self._chip: Chip | None = None
        self._found = self._selected = self._was_read = False
        self._last: Chip | None = None
        self._faults: list[tuple[str, Fault, float]] = []
        self._take_at = ""
        self._held = bytearray()
        self._port = PtyPort(path, self._hear)

    @property
    def url(self) -> str:
        return str(self.path)

    def start(self) -> None:
        """Plug it in: `path` leads to a new terminal."""
        self._held.clear()
        self._port.start()

    def close(self) -> None:
        """Pull it out."""
        self._port.close()

    plug = start
    unplug = close

    def put(self, chip: Chip) -> None:
        """Lay a card on it."""
        with self._changed:
            self._chip = chip
            self._found = self._selected = self._was_read = False

    def take(self) -> None:
        """Take the card away."""
        with self._changed:
            self._drop_card()

    def take_before(self, command: str) -> None:
        """Take the card away just before the next command of this name is answered."""
        with self._changed:
            self._take_at = command

    def misbehave(self, command: str, *faults: Fault, wait_s: float = 0.0) -> None:
        """What the next answers to this command suffer, one after the other."""
        with self._changed:
            self._faults += [(command, fault, wait_s) for fault in faults]

    def wait_asked(self, count: int, command: bytes, timeout_s: float = 30.0) -> bool:
        """Until this command was asked so often."""
        with self._changed:
            return self._changed.wait_for(lambda: self.asked.count(command) >= count, timeout_s)

    def _drop_card(self) -> None:
        self._chip = None
        self._found = self._selected = self._was_read = False

    def _hear(self, data: bytes) -> list[tuple[bytes, float]]:
        self._held += data
        return [self._answer(body) for body in requests_in(self._held)]

    def _answer(self, body: bytes) -> tuple[bytes, float]:
        command = next((each for each in sam_v.COMMANDS if each.body == body[:2]), None)
        name = command.name if command else body[:2].hex()
        with self._changed:
            if self._take_at == name:
                self._take_at = ""
                self._drop_card()
            fault, wait_s = self._fault(name)
            status, data = self._obey(name)
            if fault == "previous" and self._last is not None:
                status, data = OK, _read_data(self._last)
            self.asked.append(bytes(body[:2]))
            self._changed.notify_all()
        if self._journal is not None:
            self._journal.add({"at": now_at(), "command": name, "status": f"{status:02x}", "fault": fault})
        frame = Answer(bytes((0, 0, status)), data).frame()
        return _spoilt(frame, fault), wait_s

    def _fault(self, name: str) -> tuple[Fault, float]:
        for at, (command, fault, wait_s) in enumerate(self._faults):
            if command == name:
                del self._faults[at]
                return fault, wait_s
        return "", 0.0

    def _obey(self, name: str) -> tuple[int, bytes]:
        chip = self._chip
        match name:
            case "reset" | "status":
                return OK, b""
            case "module":
                return OK, NUMBER
            case "find":
                self._found = chip is not None and not self._was_read
                self._selected = False
                return (FOUND, bytes(4)) if self._found else (NONE, b"")
            case "select":
                self._selected = self._found
                return (OK, bytes(8)) if self._selected else (NOT_SELECTED, b"")
            case "read":
                if chip is None or not self._selected:
                    return NOT_READ, b""
                self._was_read, self._last = True, chip
                return OK, _read_data(chip)
            case "address":
                if chip is None or not self._was_read:
                    return NOT_READ, b""
                if chip.latest_address is None:
                    return NO_ITEM, b""
                return OK, chip.latest_address.ljust(ADDRESS_BYTES // 2).encode("utf-16-le")
        return UNKNOWN, b""


def _read_data(chip: Chip) -> bytes:
    return sam_v.READ.head + chip.text + chip.photo


def requests_in(held: bytearray) -> Iterator[bytes]:
    """Whole requests: command bytes and data, without length and check. Bad ones are passed over."""
    while (at := held.find(sam_v.PREAMBLE)) >= 0 and len(held) >= at + 7:
        length = int.from_bytes(held[at + 5 : at + 7], "big")
        end = at + 7 + length
        if len(held) < end:
            return
        body = bytes(held[at + 5 : end])
        del held[:end]
        if length >= 3 and sam_v.xor_of(body) == 0:
            yield body[2:-1]


def _spoilt(frame: bytes, fault: Fault) -> bytes:
    match fault:
        case "wrong-xor":
            return frame[:-1] + bytes((frame[-1] ^ 0x5A,))
        case "wrong-length":
            return frame[:5] + b"\xff\xff" + frame[7:]
        case "silence":
            return b""
        case "half":
            return frame[: len(frame) // 2]
        case "garbage":
            return b"\x00\xff\xaa\xaa\xaa\x96" * 20
    return frame
