"""A ZPL label printer: keeps each label's ZPL, and answers ~HS.

Pictures of labels are made elsewhere (tests render what was kept); this twin knows when a label comes out, not how it
looks.
"""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import Any

from hardware.twins.journal import now_at
from hardware.twins.label_twin import LabelTwin, Made

_CONTROL = re.compile(rb"~(?:HS|JX)")
_INK = re.compile(rb"\^(?:FD|GF)")


class ZplPrinterTwin(LabelTwin):
    """`out_dir` gets `label-0001.zpl` … and `labels.jsonl`: `{n, complete, zpl, bytes, received_at, printed_at}`.

    `bytes` is base64. Half a label that came is kept, also from one client to the next: what follows is put on the same
    label, until ~JX drops it. A jam is told as a lack of labels, for ~HS has no bit of its own for it.
    """

    _reprint = False

    def _forget(self) -> None:
        super()._forget()
        self._reprint = False

    def _read(self) -> bytes:
        said = b""
        # control commands are obeyed at once, wherever they stand
        while control := _CONTROL.search(self._held):
            before, self._held = self._held[: control.start()], self._held[control.end() :]
            before = self._labels_of(before)
            if control[0] == b"~JX":
                before = b""
            else:
                said += self._host_status(partial_format=b"^XA" in before)
            self._held = before + self._held
        self._held = self._labels_of(self._held)
        return said

    def _labels_of(self, held: bytes) -> bytes:
        """What is left when whole labels are taken off: half a label, or the end of what may become one."""
        while (start := held.find(b"^XA")) >= 0:
            end = held.find(b"^XZ", start)
            if end < 0:
                return held[start:]
            zpl, held = held[start : end + 3], held[end + 3 :]
            self._reprint |= b"^JZY" in zpl
            if _INK.search(zpl):
                self._make(Made(partial(self._write, zpl, now_at()), self._reprint))
        return held[-2:]

    def _write(self, zpl: bytes, received_at: str, n: int) -> dict[str, Any]:
        name = f"label-{n:04d}.zpl"
        (self._out_dir / name).write_bytes(zpl)
        return {"zpl": name, "bytes": base64.b64encode(zpl).decode("ascii"), "received_at": received_at}

    def _host_status(self, *, partial_format: bool) -> bytes:
        """Three lines. Source: Zebra, ZPL II Programming Guide, ~HS."""
        out, head, waiting = int(self._no_labels or self._jammed), int(self._head_open), len(self._ready)
        paused = int(self._stuck)
        lines = (
            f"030,{out},{paused},1245,{min(waiting, 999):03d},0,0,{int(partial_format)},000,0,0,0",
            f"000,0,{head},0,0,2,4,0,{waiting:08d},1,000",
            "1234,0",
        )
        return b"".join(b"\x02" + line.encode("ascii") + b"\x03\r\n" for line in lines)
