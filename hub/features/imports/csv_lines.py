"""Delimited text, line by line, so that one broken quote costs one line and not the rest of the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from hub.features.imports.mapping import guess_columns

DELIMITERS = (",", "\t", ";")
LINES_MAX = 1_048_576
"""Lines of any kind, blank ones too. Source: Excel specifications and limits, rows on a worksheet."""
LINE_CHARS_MAX = 16 * 1024
JOIN_LINES_MAX = 8
"""A quoted cell may run over a few lines (an address); further than that the quote is a mistake."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """The cells of one record and the number of the line it starts on, or why it has none."""

    line: int
    cells: Sequence[str]
    fault: str = ""


def choose_delimiter(text: str) -> str:
    """The delimiter under which the first lines name the most fields, or else fall into the most columns."""
    head = [
        line for line in islice(io.StringIO(text, newline=None), 20) if line.strip() and len(line) <= LINE_CHARS_MAX
    ]

    def worth(delimiter: str) -> tuple[int, int]:
        split = [cells for line in head if (cells := _parse(line, delimiter)) is not None]
        return (
            max((len(guess_columns(cells)) for cells in split), default=0),
            max((len(cells) for cells in split), default=0),
        )

    return max(DELIMITERS, key=worth)


def csv_lines(text: str, delimiter: str) -> Iterator[RawLine]:
    """Every non-blank record in order. A quote that opens and never closes gives `row.quote` for its line alone."""
    numbered = enumerate(io.StringIO(text, newline=None), start=1)
    waiting: list[tuple[int, str]] = []
    width = 0
    while True:
        line, content = waiting.pop(0) if waiting else next(numbered, (0, ""))
        if not line:
            return
        if not content.strip():
            if line > LINES_MAX:
                yield RawLine(line, (), "row.beyond-limit")
                return
            continue
        if len(content) > LINE_CHARS_MAX:
            yield RawLine(line, (), "row.too-long")
            continue
        cells = _parse(content, delimiter)
        if cells is None:
            waiting += islice(numbered, max(0, JOIN_LINES_MAX - len(waiting)))
            cells, used = _join(content, waiting, delimiter, width)
            del waiting[:used]
        if cells is None:
            yield RawLine(line, (), "row.quote")
        elif any(cell.strip() for cell in cells):
            width = width or len(cells)
            yield RawLine(line, cells)


def _parse(content: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([content.rstrip("\n")], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _join(first: str, following: Sequence[tuple[int, str]], delimiter: str, width: int) -> tuple[list[str] | None, int]:
    """Close an open quote with the lines that follow, only if the result is as wide as the header."""
    joined, quotes = first, first.count('"')
    for used, (_, content) in enumerate(following, start=1):
        joined += content
        quotes += content.count('"')
        if len(joined) > LINE_CHARS_MAX:
            break
        if '"' in content and quotes % 2 == 0:
            try:
                records = list(csv.reader([joined.rstrip("\n")], delimiter=delimiter, strict=True))
            except csv.Error:
                continue
            if len(records) == 1 and len(records[0]) == width:
                return records[0], used
            break
    return None, 0
