"""A label printer on the network: keeps each label's ZPL, and answers ~HS.

Pictures of labels are made elsewhere (tests render what was kept); this twin knows when a label comes out, not how it
looks.
"""

from __future__ import annotations

import base64
import socket
import threading
from pathlib import Path
from typing import Any

from hardware.twins.journal import Journal, now_at
from hardware.twins.tcp_server import OneClientServer

BUFFER_BYTES_MAX = 4 * 1024 * 1024


class ZplPrinterTwin:
    """`out_dir` gets `label-0001.zpl` … and `labels.jsonl`: `{n, zpl, bytes, received_at, printed_at}`.

    `bytes` is base64. Without labels or with the head open it holds what it received and prints when it can; without
    power it forgets.
    """

    def __init__(self, port: int, out_dir: Path) -> None:
        self._server = OneClientServer(self._serve, port)
        self._journal = Journal(out_dir / "labels.jsonl")
        self._out_dir = out_dir
        self._changed = threading.Condition()
        self._waiting: list[tuple[bytes, str]] = []
        self._count = len(self._journal.entries())
        self._partial = False
        self._no_labels = False
        self._head_open = False

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
            self._waiting.clear()

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
            self._print()

    def _serve(self, client: socket.socket) -> None:
        held = b""
        while data := client.recv(65536):
            held += data
            with self._changed:
                held = self._read(held, client)
                self._partial = b"^XA" in held
            if len(held) > BUFFER_BYTES_MAX:
                return

    def _read(self, held: bytes, client: socket.socket) -> bytes:
        """Take whole labels and questions off the front, in order."""
        while True:
            start, ask = held.find(b"^XA"), held.find(b"~HS")
            if ask >= 0 and (start < 0 or ask < start):
                held = held[ask + 3 :]
                client.sendall(self._host_status())
                continue
            end = held.find(b"^XZ", start) if start >= 0 else -1
            if end < 0:
                return held[-BUFFER_BYTES_MAX - 1 :] if start >= 0 else held[-2:]
            self._waiting.append((held[start : end + 3], now_at()))
            held = held[end + 3 :]
            self._print()

    def _print(self) -> None:
        while self._waiting and not self._no_labels and not self._head_open:
            made, received_at = self._waiting.pop(0)
            n = self._count + 1
            zpl = f"label-{n:04d}.zpl"
            (self._out_dir / zpl).write_bytes(made)
            entry = {"n": n, "zpl": zpl, "bytes": base64.b64encode(made).decode("ascii")}
            self._journal.add({**entry, "received_at": received_at, "printed_at": now_at()})
            self._count = n
        self._changed.notify_all()

    def _host_status(self) -> bytes:
        """Three lines. Source: Zebra, ZPL II Programming Guide, ~HS."""
        out, head, waiting = int(self._no_labels), int(self._head_open), len(self._waiting)
        paused = int(bool(out or head))
        lines = (
            f"030,{out},{paused},1245,{min(waiting, 999):03d},0,0,{int(self._partial)},000,0,0,0",
            f"000,0,{head},0,0,2,4,0,{waiting:08d},1,000",
            "1234,0",
        )
        return b"".join(b"\x02" + line.encode("ascii") + b"\x03\r\n" for line in lines)
