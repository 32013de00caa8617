"""Exactly-once labels: a box prints while box and printer are killed, labels run out or jam and the head is opened.

Both ends are ours (a stand-in). Every other sitting has its printer on the network; the rest on a cable, where nobody
hears that power is gone and half a label stays in the printer when the box is killed.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardware.codecs import tspl, zpl
from hardware.drivers.glyphs import Glyphs
from hardware.twins.label_twin import LabelTwin
from hardware.twins.tspl_printer import TsplPrinterTwin
from hardware.twins.zpl_printer import ZplPrinterTwin
from sync.kernel.paper import Label
from tests.adapters.hardware.print_box import TSPL, ZPL
from tests.adapters.hardware.print_drill import (
    JOBS_EACH,
    SEED,
    SITTINGS,
    Box,
    Drill,
    Tally,
    faults_of,
    judged,
    ledger_of,
    tell,
)
from tests.soak import SOAK

TWINS: dict[str, type[ZplPrinterTwin] | type[TsplPrinterTwin]] = {ZPL: ZplPrinterTwin, TSPL: TsplPrinterTwin}
ENCODE = {ZPL: zpl.encode_label, TSPL: tspl.encode_label}
JAM = {ZPL: "paper-out", TSPL: "jam"}
FAULTS_FEW, EACH = 5, JOBS_EACH if SOAK else 3
"""Each fault once, where no long count is asked for."""
PACE: dict[str, Any] = {"label_s": 0.1, "bytes_s": 100_000.0}


@dataclass
class Shelf:
    box: Box
    printer: LabelTwin


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.config.rootpath / ".stamps" / "label-drill.jsonl" if SOAK else None, (ZPL, TSPL))


@pytest.fixture
def rng(tally: Tally, language: str, sitting: int) -> random.Random:
    """Asked for before the shelf is built, which is spared where the sitting was had before."""
    if tally.has(language, sitting):
        pytest.skip("done in an earlier call")
    return random.Random(SEED + 1000 * sitting)


@pytest.fixture
def shelf(tmp_path: Path, language: str, sitting: int, request: pytest.FixtureRequest) -> Iterator[Shelf]:
    line = 0 if sitting % 2 else tmp_path / "ttyS9"
    printer = TWINS[language](line, tmp_path / "labels", **PACE)
    printer.start()
    url = str(line) if isinstance(line, Path) else f"socket://127.0.0.1:{printer.port}"
    box = Box(tmp_path, {language: url}, request.config.rootpath)
    box.start()
    yield Shelf(box, printer)
    box.kill()
    printer.close()


def on_label(entry: dict[str, Any]) -> str:
    """The key on a label; two on one would be one patient's label on another's."""
    codes = entry.get("codes") or re.findall(
        r"\^FD(?:>:)?([^^]*)\^FS", base64.b64decode(entry["bytes"]).decode("ascii")
    )
    assert len(set(codes)) == 1, f"on one label: {codes}"
    return str(codes[0])


@pytest.mark.row("A05.5")
@pytest.mark.parametrize("language", [ZPL, TSPL])
@pytest.mark.parametrize("sitting", SITTINGS)
def test_labels(
    rng: random.Random,
    shelf: Shelf,
    glyphs: Glyphs,
    tally: Tally,
    language: str,
    sitting: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def make(ref: str) -> bytes:
        return ENCODE[language](Label(60, 40, (ref, "欧阳静姝", "二〇二六年"), ref), 203, glyphs.draw)

    drill = Drill(shelf.box, language, rng, make, 0.3, faults_of(sitting) if SOAK else FAULTS_FEW, EACH)
    printer = shelf.printer

    def power() -> None:
        printer.power_off()
        drill.pause()
        printer.power_on()

    def paper() -> None:
        printer.paper_out()
        drill.until_told("paper-out", printer.load_paper)

    def cover() -> None:
        printer.cover_open()
        drill.until_told("head-open", printer.cover_close)

    def jam() -> None:
        printer.jam()
        drill.until_told(JAM[language], printer.clear_jam)

    orders = drill.run({"box": drill.kill_box, "power": power, "paper": paper, "cover": cover, "jam": jam})
    shelf.box.close()
    came = [on_label(entry) for entry in printer.labels if entry["complete"]]
    doubts = judged(ledger_of(shelf.box.folder), orders, lambda ref: [ref], came)
    tell(capsys, tally.add(language, sitting, drill, len(orders), doubts))
    assert doubts <= drill.struck["power"] + drill.struck["box"]
