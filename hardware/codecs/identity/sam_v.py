"""What is said to and by the security module (SAM_V) in a reader of second-generation identity cards.

Request: `AA AA AA 96 69 | length, 2 | command, 2 | data | check`. Answer: the same with three status bytes in place of
the command. The length, high byte first, counts everything behind it; the check is the XOR of everything between the
preamble and itself. A module answers in the order it was asked. No command that asks for fingerprints is known here.

Source: the protocol as public readers' programs speak it, which agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.codecs.identity.card_text import ADDRESS_BYTES, TEXT_BYTES
from sync.kernel.outcome import PeerFault

PREAMBLE = b"\xaa\xaa\xaa\x96\x69"
LENGTH_BYTES_MAX = 4096
LENGTH_BYTES_MIN = 4
PHOTO_BYTES = 1024
BAUDS = (115200, 57600, 38400, 19200, 9600)
OK, FOUND = 0x90, 0x9F

TROUBLES: Mapping[int, str] = {
    0x10: "module.checksum",
    0x11: "module.length",
    0x21: "module.command",
    0x24: "module.unknown-command",
    0x31: "card.refused-reader",
    0x32: "card.refused-by-reader",
    0x33: "card.data-check",
    0x40: "card.wrong-type",
    0x41: "card.read",
    0x47: "module.random",
    0x60: "module.self-test",
    0x66: "module.not-authorised",
    0x80: "card.none",
    0x81: "card.select",
    0x91: "card.no-such-item",
}
"""Third status byte to a word. Every other one is `module.unknown-status`, never a success."""


@dataclass(frozen=True, slots=True)
class Command:
    """`good` is the status byte of success; behind it come exactly `data_bytes`, beginning with `head`."""

    name: str
    body: bytes
    data_bytes: int = 0
    good: int = OK
    head: bytes = b""

    def frame(self) -> bytes:
        return _framed(self.body)


RESET = Command("reset", b"\x10\xff")
STATUS = Command("status", b"\x11\xff")
MODULE = Command("module", b"\x12\xff", 16)
FIND = Command("find", b"\x20\x01", 4, FOUND)
SELECT = Command("select", b"\x20\x02", 8)
_TEXT_AND_PHOTO = TEXT_BYTES.to_bytes(2, "big") + PHOTO_BYTES.to_bytes(2, "big")
READ = Command("read", b"\x30\x01", 4 + TEXT_BYTES + PHOTO_BYTES, head=_TEXT_AND_PHOTO)
ADDRESS = Command("address", b"\x30\x03", ADDRESS_BYTES)
COMMANDS = (RESET, STATUS, MODULE, FIND, SELECT, READ, ADDRESS)


def set_baud(baud: int) -> Command:
    """The order to speak at another speed from now on. ValueError for one that is not among `BAUDS`."""
    return Command("baud", bytes((0x60, BAUDS.index(baud))))


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """One whole frame: length and check are right; what its status means is for the command that it answers."""

    status: bytes
    data: bytes

    def __repr__(self) -> str:
        return f"<answer {self.status.hex()} {len(self.data)} bytes>"

    def frame(self) -> bytes:
        return _framed(self.status + self.data)


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes behind a preamble that are no frame: `frame.length` or `frame.check`."""

    code: str


def xor_of(data: bytes) -> int:
    """All bytes XORed. Folded in halves: a photo's thousand bytes one by one would cost a quarter millisecond."""
    folded, width = int.from_bytes(data, "big"), len(data) * 8
    while width > 8:
        width = (width // 8 + 1) // 2 * 8
        folded = (folded >> width) ^ (folded & ((1 << width) - 1))
    return folded


def _framed(body: bytes) -> bytes:
    counted = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + counted + bytes((xor_of(counted),))


class AnswerReader:
    """Feed it what came; it says which frames there were. Bytes one by one give the same as all at once.

    Never holds more than one frame of `LENGTH_BYTES_MAX`.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Answer | BadFrame]:
        self._held += data
        found: list[Answer | BadFrame] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def clear(self) -> None:
        """Forget what is under way."""
        self._held.clear()

    def _next(self) -> Answer | BadFrame | None:
        held = self._held
        at = held.find(PREAMBLE)
        if at < 0:
            # Only what may be the beginning of a preamble is kept.
            del held[: max(0, len(held) - len(PREAMBLE) + 1)]
            return None
        del held[:at]
        if len(held) < 7:
            return None
        length = int.from_bytes(held[5:7], "big")
        if not LENGTH_BYTES_MIN <= length <= LENGTH_BYTES_MAX:
            del held[:7]
            return BadFrame("frame.length")
        if len(held) < 7 + length:
            return None
        counted, check = bytes(held[5 : 6 + length]), held[6 + length]
        del held[: 7 + length]
        # A bad frame goes as a whole: what looks like a frame inside its photo is none.
        return Answer(counted[2:5], counted[5:]) if xor_of(counted) == check else BadFrame("frame.check")


def trouble(command: Command, answer: Answer) -> str | None:
    """Why this answer is no success of this command: a word of `TROUBLES`, or `answer.shape`; None for a success."""
    if answer.status[:2] != b"\0\0" or answer.status[2] not in (OK, FOUND):
        known = TROUBLES.get(answer.status[2]) if answer.status[:2] == b"\0\0" else None
        return known or "module.unknown-status"
    if answer.status[2] != command.good:
        return "answer.shape"
    whole = len(answer.data) == command.data_bytes and answer.data.startswith(command.head)
    return None if whole else "answer.shape"


def module_number(data: bytes) -> str:
    """NN.NN-YYYYMMDD-NNNNNNNNNN-NNNNNNNNNN of the 16 bytes behind the status. PeerFault `module.number`."""
    if len(data) != MODULE.data_bytes:
        raise PeerFault("module.number")
    first, second = (int.from_bytes(data[at : at + 2], "little") for at in (0, 2))
    day, third, fourth = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8, 12))
    return f"{first:02}.{second:02}-{day:08}-{third:010}-{fourth:010}"


def text_and_photo(answer: Answer) -> tuple[bytes, bytes]:
    """The two parts of a successful `READ`. The photo is opaque: only a licensed decoder opens it."""
    assert trouble(READ, answer) is None, "asked of an answer that was looked at"
    text_at = len(READ.head)
    return answer.data[text_at : text_at + TEXT_BYTES], answer.data[text_at + TEXT_BYTES :]
