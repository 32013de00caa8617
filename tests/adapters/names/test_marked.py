"""Paper of a box on which a character stands as its code point says which one, and the next paper comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.printing import Papers
from appliance.settings import Devices, LabelPrinter, Node, Settings
from appliance.store.print_jobs import PrintJobs
from hardware.codecs import tspl, zpl
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.receipt_printer import EscposTalk
from hardware.ports import Outcome
from hardware.transports.tcp import TcpStream
from hardware.twins.escpos_printer import EscposPrinterTwin
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.domain.tracking.papers import cover_label
from sync.kernel.paper import Columns, Feed, Label, Line, Slip

NAME, WHOLE = "张\ue000三\U000f1234", "欧阳静姝"
MARK = "缺字 / missing: U+E000 U+F1234"


@dataclass
class Desk:
    papers: Papers
    jobs: PrintJobs
    store: ApplianceStore

    def label(self, key: str, name: str) -> bytes:
        with self.store.write() as unit:
            job = self.papers.order_label(unit, key, name, "2026-11-20", 0)
        assert job is not None
        payload = self.jobs.payload(job)
        assert payload is not None
        return payload


@pytest.fixture(params=["zpl", "tspl"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, glyphs: Glyphs) -> Iterator[Desk]:
    jobs = PrintJobs()
    store = ApplianceStore(
        tmp_path / "node.db", bytes(32), node="records-aaaaaaaa", role="records", clock=SystemClock(),
        entropy=SystemEntropy(), projectors=[jobs],
    )  # fmt: skip
    store.start_incarnation("test")
    jobs.bind(store)
    settings = Settings(
        node=Node(node="records-aaaaaaaa", site="xinghe", role="records", name="病案室"),
        devices=Devices(label_printer=LabelPrinter(url="socket://127.0.0.1:9", line=request.param)),
    )
    papers = Papers(settings, jobs, glyphs, dict, key_id=bytes(8), sign=lambda data: bytes(64))
    yield Desk(papers, jobs, store)
    store.close()


@pytest.mark.row("F04.2")
def test_a_label_names_what_no_font_has(desk: Desk, glyphs: Glyphs) -> None:
    line = desk.papers._settings.devices.label_printer.line
    encode = {"zpl": zpl, "tspl": tspl}[line].encode_label
    for key, name, marks in (("ZY00123456-2", NAME, (MARK,)), ("ZY00123457-2", WHOLE, ())):
        plain = cover_label(key, name, "2026-11-20")
        marked = Label(plain.width_mm, plain.height_mm, (*plain.lines, *marks), plain.code)
        assert desk.label(key, name) == encode(marked, 203, glyphs.draw)


@pytest.mark.row("F10.11")
def test_a_receipt_names_what_no_font_has_and_printing_goes_on(desk: Desk, tmp_path: Path, glyphs: Glyphs) -> None:
    twin = EscposPrinterTwin(0, tmp_path / "slips", 384, glyphs)
    twin.start()
    try:
        printer = LinePrinter(lambda: TcpStream("127.0.0.1", twin.port), EscposTalk, answer_s=5.0)
        for name in (NAME, WHOLE):
            slip = Slip((Line("回执"), Columns(name, "1"), Feed(2)))
            assert printer.print_job(desk.papers._receipt_bytes(slip)) == Outcome("confirmed")
        first, second = ("".join(slip["text_lines"]) for slip in twin.slips)
    finally:
        twin.close()
    assert MARK.replace(" ", "") in first.replace(" ", "") and "missing" not in second and WHOLE in second
