"""A label printer on the network: keeps each label's ZPL, and answers ~HS.

Pictures of labels are made elsewhere (tests render what was kept); this twin knows when a label comes out, not how it
looks.
"""

from __future__ import annotations

import base64
import socket
from pathlib import Path

from hardware.twins.journal import now_at
from hardware.twins.label_twin import BUFFER_BYTES_MAX, LabelTwin


class ZplPrinterTwin(LabelTwin):
    """`out_dir` gets `label-0001.zpl` … and `labels.jsonl`: `{n, zpl, bytes, received_at, printed_at}`.

    `bytes` is base64.
    """

    def __init__(self, port: int, out_dir: Path) -> None:
        super().__init__(port, out_dir)
        self._waiting: list[tuple[bytes, str]] = []
        self._partial = False

    def _forget(self) -> None:
        self._waiting.clear()

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
            self._work()

    def _work(self) -> None:
        while self._waiting and not self._stuck:
            made, received_at = self._waiting.pop(0)
            zpl = f"label-{self._next:04d}.zpl"
            (self._out_dir / zpl).write_bytes(made)
            self._came_out(zpl=zpl, bytes=base64.b64encode(made).decode("ascii"), received_at=received_at)

    def _host_status(self) -> bytes:
        """Three lines. Source: Zebra, ZPL II Programming Guide, ~HS."""
        out, head, waiting = int(self._no_labels), int(self._head_open), len(self._waiting)
        paused = int(self._stuck)
        lines = (
            f"030,{out},{paused},1245,{min(waiting, 999):03d},0,0,{int(self._partial)},000,0,0,0",
            f"000,0,{head},0,0,2,4,0,{waiting:08d},1,000",
            "1234,0",
        )
        return b"".join(b"\x02" + line.encode("ascii") + b"\x03\r\n" for line in lines)
