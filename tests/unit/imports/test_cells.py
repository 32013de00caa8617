"""What a single value may look like. All names and numbers are invented."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports import cells
from hub.features.imports.cells import BadValue


@pytest.mark.parametrize(
    ("value", "wanted", "why"),
    [
        ("00123456", "00123456", "plain"),
        ("００１２３４５６", "00123456", "full-width digits of a Chinese keyboard"),
        ("ab１２３４", "AB1234", "letters are raised"),
        ("　Z1234\t", "Z1234", "ideographic space and tab at the ends"),
        ('="00123456"', "00123456", "a spreadsheet's way to keep a zero"),
        ("'00123456", "00123456", "the other way"),
        (123456, "123456", "a number cell"),
        (123456.0, "123456", "a number cell of a writer that knows only floats"),
        ("\u2003123456\u00a0", "123456", "spaces of other widths"),
        ("\ufeff123456\u200b", "123456", "invisible ends from copy and paste"),
    ],
)
def test_record_numbers_are_cleaned(value, wanted, why):
    assert cells.record_no(value) == wanted, why


@pytest.mark.parametrize(
    ("reader", "value", "code"),
    [
        (cells.record_no, "", "cell.missing"),
        (cells.record_no, None, "cell.missing"),
        (cells.record_no, "123", "cell.record-no"),
        (cells.record_no, "1" * 21, "cell.record-no"),
        (cells.record_no, "12 3456", "cell.record-no"),
        (cells.record_no, "<b>1234</b>", "cell.record-no"),
        (cells.record_no, "1234'; DROP TABLE stay;--", "cell.record-no"),
        (cells.record_no, "1234\x00", "cell.control-character"),
        (cells.record_no, "١٢٣٤٥", "cell.record-no"),
        (cells.record_no, 1234.5, "cell.record-no"),
        (cells.record_no, float("inf"), "cell.number"),
        (cells.record_no, True, "cell.number"),
        (cells.stay_no, "12345", "cell.stay-no"),
        (cells.stay_no, "1a", "cell.stay-no"),
        (cells.stay_no, "-1", "cell.stay-no"),
        (cells.name, "张" * 81, "cell.name-too-long"),
        (cells.name, "张\n三", "cell.control-character"),
        (cells.name, "张\x1b[2J", "cell.control-character"),
        (cells.name, "张\u202e三", "cell.control-character"),
        (cells.name, "张\ud800", "cell.control-character"),
        (cells.name, "张\ufffd", "cell.unreadable-character"),
        (cells.name, "张\ue5e5", "cell.unreadable-character"),
        (cells.name, "张\U0003fffe", "cell.unreadable-character"),
        (cells.name, "x" * 10_000_000, "cell.too-long"),
        (cells.ward, "W 12", "cell.ward"),
        (cells.ward, "心内科", "cell.ward"),
        (cells.ward, "W" * 21, "cell.ward"),
    ],
)
def test_wrong_values_have_a_code(reader, value, code):
    with pytest.raises(BadValue) as caught:
        reader(value)
    assert caught.value.code == code
    assert str(value) not in str(caught.value) or not value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("1", "1"), ("01", "1"), ("０２", "2"), (3, "3"), ("", "0"), (None, "0"), ("0000", "0"), ("9999", "9999")],
)
def test_stay_numbers_have_one_spelling(value, wanted):
    assert cells.stay_no(value) == wanted


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-17", "2026/11/17", "2026.11.17", "20261117", "2026年11月17日", "２０２６－１１－１７",
        "2026-11-17 10:30", "2026-11-17T10:30:59", "2026/11/17 9:05:00.000", "20261117103000", "202611171030",
        "2026年11月17日 10时30分", date(2026, 11, 17), datetime(2026, 11, 17, 23, 59), 46343, 46343.5,
        "46343", 20261117,
    ],
)  # fmt: skip
def test_dates_in_every_form_people_write(value):
    assert cells.civil_date(value) == date(2026, 11, 17)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-02-30", "cell.date-impossible"),
        ("2026-13-01", "cell.date-impossible"),
        ("20260230", "cell.date-impossible"),
        ("1899-12-31", "cell.date-impossible"),
        (datetime(2101, 1, 1), "cell.date-impossible"),
        ("11/17/2026", "cell.date-form"),
        ("26-11-17", "cell.date-form"),
        ("2026-11-17x", "cell.date-form"),
        ("2026-11/17", "cell.date-form"),
        ("19999", "cell.date-form"),
        ("yesterday", "cell.date-form"),
        ("", "cell.missing"),
    ],
)
def test_dates_nobody_can_mean(value, code):
    with pytest.raises(BadValue) as caught:
        cells.civil_date(value)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("男", "M"),
        ("女性", "F"),
        ("1", "M"),
        (2, "F"),
        ("F", "F"),
        ("9", "U"),
        ("", "U"),
    ],
)
def test_sex_is_never_a_reason_to_refuse(value, wanted):
    assert cells.sex(value) == wanted


@pytest.mark.parametrize("text", ["𠮷田", "㼆", "䶮", "阿卜杜热西提·买买提", "O'Brien", "<script>alert(1)</script>"])
def test_names_of_any_script_stay_as_they_are(text):
    assert cells.name(text) == text


@given(st.text(max_size=60) | st.floats() | st.integers() | st.none() | st.datetimes() | st.booleans())
def test_no_value_raises_anything_else(value):
    for reader in (cells.record_no, cells.stay_no, cells.name, cells.sex, cells.ward, cells.civil_date):
        try:
            reader(value)
        except BadValue as bad:
            assert bad.code.startswith("cell.")


@given(st.text(max_size=600))
def test_cleaned_text_is_short_composed_and_free_of_controls(text):
    try:
        cleaned = cells.clean_text(text)
    except BadValue:
        return
    assert len(cleaned) <= cells.CELL_CHARS_MAX
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "  " not in cleaned and cleaned == cleaned.strip(" ")
