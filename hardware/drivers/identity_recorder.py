"""Writes down what identity readers said, for support: no person is in it before it reaches the disk.

A card reader has `{"to": command in hex}`, `{"from": masked frame in hex}`, and `{"bad": code}` for bytes that
were no frame, whose contents are not kept. A passport reader has `{"zone": masked lines, "code": why refused}` and
`{"chars": lengths of lines, "code"}` for what was no zone. `twins.recorded_reader` plays both.
"""

from __future__ import annotations

from collections.abc import Sequence

from hardware.codecs.identity.masking import masked_answer, masked_zone
from hardware.codecs.identity.mrz import read_zone_form
from hardware.codecs.identity.sam_v import Answer, AnswerReader
from hardware.drivers.recording_file import RecordingFile
from hardware.ports import ByteStream


class RecordedLine:
    """A card reader's line that is written down."""

    def __init__(self, line: ByteStream, file: RecordingFile) -> None:
        self._line = line
        self._file = file
        self._reader = AnswerReader()

    def read(self, timeout_s: float | None) -> bytes:
        data = self._line.read(timeout_s)
        for found in self._reader.feed(data):
            if isinstance(found, Answer):
                self._file.add({"from": masked_answer(found).frame().hex()})
            else:
                self._file.add({"bad": found.code})
        return data

    def write(self, data: bytes) -> None:
        self._file.add({"to": data.hex()})
        self._line.write(data)

    def close(self) -> None:
        self._line.close()
        self._file.close()


def add_zone(file: RecordingFile, lines: Sequence[str], code: str) -> None:
    """What a passport reader sent, and why it was refused (empty: it was not)."""
    if read_zone_form(lines) is None:
        file.add({"chars": [len(line) for line in lines], "code": code})
    else:
        file.add({"zone": list(masked_zone(tuple(lines))), "code": code})
