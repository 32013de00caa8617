"""The figures as an Excel file. No cell can be taken for a formula: text that could begin one is told to be text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

Cell = str | int | float | None
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(value: Cell) -> Cell:
    """Text that a spreadsheet could read as a formula gets an apostrophe before it.

    Source: OWASP, CSV Injection. openpyxl stores strings as strings, but what is exported again as CSV would not be.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS) else value


def workbook(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    """(title, heads, rows) per sheet."""
    from openpyxl import Workbook  # half a second of imports that only an export needs
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, heads, rows in sheets:
        sheet = book.create_sheet(title[:31])
        sheet.append(list(heads))
        for at in range(1, len(heads) + 1):
            sheet.cell(1, at).font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(at)].width = 16
        sheet.freeze_panes = "A2"
        for row in rows:
            sheet.append([safe(cell) for cell in row])
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
