"""Processes of a demo: each node its own, started, killed and stopped by its id; nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sync.kernel.outcome import Unavailable

READY_S = 60.0
STOP_S = 20.0
"""A loaded machine may need longer than the three seconds a hub usually takes; by force, its broker stays behind."""


class NodeProcess:
    """`python -m hub|appliance --dir D`, its log in `D/log.txt`. `worker`: which one of a hub's."""

    def __init__(self, module: str, directory: Path, worker: int = 1) -> None:
        self._more = [] if worker == 1 else ["--worker", str(worker)]
        self._state = directory / ("state.json" if worker == 1 else f"worker-{worker}.json")
        self.module = module
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> dict[str, Any]:
        """Start and wait until it says where it is. Raises Unavailable `node.not-ready` with its log beside it."""
        self._state.unlink(missing_ok=True)
        with (self.directory / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, "--dir", str(self.directory), *self._more], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, cwd=Path(__file__).parent.parent.parent, start_new_session=True,
            )  # fmt: skip
        try:
            return self._ready()
        except BaseException:  # also an end from outside: whoever never got the answer cannot stop the process
            self.stop()
            raise

    def _ready(self) -> dict[str, Any]:
        end = time.monotonic() + READY_S
        while time.monotonic() < end and self.running:
            if self._state.exists():
                return dict(json.loads(self._state.read_text("utf-8")))
            time.sleep(0.02)
        raise Unavailable("node.not-ready", 1.0)

    def kill(self) -> None:
        """As a power cut would: no farewell."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def pause(self) -> None:
        """It still holds its ports, and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask, wait, and end it if it does not listen."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def stop_all(processes: list[NodeProcess]) -> None:
    """All at once, so that the slowest one sets the time."""
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        process.stop()
