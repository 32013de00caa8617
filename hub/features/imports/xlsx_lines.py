"""An .xlsx sheet row by row, with what a spreadsheet hides: cached formula values, dates, zero-padded numbers."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.features.imports.cells import Cell
from hub.features.imports.csv_lines import LINES_MAX
from hub.features.imports.mapping import COLUMNS_MAX
from hub.features.imports.rows import CellTrouble
from hub.features.imports.xlsx_gate import WorkbookFault, inspect_workbook

_ZEROS = re.compile(r"0{2,20}")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """The cells of one sheet row, which has the number Excel shows beside it."""

    line: int
    cells: Sequence[Cell | CellTrouble]


def xlsx_lines(data: bytes) -> Iterator[SheetLine]:
    """Non-blank rows of the first visible sheet, at most 64 columns. Raises WorkbookFault for what is no workbook.

    Dates counted from 1904 come out as dates like any other. A formula counts as its cached value; without one the
    cell is a CellTrouble `cell.formula-without-value`, with an error value `cell.formula-error`.
    """
    gate = inspect_workbook(data)
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's warnings quote cell values
        try:
            values = _open_rows(stack, data, data_only=True)
            formulas = _open_rows(stack, data, data_only=False) if gate.has_formulas else None
            before: Sequence[Any] = ()
            for line, row in enumerate(values, start=1):
                beside = next(formulas, ()) if formulas is not None else ()
                if row is before:  # openpyxl fills a gap of rows, a million at worst, with one and the same tuple
                    continue
                before = row
                cells = [_cell(cell, beside[i] if i < len(beside) else None) for i, cell in enumerate(row)]
                if any(cell not in (None, "") for cell in cells):
                    yield SheetLine(line, cells)
        except WorkbookFault:
            raise
        except Exception:  # openpyxl lets whatever its parsers meet in a damaged part come through
            raise WorkbookFault("import.broken") from None


def _open_rows(stack: ExitStack, data: bytes, *, data_only: bool) -> Iterator[Sequence[Any]]:
    import openpyxl  # half a second of imports that only a list needs

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
    stack.enter_context(closing(book))
    sheet = next((s for s in book.worksheets if s.sheet_state == "visible"), None)
    if sheet is None:
        raise WorkbookFault("import.broken")
    return iter(sheet.iter_rows(min_row=1, max_row=LINES_MAX, min_col=1, max_col=COLUMNS_MAX))


def _cell(cell: Any, formula_cell: Any) -> Cell | CellTrouble:
    value, kind = cell.value, cell.data_type
    if kind == "e":
        return CellTrouble("cell.formula-error")
    if value is None:
        has_formula = formula_cell is not None and formula_cell.data_type == "f"
        return CellTrouble("cell.formula-without-value") if has_formula else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        # 123 shown as 00000123: the zeros belong to the number people see.
        return str(value).zfill(len(shown)) if _ZEROS.fullmatch(shown := cell.number_format or "") else value
    if isinstance(value, str | int | float | datetime | date):
        return value
    return CellTrouble("cell.date-form")
