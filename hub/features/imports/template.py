"""The empty list a hospital fills in: headings that the import recognises by itself, number columns kept as text."""

from __future__ import annotations

import csv
import io
from typing import Literal

from hub.features.imports.mapping import HEADINGS
from hub.features.imports.rows import REQUIRED

Lang = Literal["zh", "en"]

_NOTES: dict[str, tuple[str, str]] = {
    "record_no": ("4 到 20 位数字或大写字母", "4 to 20 digits or capital letters"),
    "stay_no": ("1 到 4 位数字，可不填", "1 to 4 digits, may be left out"),
    "name": ("最多 80 字", "at most 80 characters"),
    "sex": ("男、女，可不填", "M or F, may be left out"),
    "ward": ("病区代码，字母、数字、点、横线", "ward code: letters, digits, dot, hyphen"),
    "admitted_on": ("例 2026-11-17，可不填", "like 2026-11-17, may be left out"),
    "discharged_on": ("例 2026-11-17", "like 2026-11-17"),
}


def headings(lang: Lang) -> list[str]:
    """The template's columns in order."""
    return [pair[0 if lang == "zh" else 1] for pair in HEADINGS.values()]


def csv_template(lang: Lang = "zh") -> bytes:
    """UTF-8 with a byte order mark, or Excel would read the headings as the code page of its machine."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(headings(lang))
    return out.getvalue().encode("utf-8-sig")


def xlsx_template(lang: Lang = "zh") -> bytes:
    """Headings on the first sheet, the rules of each column on the second; no sample row that could be imported."""
    from openpyxl import Workbook  # half a second of imports that only a template needs
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet("出院名单" if lang == "zh" else "Discharges")
    notes = book.create_sheet("说明" if lang == "zh" else "How to fill in")
    sheet.append(headings(lang))
    sheet.freeze_panes = "A2"
    for number, (field, heading) in enumerate(zip(HEADINGS, headings(lang), strict=True), start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = 18
        sheet.column_dimensions[letter].number_format = "@"
        sheet.cell(1, number).font = Font(bold=field in REQUIRED)
        notes.append([heading, _NOTES[field][0 if lang == "zh" else 1]])
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 18, 44
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
