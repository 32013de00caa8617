"""A TSPL label printer on the network: draws each label as a printer would, keeps its picture, answers questions.

It knows the commands that labels of ours use and tells of every other one. It has no font at all.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image

from hardware.twins.label_twin import BUFFER_BYTES_MAX, LabelTwin

ESC = 0x1B
HEAD_OPEN, PAPER_OUT, PRINTING = 0x01, 0x04, 0x20
_BITMAP = re.compile(rb"BITMAP (\d+),(\d+),(\d+),(\d+),0,")
_BARCODE = re.compile(r'BARCODE (\d+),(\d+),"128",(\d+),(\d),0,(\d+),\d+,"(.*)"')
_SIZE = re.compile(r"SIZE ([\d.]+) mm,([\d.]+) mm")


class TsplPrinterTwin(LabelTwin):
    """`out_dir` gets `label-0001.png` … and `labels.jsonl`: `{n, png, codes, unknown, printed_at}`.

    What is behind a label that waits, waits as well (`OUT` is answered in order); <ESC>!? is answered at once.
    `answers_out` False is a clone that knows no `OUT`.
    """

    def __init__(self, port: int, out_dir: Path, dots_per_mm: float = 8.0, *, answers_out: bool = True) -> None:
        super().__init__(port, out_dir)
        self._per_mm = dots_per_mm
        self._answers_out = answers_out
        self._client: socket.socket | None = None
        self._held = b""
        self._todo: list[bytes] = []
        self._clear()

    def _clear(self) -> None:
        self._page = Image.new("L", (1, 1), 255)
        self._codes: list[str] = []
        self._unknown: list[str] = []

    def _forget(self) -> None:
        self._held = b""
        self._todo.clear()
        self._clear()

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
            elif command.startswith(b"PRINT") and self._stuck:
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
        png = f"label-{self._next:04d}.png"
        self._page.save(self._out_dir / png)
        self._came_out(png=png, codes=self._codes, unknown=self._unknown)
        self._clear()
