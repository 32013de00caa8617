"""What may be written down of the talk with a printer: every question, of each answer what was asked for, no paper.

A slip or a label holds the name of a patient in text or dots, so of what is printed a recording knows its length and
whether it was sent before. It is not masked and not sealed: what the printer says depends on neither letter nor dot,
the paper itself is in the ledger of its box, and a key to a sealed copy would have to lie with whoever helps. A line
that echoes must not bring the paper in as an answer, therefore an answer is kept only as far as a question asked for
it and in the bits that mean something; everything else is counted.

A recording is a file of JSON documents, one a line: `{"speaks": language}`, then per opening of the line
`{"open": true}` or `{"gone": true}`, `{"to": question in hex}`, `{"paper": bytes, "no": n-th different paper}`,
`{"from": answer in hex, "other": bytes not kept}` and `{"closed": true}`; each has `at_s`, seconds since the beginning.
`{"broke": true}` is a line that broke in mid-opening, `{"same": k}` says that so many openings like the last one were
left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from hardware.codecs import escpos_status, tspl, zpl
from hardware.codecs.escpos_out import END_HALF, PROOF

STX, ETX = 0x02, 0x03
ZPL_LINES, ZPL_LINE_CHARS = 3, 80


class Ear(Protocol):
    """Of one opening, in one language."""

    def asked(self, data: bytes) -> bool:
        """Whether these bytes are a question, or an order of a few fixed ones, and no paper; its answer may be kept."""

    def heard(self, data: bytes) -> bytes:
        """What of it was asked for."""


class EscposEar:
    """One byte a question: real-time status as it is, the answer in order with the four bits of its sensors."""

    def __init__(self) -> None:
        self._real_time = self._in_order = 0

    def asked(self, data: bytes) -> bool:
        if data == PROOF:
            self._in_order += 1
        elif data in (escpos_status.ask(n) for n in range(1, 5)):
            self._real_time += 1
        elif data != END_HALF:
            # a slip ends with the question whether it came out
            self._in_order += data.endswith(PROOF)
            return False
        return True

    def heard(self, data: bytes) -> bytes:
        kept = bytearray()
        for byte in data:
            if byte & 0x93 == 0x12 and self._real_time:
                self._real_time -= 1
                kept.append(byte)
            elif byte & 0x90 == 0 and self._in_order:
                self._in_order -= 1
                kept.append(byte & 0x0F)
        return bytes(kept)


class TsplEar:
    """One byte a question about state; of words those that were asked for, letter by letter, with their line end."""

    _OUT: Final = re.compile(rb'OUT "([A-Z]+)"\r\n')

    def __init__(self) -> None:
        self._states = 0
        self._word = b""

    def asked(self, data: bytes) -> bool:
        if data == tspl.ASK_STATUS:
            self._states += 1
        elif found := self._OUT.fullmatch(data):
            self._word += found[1] + b"\r\n"
        else:
            return data == tspl.END_HALF
        return True

    def heard(self, data: bytes) -> bytes:
        kept = bytearray()
        for byte in data:
            if self._word.startswith(bytes([byte])):
                self._word = self._word[1:]
                kept.append(byte)
            elif self._states and tspl.decode_status(byte) is not None:
                self._states -= 1
                kept.append(byte)
        return bytes(kept)


class ZplEar:
    """Three lines a question, each between STX and ETX, of digits and commas."""

    def __init__(self) -> None:
        self._lines = 0
        self._room = 0

    def asked(self, data: bytes) -> bool:
        if data == zpl.ASK_STATUS:
            self._lines += ZPL_LINES
            return True
        return data == zpl.BEFORE_LABEL

    def heard(self, data: bytes) -> bytes:
        kept = bytearray()
        for byte in data:
            if byte == STX and self._lines:
                self._lines -= 1
                self._room = ZPL_LINE_CHARS
                kept.append(byte)
            elif byte == ETX and self._room:
                self._room = 0
                kept.append(byte)
            elif byte in b"0123456789," and self._room > 1:
                self._room -= 1
                kept.append(byte)
            else:
                self._room = 0
        return bytes(kept)


EARS: Final[dict[str, Callable[[], Ear]]] = {"escpos": EscposEar, "tspl": TsplEar, "zpl": ZplEar}
"""By the language that the settings name."""
