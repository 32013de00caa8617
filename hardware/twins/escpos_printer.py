"""A receipt printer on the network: obeys ESC/POS, answers for itself, and keeps every slip as a picture."""

from __future__ import annotations

import base64
import socket
import threading
from pathlib import Path
from typing import Any, Literal

from hardware.drivers.glyphs import Glyphs
from hardware.twins.escpos_commands import Command, next_command
from hardware.twins.escpos_paper import EscposPaper, Piece
from hardware.twins.journal import Journal, now_at
from hardware.twins.tcp_server import OneClientServer

MARGIN_DOTS = {384: 40, 576: 32}
"""A 58 mm roll is printed on 48 mm of it, an 80 mm roll on 72 mm."""
BUFFER_BYTES_MAX = 4 * 1024 * 1024


class EscposPrinterTwin:
    """`out_dir` gets `slip-0001.png` … and `slips.jsonl`, one line a slip:

    `{n, complete, png, text_lines, qr_texts, code_texts, images, pulses, unknown, bytes, started_at, finished_at}`.
    `bytes` is base64 of what made it. `text_lines` are those the printer's own font wrote; lines that came as images
    are in the picture alone. `complete` is False for paper that power-off left half printed. A slip ends with a cut, or
    with GS r.

    Real-time questions are answered at once, GS r in its turn. Without paper, with the cover open or with paper in its
    cutter the printer stops where it is, keeps what it was sent, and goes on when it can; without power it forgets.
    """

    def __init__(self, port: int, out_dir: Path, width_dots: int, glyphs: Glyphs | None = None) -> None:
        self._server = OneClientServer(self._serve, port)
        self._journal = Journal(out_dir / "slips.jsonl")
        self._out_dir = out_dir
        self._width = width_dots
        self._paper = EscposPaper(width_dots, glyphs or Glyphs())
        self._changed = threading.Condition()
        self._buffer = bytearray()
        self._client: socket.socket | None = None
        self._answer_from = 0
        self._taken = 0
        self._slip_bytes = bytearray()
        self._started_at = ""
        self._count = len(self._journal.entries())
        self._paper_left: int | None = None
        self._cover = False
        self._jam: Literal["", "coming", "stuck"] = ""
        self._powered = False
        self._worker: threading.Thread | None = None

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def slips(self) -> list[dict[str, Any]]:
        """The journal so far."""
        return self._journal.entries()

    def start(self) -> None:
        with self._changed:
            self._powered = True
        self._worker = threading.Thread(target=self._work, name="twin-printer", daemon=True)
        self._worker.start()
        self._server.start()

    def close(self) -> None:
        """Power off: the line breaks, the buffer is forgotten, half a slip stays half."""
        self._server.close()
        with self._changed:
            self._powered = False
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join(timeout=10.0)
        with self._changed:
            self._buffer.clear()
            if self._paper.piece.strips or self._slip_bytes:
                self._finish(self._paper.take(), complete=False)
            self._paper.reset()

    power_on = start
    power_off = close

    def paper_out(self, after_dots: int = 0) -> None:
        """The roll ends after so many more dots (8 are a millimetre)."""
        self._set(paper_left=after_dots)

    def load_paper(self) -> None:
        self._set(paper_left=None)

    def cover_open(self) -> None:
        self._set(cover=True)

    def cover_close(self) -> None:
        self._set(cover=False)

    def jam(self) -> None:
        """The next cut gets stuck."""
        self._set(jam="coming")

    def clear_jam(self) -> None:
        self._set(jam="")

    def wait_slips(self, count: int, timeout_s: float = 30.0) -> bool:
        """Whether that many slips came out in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count >= count, timeout_s)

    def _set(self, **what: Any) -> None:
        with self._changed:
            for name, value in what.items():
                setattr(self, f"_{name}", value)
            self._changed.notify_all()

    def _out_of_paper(self) -> bool:
        return self._paper_left is not None and self._paper_left <= 0

    def _stopped(self) -> bool:
        return self._cover or self._jam == "stuck" or self._out_of_paper()

    def _status(self, n: int) -> bytes:
        """DLE EOT n. Source: Epson ESC/POS command reference."""
        out, cover, stuck = self._out_of_paper(), self._cover, self._jam == "stuck"
        bits = {
            1: 0x08 if out or cover or stuck else 0,
            2: (0x04 if cover else 0) | (0x20 if out else 0) | (0x40 if stuck else 0),
            3: 0x08 if stuck else 0,
            4: (0x60 if out else 0) | (0x0C if self._paper_left is not None else 0),
        }.get(n, 0)
        return bytes([0x12 | bits])

    def _serve(self, client: socket.socket) -> None:
        with self._changed:
            self._client = client
            self._answer_from = self._taken + len(self._buffer)
        tail = b""
        try:
            while data := client.recv(65536):
                with self._changed:
                    # Anywhere in the stream, even inside an image, as the most literal models do.
                    seen = tail + data
                    for at in range(len(seen) - 2):
                        if seen[at : at + 2] == b"\x10\x04" and at + 2 >= len(tail) and 1 <= seen[at + 2] <= 4:
                            client.sendall(self._status(seen[at + 2]))
                    tail = seen[-2:]
                    self._buffer += data
                    self._changed.notify_all()
                    if len(self._buffer) > BUFFER_BYTES_MAX:
                        return
        finally:
            with self._changed:
                self._client = None
                self._answer_from = self._taken + len(self._buffer)

    def _work(self) -> None:
        with self._changed:
            while self._powered:
                command = None if self._stopped() else next_command(self._buffer, self._paper.chinese)
                if command is not None and command.name == b"\x1dV" and self._jam:
                    self._jam, command = "stuck", None
                if command is None:
                    self._changed.wait()
                else:
                    self._obey(command)

    def _obey(self, command: Command) -> None:
        taken = bytes(self._buffer[: command.size])
        del self._buffer[: command.size]
        self._taken += command.size
        if command.name == b"\x10\x04":
            return
        if not self._slip_bytes:
            self._started_at = now_at()
        before = self._paper.moved_dots
        if command.name == b"\x1dr":
            self._answer_in_order(taken)
            return
        self._slip_bytes += taken
        if command.name == b"\x1dV":
            self._finish(self._paper.take(), complete=True)
            return
        self._paper.execute(command)
        if self._paper_left is not None:
            self._paper_left -= self._paper.moved_dots - before

    def _answer_in_order(self, taken: bytes) -> None:
        if self._paper.piece.strips:
            self._slip_bytes += taken
            self._finish(self._paper.take(), complete=True)
        if self._client is not None and self._taken > self._answer_from:
            try:
                self._client.sendall(b"\x00")
            except OSError:
                self._client = None

    def _finish(self, piece: Piece, complete: bool) -> None:
        made, self._slip_bytes = bytes(self._slip_bytes), bytearray()
        if not piece.strips:
            return
        n = self._count + 1
        png = f"slip-{n:04d}.png"
        piece.picture(self._width, MARGIN_DOTS.get(self._width, 32)).save(self._out_dir / png, dpi=(203, 203))
        self._journal.add(
            {
                "n": n,
                "complete": complete,
                "png": png,
                "text_lines": piece.text_lines,
                "qr_texts": piece.qr_texts,
                "code_texts": piece.code_texts,
                "images": piece.images,
                "pulses": piece.pulses,
                "unknown": piece.unknown,
                "bytes": base64.b64encode(made).decode("ascii"),
                "started_at": self._started_at,
                "finished_at": now_at(),
            }
        )
        self._count = n
        self._changed.notify_all()
