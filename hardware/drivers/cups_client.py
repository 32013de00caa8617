"""A print server as its questions, each with a deadline: what CUPS' own library does happens in a child process.

The library crashes when threads share a connection and waits without end for a server that hangs. A child that is late
or dies is replaced; the caller gets `Unavailable` and cannot know whether what it asked was done.
"""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import sys
import time
from typing import Any, Protocol

from sync.kernel.outcome import Unavailable

ANSWER_S = 20.0
DOCUMENT_S = 120.0
"""Taking a document of a hundred megabytes, on a machine that is busy."""
WORKER = "hardware.drivers.cups_worker"


class Refused(Exception):
    """Print server or printer said no; `status` is IPP's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"IPP {status:#06x}")
        self.status = status


class PrintServer(Protocol):
    """A print server, asked by one thread and closed by any."""

    def ask(self, do: str, data: bytes = b"", **what: Any) -> Any:
        """Raises `Refused`, or `Unavailable`: nobody there, no answer (`late`), the extra not installed (`no-cups`)."""

    def close(self) -> None: ...


class CupsClient:
    """One child at a time; used by one thread, `close` by any. `server` is host:port or the path of a socket."""

    def __init__(self, server: str, *, answer_s: float = ANSWER_S) -> None:
        self.server = server
        self._answer_s = answer_s
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, do: str, data: bytes = b"", **what: Any) -> Any:
        child = self._running()
        within_s = DOCUMENT_S if data else self._answer_s
        line = json.dumps({"do": do, "bytes": len(data), **what}).encode() + b"\n"
        try:
            told = json.loads(_exchange(child, line + data, within_s))
        except (OSError, ValueError) as fault:
            self.close()
            raise Unavailable("printer.late") from fault
        if told.get("fault") == "refused":
            raise Refused(int(told["status"]))
        if "fault" in told:
            raise Unavailable("printer.gone")
        return told["ok"]

    def close(self) -> None:
        """Ends the child; the next question starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                try:
                    pipe.close()
                except OSError:
                    continue  # a question that nobody will read

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            if importlib.util.find_spec("cups") is None:
                raise Unavailable("printer.no-cups")
            self._child = subprocess.Popen(
                [sys.executable, "-m", WORKER, self.server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            assert self._child.stdin is not None
            os.set_blocking(self._child.stdin.fileno(), False)
        return self._child


def _exchange(child: subprocess.Popen[bytes], question: bytes, within_s: float) -> bytes:
    """The line that answers. OSError when the child is gone or the time is over."""
    assert child.stdin is not None and child.stdout is not None
    until_s = time.monotonic() + within_s
    rest, answer = memoryview(question), b""
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdin, selectors.EVENT_WRITE)
        ready.register(child.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            left_s = until_s - time.monotonic()
            found = ready.select(left_s) if left_s > 0 else []
            if not found:
                raise TimeoutError
            for key, _ in found:
                if key.fileobj is child.stdin:
                    rest = rest[os.write(key.fd, rest[:65_536]) :]
                    if not rest:
                        ready.unregister(child.stdin)
                elif piece := os.read(key.fd, 65_536):
                    answer += piece
                else:
                    raise BrokenPipeError
    return answer
