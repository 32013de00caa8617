"""Programs that a twin starts and that end with it, even when its own process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_KEEPER = """
kept=' '
while read -r sign pid; do
    case $sign in
        +) kept="$kept$pid " ;;
        -) kept="${kept%% $pid *} ${kept#* $pid }" ;;
    esac
done
for pid in $kept; do kill -9 "-$pid"; done
"""
"""Hears of each program that starts and ends. When nobody is left to tell it anything, it ends those still running."""


class Children:
    """Each program has a process group of its own; `end` and `close` kill the whole of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {**os.environ, **environ}
        self._running: list[subprocess.Popen[bytes]] = []
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            start_new_session=True,
        )  # fmt: skip

    def start(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            child = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        self._tell("+", child)
        self._running.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        self._reap(child)

    def end_alone(self, child: subprocess.Popen[bytes]) -> None:
        """kill -9 of the program; what it started runs on."""
        child.kill()
        self._reap(child)

    def close(self) -> None:
        for child in reversed(self._running[:]):
            self.end(child)
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()

    def _reap(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        self._running.remove(child)
        self._tell("-", child)

    def _tell(self, sign: str, child: subprocess.Popen[bytes]) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{sign} {child.pid}\n".encode())
