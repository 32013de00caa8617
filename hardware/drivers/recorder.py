"""Listens on a gun's line beside its driver and writes down what came, masked before it is written."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hardware.codecs.recording import Draw, Masker, Read, head_line, read_line
from hardware.ports import ByteStream

Write = Callable[[str], object]
"""One whole line of the recording. Masked: nothing else ever reaches it."""


class Recorder:
    """One recording, over as many openings of the line as there are. `begun_s`, `mono_s`: one monotonic clock."""

    def __init__(self, line: str, write: Write, draw: Draw, mono_s: Callable[[], float]) -> None:
        self._masker = Masker(line, draw)
        self._write = write
        self._mono_s = mono_s
        self._begun_s = mono_s()
        self._lock = threading.Lock()
        write(head_line(line))

    def on(self, open_stream: Callable[[], ByteStream]) -> Callable[[], ByteStream]:
        """What opens the same line, listened to."""
        return lambda: _Heard(open_stream(), self._came)

    def close(self) -> None:
        """Write the reading that is under way."""
        with self._lock:
            self._say(self._masker.flush())

    def _came(self, data: bytes) -> None:
        at_us = round((self._mono_s() - self._begun_s) * 1_000_000)
        with self._lock:
            self._say(self._masker.feed(Read(at_us, data)))

    def _say(self, reads: list[Read]) -> None:
        for read in reads:
            self._write(read_line(read))


class _Heard:
    def __init__(self, stream: ByteStream, came: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._came = came
        self.write = stream.write
        self.close = stream.close

    def read(self, timeout_s: float | None) -> bytes:
        data = self._stream.read(timeout_s)
        if data:
            self._came(data)
        return data
