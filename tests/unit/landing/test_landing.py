"""What the landing page says, from readings, codes and instants alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image

from hardware.codecs.zpl import encode_label
from hardware.drivers.glyphs import Glyphs
from kiosk_ui.kit.locale import OWN_PO, missing_entries, read_catalog
from kiosk_ui.kit.screens.ledger import LedgerView
from provisioning.demo import town
from provisioning.demo.landing import app, machines, pictures
from provisioning.demo.landing.day_line import stops
from provisioning.demo.landing.happenings import Reading, compare
from provisioning.demo.landing.machines import Machine
from provisioning.demo.landing.personas import ADMIN_STEPS, CLERK_STEPS, COURIER_STEPS, NURSE_STEPS
from provisioning.demo.landing.triggers import Pile
from sync.domain.tracking.papers import cover_label
from sync.kernel.outcome import Refused

EXPOSITION = """# HELP waystation_facts_produced Facts this box wrote
waystation_facts_produced 1341.0
waystation_facts_received 1284.0
waystation_facts_waiting 57.0
waystation_line_state{state="cut"} 1.0
waystation_device_ready{device="gun-1"} 1.0
"""


def reading(
    state: str = "up", waiting: int = 0, mode: str = "up", scans: tuple[str, ...] = (), slips: int = 0, sheets: int = 0
) -> Reading:
    books = LedgerView(40, 40 - waiting, waiting)
    return Reading(Machine("courier-1", state, books, 1), mode, scans, slips, sheets=sheets)


def said(before: Reading, after: Reading) -> list[tuple[str, str]]:
    return [(each.glyph, each.words.id) for each in compare(before, after, 7)]


def test_every_sentence_has_an_english_one() -> None:
    assert missing_entries([str(app.HERE)], [OWN_PO, str(app.PO_FILE)]) == []
    read_catalog([OWN_PO, str(app.PO_FILE)])


def test_the_books_and_the_line_are_read_from_a_machine_s_figures() -> None:
    machine = machines.read("courier-1", EXPOSITION, 9)
    assert machine == Machine("courier-1", "cut", LedgerView(1341, 1284, 57), 9)


def test_a_machine_that_does_not_answer_keeps_its_last_books_with_their_time() -> None:
    before = Machine("courier-1", "up", LedgerView(5, 5, 0), 3)
    assert machines.ask("courier-1", "http://127.0.0.1:9", 8, before) == Machine("courier-1", "gone", before.ledger, 3)


def test_nothing_new_is_told_twice() -> None:
    same = reading(scans=("QL00073184-1",), slips=2)
    assert said(same, same) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (reading(), reading(mode="silent"), [("off", "%(box)s的线路拨到：%(mode)s")]),
        (reading(), reading(scans=("QL00073184-1",)), [("tick", "%(box)s的枪扫了 %(code)s")]),
        (reading(), reading(scans=("WB-C-01",)), [("tick", "%(box)s的枪刷了一张工牌")]),
        (reading(), reading(slips=1), [("tick", "%(box)s打出一张回执")]),
        (reading(), reading(sheets=1), [("tick", "%(box)s的办公打印机出来一张纸")]),
        (reading("cut"), reading("cut", 3), [("held", "%(box)s有 %(n)s 条存在本机，等线路")]),
        (reading("up", 3), reading("up", 0), [("ack", "%(box)s产生 %(n)s 条，中心全收到")]),
        (reading("up"), reading("gone"), [("person", "%(box)s：%(state)s")]),
    ],
)
def test_what_just_happened(before: Reading, after: Reading, told: list[tuple[str, str]]) -> None:
    assert said(before, after) == told


def test_the_trigger_finds_another_record_each_time_and_says_when_there_is_none() -> None:
    rows = [row for row in town.discharges(1, date(2026, 11, 20)) if row.ward == "W01" and row.discharged_on][:2]
    read: list[str] = []
    for row in rows:
        code = Pile(rows, read, read).next_code("due", "W01")
        assert code == f"{town.PREFIX}{row.key}"
        read.append(str(code))
    assert Pile(rows, read, read).next_code("due", "W01") == Refused("trigger.none")
    assert Pile(rows, read, read).next_code("again", "W01") == read[-1]
    assert Pile(rows, [], read).next_code("collected", "") == read[0]
    assert Pile(rows, [], []).next_code("again", "") == Refused("trigger.none")


def test_a_stray_is_of_another_ward_and_one_in_house_is_not_discharged() -> None:
    rows = town.discharges(1, date(2026, 11, 20))
    by_code = {f"{town.PREFIX}{row.key}": row for row in rows}
    stray, in_house = (by_code[str(Pile(rows, [], []).next_code(kind, "W01"))] for kind in ("stray", "in-house"))
    assert stray.ward != "W01" and stray.discharged_on is not None and in_house.discharged_on is None
    assert str(Pile(rows, [], []).next_code("unknown", "W01")) not in by_code


@pytest.mark.parametrize(("clock", "now"), [("06:00", ""), ("09:20", "09:20"), ("12:59", "11:45"), ("23:00", "15:00")])
def test_the_day_s_line_knows_where_it_stands(clock: str, now: str) -> None:
    at = datetime.fromisoformat(f"2026-11-20T{clock}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    line = stops(at)
    assert [stop.at for stop in line if stop.when == "now"] == ([now] if now else [])
    assert all(stop.when == "todo" for stop in line if stop.at > clock)


def test_a_drawn_label_can_be_scanned_like_the_printed_one() -> None:
    glyphs = Glyphs()
    label = cover_label("00073184-1", "仇䶮", (date(2026, 11, 17) - timedelta(days=1)).isoformat(), prefix="QL")
    picture = pictures.label(encode_label(label, 203, glyphs.draw).decode("ascii"), glyphs)
    assert [code.text for code in zxingcpp.read_barcodes(_open(picture))] == [label.code]


def test_an_address_is_a_picture_code() -> None:
    assert pictures.address_code("http://127.0.0.1:8080/").startswith(b"<svg")


@pytest.mark.parametrize("steps", [COURIER_STEPS, CLERK_STEPS, NURSE_STEPS, ADMIN_STEPS])
def test_a_tour_has_ten_steps_in_the_words_of_the_house(steps: tuple[str, ...]) -> None:
    assert len(steps) == 10
    assert not any(word in step for step in steps for word in ("系统", "服务器", "失败", "！"))


def _open(png: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(png))
