"""What the label printers on the network have in common: a roll, a head, a line, and a journal of what came out."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from hardware.twins.journal import Journal, now_at
from hardware.twins.tcp_server import OneClientServer

BUFFER_BYTES_MAX = 4 * 1024 * 1024


class LabelTwin(ABC):
    """`out_dir` gets `labels.jsonl`, a line a label, with at least `{n, printed_at}`.

    Without labels or with the head open it holds what it received and prints when it can; without power it forgets.
    A kind of printer says how it serves a client, works off what it holds (`_work`) and forgets it (`_forget`); the
    last two are called under `_changed`.
    """

    def __init__(self, port: int, out_dir: Path) -> None:
        self._server = OneClientServer(self._serve, port)
        self._journal = Journal(out_dir / "labels.jsonl")
        self._out_dir = out_dir
        self._changed = threading.Condition()
        self._count = len(self._journal.entries())
        self._no_labels = False
        self._head_open = False

    @abstractmethod
    def _serve(self, client: socket.socket) -> None: ...

    @abstractmethod
    def _work(self) -> None: ...

    @abstractmethod
    def _forget(self) -> None: ...

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def labels(self) -> list[dict[str, Any]]:
        """The journal so far."""
        return self._journal.entries()

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()
        with self._changed:
            self._forget()

    power_on = start
    power_off = close

    def paper_out(self) -> None:
        self._set(no_labels=True)

    def load_paper(self) -> None:
        self._set(no_labels=False)

    def cover_open(self) -> None:
        self._set(head_open=True)

    def cover_close(self) -> None:
        self._set(head_open=False)

    def wait_labels(self, count: int, timeout_s: float = 30.0) -> bool:
        """Whether that many labels came out in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count >= count, timeout_s)

    def _set(self, **what: bool) -> None:
        with self._changed:
            for name, value in what.items():
                setattr(self, f"_{name}", value)
            self._work()

    @property
    def _stuck(self) -> bool:
        return self._no_labels or self._head_open

    @property
    def _next(self) -> int:
        return self._count + 1

    def _came_out(self, **entry: Any) -> None:
        """Number `_next`, whose files are written."""
        self._journal.add({"n": self._next, **entry, "printed_at": now_at()})
        self._count += 1
        self._changed.notify_all()
