"""Columns by the words above them."""

from __future__ import annotations

import pytest

from hub.features.imports.mapping import HEADINGS, check_columns, guess_columns, missing_fields
from hub.features.imports.template import headings


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (["病案号", "姓名", "病区", "出院日期"], {"record_no": 0, "name": 1, "ward": 2, "discharged_on": 3}),
        (["序号", "住院号（必填）", "患者 姓名", "出院时间:"], {"record_no": 1, "name": 2, "discharged_on": 3}),
        (["住院号", "病案号"], {"record_no": 1}),
        (["Record no.", "PATIENT_NAME", "ward-code", "Discharge Date", "Sex"],
         {"record_no": 0, "name": 1, "ward": 2, "discharged_on": 3, "sex": 4}),
        (["BAH", "ZYCS", "XM", "RYSJ", "CYSJ"],
         {"record_no": 0, "stay_no": 1, "name": 2, "admitted_on": 3, "discharged_on": 4}),
        (["x"] * 500, {}),
        ([], {}),
    ],
)  # fmt: skip
def test_guess(header, found):
    assert guess_columns(header) == found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_template_is_understood_without_help(lang):
    assert guess_columns(headings(lang)) == {field: i for i, field in enumerate(HEADINGS)}


def test_required_fields_are_named_in_order():
    assert missing_fields({"ward": 0, "sex": 1}) == ("record_no", "name", "discharged_on")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"record_no": 0, "name": 1, "ward": 2, "discharged_on": 3, "shoe_size": 0}, "mapping.field-unknown"),
        ({"record_no": 0, "name": 1, "ward": 2, "discharged_on": 9}, "mapping.column-outside"),
        ({"record_no": -1, "name": 1, "ward": 2, "discharged_on": 3}, "mapping.column-outside"),
        ({"record_no": 0, "name": 1, "ward": 1, "discharged_on": 3}, "mapping.column-twice"),
        ({"record_no": 0, "name": 1, "ward": 2}, "mapping.field-missing"),
    ],
)
def test_a_chosen_mapping_is_checked(columns, code):
    refused = check_columns(columns, 4)
    assert refused is not None and refused.code == code


def test_a_complete_mapping_passes():
    assert check_columns({"record_no": 3, "name": 1, "ward": 0, "discharged_on": 2}, 4) is None
