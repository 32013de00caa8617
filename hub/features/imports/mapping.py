"""Which column holds which field: guessed from the header's words, or told by a person on the mapping page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hub.features.imports.rows import FIELDS, REQUIRED
from sync.kernel.outcome import Refused

ColumnOf = Mapping[str, int]
"""{field: column}, columns counted from 0."""

COLUMNS_MAX = 64

HEADINGS: Mapping[str, tuple[str, str]] = {
    "record_no": ("病案号", "Record no."),
    "stay_no": ("住院次数", "Stay no."),
    "name": ("姓名", "Name"),
    "sex": ("性别", "Sex"),
    "ward": ("病区", "Ward"),
    "admitted_on": ("入院日期", "Admitted on"),
    "discharged_on": ("出院日期", "Discharged on"),
}
"""The template's headings, Chinese and English."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "record_no": ("病案号", "病历号", "住院号", "病案编号", "病历编号", "bah", "recordno", "recordnumber", "mrn",
                  "medicalrecordno", "medicalrecordnumber", "inpatientno"),
    "stay_no": ("住院次数", "次数", "住院次", "第几次住院", "入院次数", "zycs", "stayno", "staynumber", "stay",
                "visitno", "admissionno", "times"),
    "name": ("姓名", "患者姓名", "病人姓名", "xm", "name", "patientname", "patient"),
    "sex": ("性别", "xb", "sex", "gender"),
    "ward": ("病区", "病区代码", "病区编码", "出院病区", "出院病区代码", "科室代码", "ward", "wardcode",
             "dischargeward"),
    "admitted_on": ("入院日期", "入院时间", "rysj", "rysrq", "ryrq", "admittedon", "admissiondate", "admitted",
                    "admitdate", "dateofadmission"),
    "discharged_on": ("出院日期", "出院时间", "cysj", "cyrq", "dischargedon", "dischargedate", "discharged",
                      "dateofdischarge"),
}  # fmt: skip
"""Header words by rank; pinyin ones are the national statistics columns. Source: 卫统4-1 (N041) field list."""

_NOISE = re.compile(r"[\s_\-.*:：#/]|[(（\[【].*?[)）\]】]")


def guess_columns(header: Sequence[str]) -> dict[str, int]:
    """Fields whose column the header's words give away; where two columns fit, the better word, then the left one."""
    plain = [_NOISE.sub("", text[:80]).lower() for text in header[:COLUMNS_MAX]]
    found: dict[str, int] = {}
    for field, words in _WORDS.items():
        for word in words:
            if word in plain:
                found[field] = plain.index(word)
                break
    return found


def missing_fields(columns: ColumnOf) -> tuple[str, ...]:
    """Required fields without a column, in the template's order."""
    return tuple(field for field in REQUIRED if field not in columns)


def check_columns(columns: ColumnOf, width: int) -> Refused | None:
    """What is wrong with a mapping that a person chose, or None."""
    if unknown := [field for field in columns if field not in FIELDS]:
        return Refused("mapping.field-unknown", {"count": len(unknown)})
    if any(not 0 <= column < max(width, 1) for column in columns.values()):
        return Refused("mapping.column-outside", {"columns": width})
    if len(set(columns.values())) != len(columns):
        return Refused("mapping.column-twice")
    if missing := missing_fields(columns):
        return Refused("mapping.field-missing", {"field": missing[0]})
    return None
