"""A TSPL label printer: draws each label as a printer would, keeps its picture, answers questions.

It knows the commands that labels of ours use and tells of every other one. It has no font at all.
"""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image

from hardware.twins.label_twin import LabelTwin, Made

ESC = 0x1B
HEAD_OPEN, JAM, PAPER_OUT, PRINTING = 0x01, 0x02, 0x04, 0x20
_BITMAP = re.compile(rb"BITMAP (\d+),(\d+),(\d+),(\d+),0,")
_BARCODE = re.compile(r'BARCODE (\d+),(\d+),"128",(\d+),(\d),0,(\d+),\d+,"(.*)"')
_SIZE = re.compile(r"SIZE ([\d.]+) mm,([\d.]+) mm")


class TsplPrinterTwin(LabelTwin):
    """`out_dir` gets `label-0001.png` … and `labels.jsonl`: `{n, complete, png, codes, unknown, printed_at}`.

    Half a command that came is kept, also from one client to the next: what follows is taken for the rest of it, and a
    question is no question then. `answers_out` False is a clone that knows no `OUT`.
    """

    def __init__(
        self, line: int | Path, out_dir: Path, dots_per_mm: float = 8.0, *, answers_out: bool = True,
        label_s: float = 0.0, bytes_s: float = math.inf,
    ) -> None:  # fmt: skip
        super().__init__(line, out_dir, label_s=label_s, bytes_s=bytes_s)
        self._per_mm = dots_per_mm
        self._answers_out = answers_out
        self._reprint = False
        self._clear()

    def _clear(self) -> None:
        self._page = Image.new("L", (1, 1), 255)
        self._codes: list[str] = []
        self._unknown: list[str] = []

    def _forget(self) -> None:
        super()._forget()
        self._reprint = False
        self._clear()

    def _read(self) -> bytes:
        said = b""
        while self._held:
            bitmap = _BITMAP.match(self._held)
            if bitmap:
                left, top, row_bytes, high = map(int, bitmap.groups())
                end = bitmap.end() + row_bytes * high
                if len(self._held) < end + 2:
                    return said
                picture = Image.frombytes("1", (row_bytes * 8, high), self._held[bitmap.end() : end])
                self._page.paste(picture, (left, top))
                self._held = self._held[end + 2 :]
            elif self._held[0] == ESC:
                if len(self._held) < 3:
                    return said
                self._held = self._held[3:]
                said += bytes([self._status()])
            else:
                line, found, rest = self._held.partition(b"\r\n")
                if not found:
                    return said
                self._held = rest
                said += self._obey(line.decode("ascii", "replace").strip())
        return said

    def _status(self) -> int:
        stuck = PAPER_OUT * self._no_labels | HEAD_OPEN * self._head_open | JAM * self._jammed
        return stuck if stuck or not self._ready else PRINTING

    def _obey(self, line: str) -> bytes:
        size, code = _SIZE.fullmatch(line), _BARCODE.fullmatch(line)
        if size:
            self._clear()
            wide, high = (round(float(mm) * self._per_mm) for mm in size.groups())
            self._page = Image.new("L", (wide, high), 255)
        elif code:
            left, top, high, _, module = map(int, code.groups()[:5])
            self._bars(left, top, high, module, code[6].replace('\\["]', '"'))
        elif line in ("PRINT 1,1", "PRINT 1", "PRINT 1,"):
            self._make(Made(partial(self._write, self._page, self._codes, self._unknown), self._reprint))
            self._clear()
        elif line.startswith('OUT "'):
            return line[5:-1].encode("ascii") + b"\r\n" if self._answers_out else b""
        elif line == "SET REPRINT ON":
            self._reprint = True
        elif line not in ("", "CLS", "DIRECTION 1") and not line.startswith("GAP "):
            self._unknown.append(line)
        return b""

    def _bars(self, left: int, top: int, high: int, module: int, text: str) -> None:
        drawn: Any = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1)
        wide = drawn.shape[1]
        bars = Image.frombytes("L", (wide, 1), bytes(drawn)[:wide])
        self._page.paste(bars.resize((wide * module, high), Image.Resampling.NEAREST), (left, top))
        self._codes.append(text)

    def _write(self, page: Image.Image, codes: list[str], unknown: list[str], n: int) -> dict[str, Any]:
        png = f"label-{n:04d}.png"
        page.save(self._out_dir / png)
        return {"png": png, "codes": codes, "unknown": unknown}
