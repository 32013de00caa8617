"""A discharge list as a whole: which kind of file, which columns, which lines went in and why the others did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from hub.features.imports.cells import BadValue, Cell, clean_text
from hub.features.imports.charset import decode_text
from hub.features.imports.csv_lines import choose_delimiter, csv_lines
from hub.features.imports.mapping import ColumnOf, check_columns, guess_columns, missing_fields
from hub.features.imports.rows import CellTrouble, DischargeRow, RowFault, read_row
from hub.features.imports.xlsx_lines import xlsx_lines
from sync.kernel.outcome import PeerFault, Refused

LIST_BYTES_MAX = 10 * 1024 * 1024
ROWS_MAX = 50_000
HEADER_WITHIN_LINES = 10
PREVIEW_ROWS = 5

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class Line:
    """One record of either kind of file."""

    line: int
    cells: Sequence[Cell | CellTrouble]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """`lines` = rows + repeated + faulty. `repeated`: equal to an earlier line and counted once."""

    lines: int
    rows: int
    repeated: int
    faulty: int


@dataclass(frozen=True, slots=True)
class ListReading:
    """What a list said. With `missing` fields nothing was read but `header` and `preview`, for the mapping page."""

    header: tuple[str, ...]
    header_line: int
    columns: Mapping[str, int]
    missing: tuple[str, ...]
    preview: tuple[tuple[str, ...], ...]
    rows: tuple[DischargeRow, ...]
    faults: tuple[RowFault, ...]
    totals: Totals


def read_list(data: bytes, filename_hint: str = "", mapping: ColumnOf | None = None) -> ListReading | Refused:
    """Read a CSV (UTF-8, UTF-16 with mark, GB18030; comma, tab, semicolon) or an .xlsx list.

    At most 10 MiB and 50,000 records. Refused: `import.empty`, `import.too-large`, `import.too-many-rows`,
    `import.xls`, `import.protected`, `import.bomb`, `import.broken`, `import.encoding`, `import.not-a-list`,
    `mapping.…`. A bad line is a RowFault with its number and the rest goes in. The name of the file only helps to say
    what an unreadable one was meant to be.
    """
    if not data.strip():
        return Refused("import.empty")
    if len(data) > LIST_BYTES_MAX:
        return Refused("import.too-large", {"limit_mb": LIST_BYTES_MAX // 1024 // 1024})
    try:
        lines = _open(data, filename_hint)
        return lines if isinstance(lines, Refused) else _read(lines, mapping)
    except PeerFault as fault:
        return Refused(fault.code)


def _open(data: bytes, filename_hint: str) -> Iterator[Line] | Refused:
    if data.startswith(_OLE):
        return Refused("import.protected" if _ENCRYPTED in data else "import.xls")
    if data.startswith(b"PK"):
        return (Line(sheet.line, sheet.cells) for sheet in xlsx_lines(data))
    meant = {".xls": "import.xls", ".xlsx": "import.broken"}
    unreadable = next((code for end, code in meant.items() if filename_hint.lower().endswith(end)), "")
    try:
        text = decode_text(data).text
    except PeerFault:
        return Refused(unreadable or "import.encoding")
    if "\0" in text or text.lstrip()[:1] in ("<", "{", "%"):
        return Refused(unreadable or "import.not-a-list")
    return (Line(raw.line, raw.cells, raw.fault) for raw in csv_lines(text, choose_delimiter(text)))


def _read(lines: Iterator[Line], mapping: ColumnOf | None) -> ListReading | Refused:
    head = list(islice(lines, HEADER_WITHIN_LINES))
    readable = [i for i, line in enumerate(head) if not line.fault]
    if not readable:
        return Refused("import.not-a-list")
    at = max(readable, key=lambda i: (len(guess_columns(_texts(head[i].cells))), -i))
    header = _texts(head[at].cells)
    columns = dict(guess_columns(header) if mapping is None else mapping)
    if mapping is not None and (wrong := check_columns(columns, len(header))):
        return wrong
    preview = tuple(_texts(line.cells) for line in head[at + 1 : at + 1 + PREVIEW_ROWS])
    missing = missing_fields(columns)
    if missing:
        return ListReading(header, head[at].line, columns, missing, preview, (), (), Totals(0, 0, 0, 0))
    return _collect(chain(head[at + 1 :], lines), header, head[at].line, columns, preview)


def _collect(
    lines: Iterator[Line],
    header: tuple[str, ...],
    header_line: int,
    columns: Mapping[str, int],
    preview: tuple[tuple[str, ...], ...],
) -> ListReading | Refused:
    first_of: dict[tuple[str, str], DischargeRow] = {}
    faults: list[RowFault] = []
    count = repeated = faulty = 0
    for line in lines:
        count += 1
        if count > ROWS_MAX:
            return Refused("import.too-many-rows", {"limit": ROWS_MAX})
        row = _row(line, columns, len(header))
        if isinstance(row, DischargeRow):
            earlier = first_of.setdefault(row.stay, row)
            if earlier is row:
                continue
            if earlier.same_content(row):
                repeated += 1
                continue
            row = [RowFault(line.line, "row.duplicate", "record_no", earlier.line)]
        faulty += 1
        faults += row
    totals = Totals(count, len(first_of), repeated, faulty)
    return ListReading(header, header_line, columns, (), preview, tuple(first_of.values()), tuple(faults), totals)


def _row(line: Line, columns: Mapping[str, int], width: int) -> DischargeRow | list[RowFault]:
    if line.fault:
        return [RowFault(line.line, line.fault)]
    if any(cell not in (None, "") for cell in line.cells[width:]):
        return [RowFault(line.line, "row.more-columns-than-header")]
    values = {field: line.cells[at] if at < len(line.cells) else None for field, at in columns.items()}
    return read_row(line.line, values)


def _texts(cells: Sequence[Cell | CellTrouble]) -> tuple[str, ...]:
    """Cells as a person reads them, for the header and the preview; what cannot be shown is empty."""
    texts = []
    for cell in cells:
        try:
            texts.append("" if isinstance(cell, CellTrouble) else clean_text(cell))
        except BadValue:
            texts.append("")
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)
