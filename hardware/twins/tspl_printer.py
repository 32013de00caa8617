"""A TSPL label printer on the network: draws each label as a printer would, keeps its picture, answers questions.

It knows the commands that labels of ours use and tells of every other one. It has no font at all.
"""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image

from hardware.twins.journal import Journal, now_at
from hardware.twins.tcp_server import OneClientServer

BUFFER_BYTES_MAX = 4 * 1024 * 1024
ESC = 0x1B
HEAD_OPEN, PAPER_OUT, PRINTING = 0x01, 0x04, 0x20
_BITMAP = re.compile(rb"BITMAP (\d+),(\d+),(\d+),(\d+),0,")
_BARCODE = re.compile(r'BARCODE (\d+),(\d+),"128",(\d+),(\d),0,(\d+),\d+,"(.*)"')
_SIZE = re.compile(r"SIZE ([\d.]+) mm,([\d.]+) mm")


class TsplPrinterTwin:
    """`out_dir` gets `label-0001.png` … and `labels.jsonl`: `{n, png, codes, unknown, printed_at}`.

    Without labels or with the head open it holds what it received and prints when it can; without power it forgets.
    What is behind a label that waits, waits as well (`OUT` is answered in order); <ESC>!? is answered at once.
    `answers_out` False is a clone that knows no `OUT`.
    """

    def __init__(self, port: int, out_dir: Path, dots_per_mm: float = 8.0, *, answers_out: bool = True) -> None:
        self._server = OneClientServer(self._serve, port)
        self._journal = Journal(out_dir / "labels.jsonl")
        self._out_dir = out_dir
        self._per_mm = dots_per_mm
        self._answers_out = answers_out
        self._changed = threading.Condition()
        self._count = len(self._journal.entries())
        self._client: socket.socket | None = None
        self._held = b""
        self._todo: list[bytes] = []
        self._no_labels = False
        self._head_open = False
        self._clear()

    def _clear(self) -> None:
        self._page = Image.new("L", (1, 1), 255)
        self._codes: list[str] = []
        self._unknown: list[str] = []

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
            self._held = b""
            self._todo.clear()
            self._clear()

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

    def _serve(self, client: socket.socket) -> None:
        with self._changed:
            self._client = client
        try:
            while data := client.recv(65536):
                with self._changed:
                    self._held += data
                    self._read(client)
                    if len(self._held) > BUFFER_BYTES_MAX:
                        return
        finally:
            with self._changed:
                self._client = None

    def _read(self, client: socket.socket) -> None:
        """Take whole commands off the front. A question is answered at once, whatever waits before it."""
        while self._held:
            bitmap = _BITMAP.match(self._held)
            if bitmap:
                end = bitmap.end() + int(bitmap[3]) * int(bitmap[4]) + 2
                if len(self._held) < end:
                    return
                self._todo.append(self._held[: end - 2])
                self._held = self._held[end:]
            elif self._held[0] == ESC:
                if len(self._held) < 3:
                    return
                self._held = self._held[3:]
                client.sendall(bytes([self._status()]))
            else:
                line, found, rest = self._held.partition(b"\r\n")
                if not found:
                    return
                self._held = rest
                self._todo.append(line)
            self._work()

    def _status(self) -> int:
        stuck = PAPER_OUT * self._no_labels | HEAD_OPEN * self._head_open
        return stuck if stuck or not self._todo else PRINTING

    def _work(self) -> None:
        """As far as the paper reaches."""
        while self._todo:
            command = self._todo[0]
            bitmap = _BITMAP.match(command)
            if bitmap:
                left, top, row_bytes, high = map(int, bitmap.groups())
                picture = Image.frombytes("1", (row_bytes * 8, high), command[bitmap.end() :])
                self._page.paste(picture, (left, top))
            elif command.startswith(b"PRINT") and (self._no_labels or self._head_open):
                return
            else:
                self._obey(command.decode("ascii", "replace"))
            self._todo.pop(0)

    def _obey(self, line: str) -> None:
        size, code = _SIZE.fullmatch(line), _BARCODE.fullmatch(line)
        if size:
            self._clear()
            wide, high = (round(float(mm) * self._per_mm) for mm in size.groups())
            self._page = Image.new("L", (wide, high), 255)
        elif code:
            left, top, high, _, module = map(int, code.groups()[:5])
            self._bars(left, top, high, module, code[6].replace('\\["]', '"'))
        elif line == "PRINT 1,1":
            self._print()
        elif line.startswith('OUT "'):
            if self._answers_out and self._client is not None:
                self._client.sendall(line[5:-1].encode("ascii") + b"\r\n")
        elif line not in ("CLS", "DIRECTION 1") and not line.startswith("GAP "):
            self._unknown.append(line)

    def _bars(self, left: int, top: int, high: int, module: int, text: str) -> None:
        drawn: Any = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1)
        wide = drawn.shape[1]
        bars = Image.frombytes("L", (wide, 1), bytes(drawn)[:wide])
        self._page.paste(bars.resize((wide * module, high), Image.Resampling.NEAREST), (left, top))
        self._codes.append(text)

    def _print(self) -> None:
        n = self._count + 1
        png = f"label-{n:04d}.png"
        self._page.save(self._out_dir / png)
        told = {"codes": self._codes, "unknown": self._unknown}
        self._journal.add({"n": n, "png": png, **told, "printed_at": now_at()})
        self._count = n
        self._clear()
        self._changed.notify_all()
