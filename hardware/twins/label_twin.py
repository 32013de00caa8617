"""What label printers have in common: a line, a roll, a head, a motor, and a journal of what came out."""

from __future__ import annotations

import math
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.twins.journal import Journal, now_at
from hardware.twins.pty_port import PtyPort
from hardware.twins.tcp_server import OneClientServer

BUFFER_BYTES_MAX = 4 * 1024 * 1024
BOOT_S = 0.5
"""So long after power is back a printer on a cable is deaf; real ones some seconds."""
PIECE_BYTES = 512


@dataclass(frozen=True, slots=True)
class Made:
    """A label that is to come out. `write` keeps it as this number and tells what the journal says of it.

    `again`: it was told to print it anew when something stopped it halfway; what was not told is lost then.
    """

    write: Callable[[int], dict[str, Any]]
    again: bool


class LabelTwin(ABC):
    """`out_dir` gets `labels.jsonl`, a line a label, with at least `{n, complete, printed_at}`.

    `line` is a TCP port (0: any), or the path of a pseudo terminal: a cable stays where it is while power goes, and
    what is sent meanwhile is gone. `label_s` is the time a label takes; what stops it halfway spoils it (`complete`
    False). `bytes_s` is the speed of the line. Without labels, jammed or with the head open it holds what it has and
    goes on when it can; without power it forgets. What reads the line runs ahead of the motor.
    """

    def __init__(self, line: int | Path, out_dir: Path, *, label_s: float = 0.0, bytes_s: float = math.inf) -> None:
        self._server = OneClientServer(self._serve, line) if isinstance(line, int) else None
        self._cable = PtyPort(line, self._from_cable) if isinstance(line, Path) else None
        self._journal = Journal(out_dir / "labels.jsonl")
        self._out_dir = out_dir
        self._label_s = label_s
        self._bytes_s = bytes_s
        self._changed = threading.Condition()
        self._held = b""
        self._ready: list[Made] = []
        entries = self._journal.entries()
        self._next = len(entries) + 1
        self._came = sum(entry.get("complete", True) for entry in entries)
        self._no_labels = self._head_open = self._jammed = False
        self._powered = self._moving = False
        self._boot_until_s = 0.0
        self._motor: threading.Thread | None = None

    @abstractmethod
    def _read(self) -> bytes:
        """Take whole commands off the front of `_held`, `_make` labels; what is answered. Under `_changed`."""

    def _make(self, made: Made) -> None:
        """A label that takes no time is out before the next question is read."""
        if self._label_s or self._ready or self._stuck:
            self._ready.append(made)
        else:
            self._came_out(made, complete=True)

    def _forget(self) -> None:
        """Without power. Under `_changed`."""
        self._held = b""
        self._ready.clear()

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.port

    @property
    def labels(self) -> list[dict[str, Any]]:
        """The journal so far."""
        return self._journal.entries()

    def start(self) -> None:
        if self._cable is not None:
            self._cable.start()
        self.power_on()

    def close(self) -> None:
        self.power_off()
        if self._cable is not None:
            self._cable.close()

    def power_on(self) -> None:
        with self._changed:
            self._powered = True
            if self._cable is not None and self._motor is not None:
                self._boot_until_s = time.monotonic() + BOOT_S
        self._motor = threading.Thread(target=self._move, name="twin-labels", daemon=True)
        self._motor.start()
        if self._server is not None:
            self._server.start()

    def power_off(self) -> None:
        with self._changed:
            self._powered = False
            self._changed.notify_all()
        if self._server is not None:
            self._server.close()
        if self._motor is not None:
            self._motor.join(timeout=10.0)
        with self._changed:
            self._forget()

    def paper_out(self) -> None:
        self._set(no_labels=True)

    def load_paper(self) -> None:
        self._set(no_labels=False)

    def cover_open(self) -> None:
        self._set(head_open=True)

    def cover_close(self) -> None:
        self._set(head_open=False)

    def jam(self) -> None:
        self._set(jammed=True)

    def clear_jam(self) -> None:
        self._set(jammed=False)

    def wait_labels(self, count: int, timeout_s: float = 30.0) -> bool:
        """Whether that many whole labels came out in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._came >= count, timeout_s)

    def wait_moving(self, timeout_s: float = 30.0) -> bool:
        """Whether a label is on its way out in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._moving, timeout_s)

    def _set(self, **what: bool) -> None:
        with self._changed:
            for name, value in what.items():
                setattr(self, f"_{name}", value)
            self._changed.notify_all()

    @property
    def _stuck(self) -> bool:
        return self._no_labels or self._head_open or self._jammed

    def _serve(self, client: socket.socket) -> None:
        while data := client.recv(4096):
            said = self._heard(data)
            if said:
                client.sendall(said)
            if len(self._held) > BUFFER_BYTES_MAX:
                return

    def _from_cable(self, data: bytes) -> list[tuple[bytes, float]]:
        return [(self._heard(data), 0.0)]

    def _heard(self, data: bytes) -> bytes:
        """What it answers, once all of it came over the line."""
        said = b""
        for at in range(0, len(data), PIECE_BYTES):
            piece = data[at : at + PIECE_BYTES]
            if self._bytes_s < math.inf:
                time.sleep(len(piece) / self._bytes_s)  # the speed of the line
            with self._changed:
                if self._powered and time.monotonic() >= self._boot_until_s:
                    self._held += piece
                    said += self._read()
                    self._changed.notify_all()
        return said

    def _move(self) -> None:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: not self._powered or (self._ready and not self._stuck))
                if not self._powered:
                    return
                made, self._moving = self._ready[0], True
                self._changed.notify_all()
                stopped = self._changed.wait_for(lambda: not self._powered or self._stuck, self._label_s)
                self._moving = False
                self._came_out(made, complete=not stopped)
                if not stopped or not made.again:
                    self._ready[:1] = []

    def _came_out(self, made: Made, *, complete: bool) -> None:
        self._journal.add({"n": self._next, "complete": complete, **made.write(self._next), "printed_at": now_at()})
        self._next += 1
        self._came += complete
        self._changed.notify_all()
