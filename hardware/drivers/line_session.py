"""One line to a device, opened and worked on until it is gone or somebody shuts it: what guns and readers share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from hardware.ports import ByteStream
from sync.kernel.outcome import Unavailable


class LineSession(ABC):
    """A session for `supervisor.Keeper`. A device says in `_work` what it does with the opened line."""

    def __init__(self, open_stream: Callable[[], ByteStream]) -> None:
        self._open_stream = open_stream
        self._lock = threading.Lock()
        self._stream: ByteStream | None = None
        self._closed = False

    @abstractmethod
    def _work(self, stream: ByteStream, opened: Callable[[], None]) -> None:
        """Calls `opened` once the device is known to be there. Ends by raising `Unavailable`."""

    def run(self, opened: Callable[[], None]) -> None:
        """What was half heard does not outlive the line it came over: `_work` begins anew each time."""
        stream = self._open_stream()
        with self._lock:
            self._stream = stream
            closed = self._closed
        try:
            if closed:
                raise Unavailable("device.closed")
            self._work(stream, opened)
        finally:
            stream.close()
            with self._lock:
                self._stream = None

    def drop(self) -> None:
        """From any thread: the present `run` ends with `Unavailable`; it may be called again."""
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.close()

    def close(self) -> None:
        """From any thread; `run` ends with `Unavailable` and does not start again."""
        with self._lock:
            self._closed = True
        self.drop()
