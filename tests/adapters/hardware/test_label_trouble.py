"""What goes wrong in the middle of a label, in both languages: half of it came, power went, labels ran out."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hardware.codecs import tspl, zpl
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.label_printer import ZplTalk
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.opening import opener
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import ByteStream, Outcome
from hardware.transports.serial_url import SerialStream
from hardware.twins.tspl_printer import TsplPrinterTwin
from hardware.twins.zpl_printer import ZplPrinterTwin
from sync.kernel.paper import Label

WAITS = {"answer_s": 0.3, "silence_s": 0.6}


@dataclass
class Bench:
    """A label printer on a cable."""

    language: str
    twin: Any
    cable: Path
    glyphs: Glyphs

    def label(self, text: str) -> bytes:
        encode = {"zpl": zpl.encode_label, "tspl": tspl.encode_label}[self.language]
        return encode(Label(60, 40, (text, "欧阳静姝"), text), 203, self.glyphs.draw)

    def printer(self, open_stream: Callable[[], ByteStream] | None = None) -> LinePrinter:
        talk = ZplTalk if self.language == "zpl" else partial(TsplTalk, draw=random.Random(3).random)
        return LinePrinter(open_stream or opener(str(self.cable)), talk, **WAITS)

    def halfway(self, happens: Callable[[], object], *, answers: int = 0) -> Callable[[], ByteStream]:
        """The line; something happens while the first label is on its way out and told of itself so many times."""
        bench, due = self, [happens, *[lambda: None] * answers]

        class Line:
            def __init__(self) -> None:
                self.stream = opener(str(bench.cable))()
                self.sent = False

            def read(self, timeout_s: float | None) -> bytes:
                if self.sent and due:
                    assert bench.twin.wait_moving()
                    due.pop()()
                return self.stream.read(timeout_s)

            def write(self, data: bytes) -> None:
                self.stream.write(data)
                self.sent |= b"PRINT 1,1" in data or b"^FD" in data

            def close(self) -> None:
                self.stream.close()

        return Line

    def came(self, text: str, *, complete: bool = True) -> int:
        def has(entry: dict[str, Any]) -> bool:
            return entry["complete"] == complete and text in (
                base64.b64decode(entry["bytes"]).decode("ascii") if self.language == "zpl" else entry["codes"]
            )

        return sum(map(has, self.twin.labels))


@pytest.fixture(params=["zpl", "tspl"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, glyphs: Glyphs) -> Iterator[Bench]:
    kind = {"zpl": ZplPrinterTwin, "tspl": TsplPrinterTwin}[request.param]
    twin = kind(tmp_path / "ttyS9", tmp_path / "labels", label_s=0.2)
    twin.start()
    yield Bench(request.param, twin, tmp_path / "ttyS9", glyphs)
    twin.close()


@pytest.mark.row("A05.5")
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_half_a_label_of_a_killed_box_is_on_no_other(bench: Bench, share: float) -> None:
    half = bench.label("AA11")
    stream = opener(str(bench.cable))()
    stream.write(half[: int(len(half) * share)])
    stream.close()
    assert bench.printer().print_job(bench.label("BB22")) == Outcome("confirmed")
    assert bench.came("BB22") == 1 and bench.came("AA11") == 0 and len(bench.twin.labels) == 1


@pytest.mark.row("A05.5")
@pytest.mark.parametrize("answers", [0, 1])
def test_a_printer_that_lost_its_power_proves_nothing_when_it_rests(bench: Bench, answers: int) -> None:
    def blink() -> None:
        bench.twin.power_off()
        bench.twin.power_on()

    assert bench.printer(bench.halfway(blink, answers=answers)).print_job(bench.label("AA11")) == Outcome(
        "unknown", "silent"
    )
    assert (bench.came("AA11"), bench.came("AA11", complete=False)) == (0, 1)
    assert bench.printer().print_job(bench.label("BB22")) == Outcome("confirmed")


@pytest.mark.row("A05.5")
@pytest.mark.parametrize(("trouble", "mend"), [("paper_out", "load_paper"), ("jam", "clear_jam")])
def test_a_label_that_was_stopped_halfway_comes_out_anew(bench: Bench, trouble: str, mend: str) -> None:
    told: list[str] = []

    def attention(reason: str) -> None:
        told.append(reason)
        getattr(bench.twin, mend)()

    printer = bench.printer(bench.halfway(getattr(bench.twin, trouble)))
    assert printer.print_job(bench.label("AA11"), attention) == Outcome("confirmed")
    assert (bench.came("AA11"), bench.came("AA11", complete=False)) == (1, 1)
    assert told == [{"paper_out": "paper-out", "jam": "jam" if bench.language == "tspl" else "paper-out"}[trouble], ""]


def test_a_slow_cable_takes_a_long_label(tmp_path: Path) -> None:
    """What is too long for one deadline is on its way all the same; a printer that takes nothing more is gone."""
    twin = ZplPrinterTwin(tmp_path / "ttyS9", tmp_path / "labels", bytes_s=20_000.0)
    twin.start()
    stream = SerialStream(str(tmp_path / "ttyS9"), write_s=0.5)
    try:
        stream.write(b"^XA^FD" + b"x" * 30_000 + b"^FS^XZ")
        assert twin.wait_labels(1)
    finally:
        stream.close()
        twin.close()
