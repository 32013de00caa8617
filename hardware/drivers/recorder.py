"""Listens on a gun's line beside its driver and writes down what came, masked before it is written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from hardware.codecs.recording import Draw, Masker, Read, head_line, read_line
from hardware.ports import ByteStream, Called

FILE_BYTES_MAX = 16 * 1024 * 1024

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


class Folder:
    """Recordings of a machine's guns, one file a gun and start; none grows beyond `bytes_max`."""

    def __init__(self, folder: Path, draw: Draw, mono_s: Callable[[], float], bytes_max: int = FILE_BYTES_MAX) -> None:
        self._folder = folder
        self._draw = draw
        self._mono_s = mono_s
        self._bytes_max = bytes_max
        self._recorders: list[Recorder] = []

    def listen(self, name: str, line: str, open_it: Callable[[], ByteStream]) -> Callable[[], ByteStream]:
        """What opens the same line, recorded."""
        self._folder.mkdir(parents=True, exist_ok=True)
        plain = "".join(char if char.isalnum() else "-" for char in name)
        path = next(p for n in count(1) if not (p := self._folder / f"{plain}.{n}.jsonl").exists())
        recorder = Recorder(line, partial(self._write, path), self._draw, self._mono_s)
        self._recorders.append(recorder)
        return recorder.on(open_it)

    def _write(self, path: Path, line: str) -> None:
        """A full disk ends a recording and no scan."""
        with contextlib.suppress(OSError), path.open("a", encoding="ascii") as file:
            if file.tell() + len(line) <= self._bytes_max:
                file.write(line)

    def close(self) -> None:
        for recorder in self._recorders:
            recorder.close()


class _Heard:
    def __init__(self, stream: ByteStream, came: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._came = came
        self.write = stream.write
        self.close = stream.close

    def await_caller(self) -> None:
        assert isinstance(self._stream, Called)
        self._stream.await_caller()

    def read(self, timeout_s: float | None) -> bytes:
        data = self._stream.read(timeout_s)
        if data:
            self._came(data)
        return data
