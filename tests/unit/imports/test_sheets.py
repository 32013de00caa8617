"""Whole lists: what goes in, what is named, what is refused. All people are invented."""

from __future__ import annotations

import io
import os
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.features.imports import sheets, xlsx_gate
from hub.features.imports.rows import RowFault
from hub.features.imports.sheets import ListReading, read_list
from hub.features.imports.template import csv_template, headings, xlsx_template
from sync.kernel.outcome import Refused

HEADER = "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"
GOOD = "00123456,1,张三,男,W01,2026-11-10,2026-11-17\n"
OTHER = "00123457,2,李四,女,W02,2026/11/11,2026年11月16日\n"


def reading(data: bytes | str, hint: str = "list.csv", mapping=None) -> ListReading:
    got = read_list(data.encode() if isinstance(data, str) else data, hint, mapping)
    assert isinstance(got, ListReading), got
    return got


def refusal(data: bytes, hint: str = "list.csv", mapping=None) -> str:
    got = read_list(data, hint, mapping)
    assert isinstance(got, Refused), got
    return got.code


def workbook(*rows, change=None, epoch_1904=False) -> bytes:
    book = openpyxl.Workbook()
    if epoch_1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rezip(data: bytes, **changed: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            short = member.rsplit("/", 1)[-1].split(".")[0]
            new.writestr(member, changed.get(short, old.read(member)))
    return out.getvalue()


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.row("A05.7")
def test_every_kind_of_csv(charset, delimiter, end):
    text = (HEADER + GOOD + OTHER).replace(",", delimiter).replace("\n", end)
    got = reading(text.encode(charset))
    assert [(r.line, r.stay, r.name, r.sex, r.ward, r.admitted_on, r.discharged_on) for r in got.rows] == [
        (2, ("00123456", "1"), "张三", "M", "W01", date(2026, 11, 10), date(2026, 11, 17)),
        (3, ("00123457", "2"), "李四", "F", "W02", date(2026, 11, 11), date(2026, 11, 16)),
    ]
    assert not got.faults and got.totals == sheets.Totals(lines=2, rows=2, repeated=0, faulty=0)


@pytest.mark.row("A05.7")
def test_a_bad_line_is_named_and_the_rest_goes_in():
    got = reading(
        "出院病人名单（示例）\n\n" + HEADER + GOOD
        + "12,1,王五,男,W01,,2026-11-17\n"
        + "00123458,1,,男,W 01,,2026-02-30\n"
        + "00123459,1,赵六,男,W01,2026-11-18,2026-11-17\n"
        + "00123460,1,O\"Brien,男,W01,,2026-11-17\n"
        + "00123461,1,孙,七,男,W01,,2026-11-17\n"
        + OTHER
    )  # fmt: skip
    assert got.header_line == 3
    assert [r.line for r in got.rows] == [4, 8, 10]
    assert list(got.faults) == [
        RowFault(5, "cell.record-no", "record_no"),
        RowFault(6, "cell.missing", "name"),
        RowFault(6, "cell.ward", "ward"),
        RowFault(6, "cell.date-impossible", "discharged_on"),
        RowFault(7, "row.admitted-after-discharged", "admitted_on"),
        RowFault(9, "row.more-columns-than-header"),
    ]
    assert got.totals == sheets.Totals(lines=7, rows=3, repeated=0, faulty=4)


def test_an_open_quote_costs_its_own_line_only():
    rows = "".join(f"0012{i:04},1,张三,男,W01,,2026-11-17\n" for i in range(100))
    got = reading(HEADER + '00999999,1,"张三,男,W01,,2026-11-17\n' + rows)
    assert got.faults == (RowFault(2, "row.quote"),)
    assert len(got.rows) == 100


def test_a_quoted_cell_may_hold_the_delimiter_and_run_over_lines():
    got = reading(
        HEADER + '00123456,1,"张, 三","男",W01,,"2026-11-17"\n' + '00123457,1,"张\n三",男,W01,,2026-11-17\n' + OTHER
    )
    assert [(r.line, r.name) for r in got.rows] == [(2, "张, 三"), (5, "李四")]
    assert got.faults == (RowFault(3, "cell.control-character", "name"),)


def test_equal_rows_count_once_and_contradicting_ones_are_named():
    again = GOOD.replace("2026-11-17", "20261117").replace(",1,", ",01,")
    other_ward = GOOD.replace("W01", "W09")
    got = reading(HEADER + GOOD + again + other_ward)
    assert len(got.rows) == 1
    assert got.faults == (RowFault(4, "row.duplicate", "record_no", first_line=2),)
    assert got.totals == sheets.Totals(lines=3, rows=1, repeated=1, faulty=1)


@pytest.mark.row("A05.7")
def test_unknown_headings_come_back_for_the_mapping_page():
    text = "编号,谁,哪里,何时\n00123456,张三,W01,2026-11-17\n"
    got = reading(text)
    assert got.missing == ("record_no", "name", "ward", "discharged_on") and not got.rows
    assert got.header == ("编号", "谁", "哪里", "何时")
    assert got.preview == (("00123456", "张三", "W01", "2026-11-17"),)
    mapped = reading(text, mapping={"record_no": 0, "name": 1, "ward": 2, "discharged_on": 3})
    assert [r.stay for r in mapped.rows] == [("00123456", "0")]


@pytest.mark.row("A05.10")
def test_hostile_text_is_only_text():
    name = "<img src=x onerror=alert(1)>"
    assert reading(HEADER + GOOD.replace("张三", name)).rows[0].name == name
    assert reading(HEADER + GOOD.replace("W01", "W'; DROP--")).faults == (RowFault(2, "cell.ward", "ward"),)


@pytest.mark.row("A05.7")
def test_xlsx_with_dates_numbers_and_padded_numbers():
    def change(book):
        sheet = book.active
        sheet["A3"].number_format = "00000000"
        sheet["G4"].number_format = "General"

    data = workbook(
        headings("zh"),
        ["００１２３４５６", "1", "张三", "男", "W01", datetime(2026, 11, 10, 8, 30), date(2026, 11, 17)],
        [123457, 2.0, "李四", "女", "W02", None, "2026.11.16"],
        [87654321, 1, "王五", None, "W03", None, 46343],
        change=change,
    )
    got = reading(data, "list.xlsx")
    assert not got.faults
    assert [(r.line, r.record_no, r.stay_no, r.discharged_on) for r in got.rows] == [
        (2, "00123456", "1", date(2026, 11, 17)),
        (3, "00123457", "2", date(2026, 11, 16)),
        (4, "87654321", "1", date(2026, 11, 17)),
    ]


def test_xlsx_dates_counted_from_1904():
    data = workbook(headings("en"), ["00123456", 1, "Ann", "F", "W01", None, date(2026, 11, 17)], epoch_1904=True)
    assert reading(data, "x.xlsx").rows[0].discharged_on == date(2026, 11, 17)


def test_formula_cells_count_as_their_cached_value_or_are_named():
    data = workbook(headings("zh"), ["00123456", 1, "张三", "男", "W01", None, "=DATE(2026,11,17)"])
    assert reading(data, "x.xlsx").faults == (RowFault(2, "cell.formula-without-value", "discharged_on"),)
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    for cached, kind, faults in (
        (b"<v>46343</v>", b"", ()),
        (b"<v>#N/A</v>", b' t="e"', (RowFault(2, "cell.formula-error", "discharged_on"),)),
    ):
        with_value = sheet.replace(b'<c r="G2"', b'<c r="G2"' + kind).replace(b"<v />", cached).replace(b"<v/>", cached)
        assert with_value != sheet
        assert reading(rezip(data, sheet1=with_value), "x.xlsx").faults == faults


def test_blank_rows_and_hidden_sheets_do_not_count():
    def change(book):
        book.create_sheet("first", 0).sheet_state = "hidden"
        book["first"].append(["not", "this"])
        book.active = 1

    row = ["00123456", 1, "张三", "男", "W01", None, date(2026, 11, 17)]
    got = reading(workbook(headings("zh"), [], [None, ""], row, change=change), "x.xlsx")
    assert [r.line for r in got.rows] == [4] and not got.faults


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.row("A05.7")
def test_templates_are_lists_without_rows(lang):
    for data in (csv_template(lang), xlsx_template(lang)):
        got = reading(data)
        assert got.missing == () and got.rows == () and got.totals.lines == 0
        assert got.header == tuple(headings(lang))


@pytest.mark.parametrize(
    ("data", "hint", "code"),
    [
        (b"", "a.csv", "import.empty"),
        (b" \r\n\t", "a.csv", "import.empty"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "a.xls", "import.xls"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "import.protected"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "a.csv", "import.not-a-list"),
        (b"\xff\x00\x01", "a.csv", "import.encoding"),
        (b"\xff\x00\x01", "a.xls", "import.xls"),
        (b"<html><table><tr><td>1", "a.csv", "import.not-a-list"),
        (b"<html><table><tr><td>1", "a.xls", "import.xls"),
        (b"%PDF-1.7", "a.csv", "import.not-a-list"),
        (b"a,b\0c\n", "a.csv", "import.not-a-list"),
        (b"PK\x03\x04 not a zip", "a.xlsx", "import.broken"),
        (b'"' * 99, "a.csv", "import.not-a-list"),
    ],
)
@pytest.mark.row("A05.10")
def test_what_is_no_list_has_one_code(data, hint, code):
    assert refusal(data, hint) == code


@pytest.mark.row("A05.10")
def test_ten_megabytes_of_garbage_are_refused_quickly():
    started = time.monotonic()
    garbage = os.urandom(10 * 1024 * 1024)
    assert refusal(garbage) in ("import.encoding", "import.not-a-list")
    assert refusal(garbage + b"x") == "import.too-large"
    for byte in (b'"', b",", b"\n", b"a", "毛".encode("gb18030")):
        read_list(byte * (10 * 1024 * 1024 // len(byte)), "a.csv")
    read_list(b'a,"b\n' * (2 * 1024 * 1024), "a.csv")
    assert time.monotonic() - started < 120


@pytest.mark.row("A05.7")
def test_fifty_thousand_rows_go_in_and_one_more_is_refused():
    started = time.monotonic()
    rows = [f"{i:08},1,张三,男,W{i % 40:02},2026-11-10,2026-11-17\n" for i in range(50_001)]
    got = reading(HEADER + "".join(rows[:50_000]))
    assert len(got.rows) == 50_000 and not got.faults
    assert refusal((HEADER + "".join(rows)).encode()) == "import.too-many-rows"
    assert time.monotonic() - started < 60


@pytest.mark.row("A05.10")
def test_workbooks_that_ask_for_a_large_machine_are_refused():
    plain = workbook(headings("zh"), ["00123456", 1, "张三", "男", "W01", None, "2026-11-17"])
    sheet = zipfile.ZipFile(io.BytesIO(plain)).read("xl/worksheets/sheet1.xml")
    endless_row = sheet.replace(b"</row>", b"<c/>" * 2_000_000 + b"</row>", 1)
    assert refusal(rezip(plain, sheet1=endless_row), "x.xlsx") == "import.bomb"
    styles = (
        zipfile.ZipFile(io.BytesIO(plain))
        .read("xl/styles.xml")
        .replace(b"</cellXfs>", b"<xf/>" * 200_000 + b"</cellXfs>")
    )
    assert refusal(rezip(plain, styles=styles), "x.xlsx") == "import.bomb"
    assert refusal(rezip(plain, theme1=b" " * (129 * 1024 * 1024)), "x.xlsx") == "import.bomb"
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet
    assert refusal(rezip(plain, sheet1=entity), "x.xlsx") == "import.broken"
    far = sheet.replace(b'<row r="2"', b'<row r="999999999999"')
    assert read_list(rezip(plain, sheet1=far), "x.xlsx") is not None
    assert refusal(rezip(plain, sheet1=b"\0" + sheet), "x.xlsx") == "import.broken"


def test_a_truncated_workbook_is_refused_at_every_length():
    data = workbook(headings("zh"), ["00123456", 1, "张三", "男", "W01", None, "2026-11-17"])
    for length in range(2, len(data), 97):
        assert refusal(data[:length], "x.xlsx") == "import.broken"


@given(st.binary(max_size=300))
def test_any_bytes_give_a_reading_or_a_refusal(data):
    assert isinstance(read_list(data, "a.csv"), ListReading | Refused)


@given(st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=12))
def test_any_cells_below_a_good_header(lines):
    body = "\n".join(",".join(cells) for cells in lines)
    got = read_list((HEADER + GOOD + body).encode("utf-8", "replace"), "a.csv")
    assert isinstance(got, Refused) or got.totals.lines == got.totals.rows + got.totals.repeated + got.totals.faulty


_PLAIN = workbook(headings("zh"), ["00123456", 1, "张三", "男", "W01", None, "2026-11-17"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(_PLAIN) - 1), st.integers(1, 255))
def test_any_flipped_byte_of_a_workbook(at, flip):
    damaged = _PLAIN[:at] + bytes([_PLAIN[at] ^ flip]) + _PLAIN[at + 1 :]
    assert isinstance(read_list(damaged, "x.xlsx"), ListReading | Refused)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=6))
def test_any_damage_inside_the_sheet_part(at, new):
    sheet = zipfile.ZipFile(io.BytesIO(_PLAIN)).read("xl/worksheets/sheet1.xml")
    at %= len(sheet)
    damaged = rezip(_PLAIN, sheet1=sheet[:at] + new + sheet[at + len(new) :])
    assert isinstance(read_list(damaged, "x.xlsx"), ListReading | Refused)


def test_the_gate_reads_lies_about_sizes_as_damage():
    data = bytearray(_PLAIN)
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (7).to_bytes(4, "little")
    with pytest.raises(xlsx_gate.WorkbookFault):
        xlsx_gate.inspect_workbook(bytes(data))
