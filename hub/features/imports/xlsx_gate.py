"""Looks at a workbook's parts before any XML parser does, so that a small file cannot ask for a large machine.

A zip member is never read past its declared size (zipfile stops there), so declared sizes bound the work. What is left
are parts that are small as text and large as objects: many empty elements, one endless row, entities.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from sync.kernel.outcome import PeerFault

MEMBERS_MAX = 1000
EXPANDED_BYTES_MAX = 128 * 1024 * 1024
STRINGS_BYTES_MAX = 32 * 1024 * 1024
STRINGS_TAGS_MAX = 4_000_000
OTHER_TAGS_MAX = 100_000
ROW_BYTES_MAX = 256 * 1024
_CHUNK_BYTES = 256 * 1024

_ROW_START = re.compile(rb"<(?:[A-Za-z]\w*:)?row[\s/>]")
_FORMULA = re.compile(rb"<(?:[A-Za-z]\w*:)?f[\s/>]")


@dataclass(frozen=True, slots=True)
class Gate:
    """What the look found out that the reader wants to know."""

    has_formulas: bool


class WorkbookFault(PeerFault):
    """`import.broken` (not a workbook, damaged) or `import.bomb` (asks for more than a list ever needs)."""


def inspect_workbook(data: bytes) -> Gate:
    """Raises WorkbookFault; never expands more than 128 MiB in total and holds one chunk at a time."""
    has_formulas = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS_MAX or sum(m.file_size for m in members) > EXPANDED_BYTES_MAX:
                raise WorkbookFault("import.bomb")
            names = [m.filename for m in members]
            if "[Content_Types].xml" not in names or len(set(names)) != len(names):
                raise WorkbookFault("import.broken")
            for member in members:
                if member.flag_bits & 1:
                    raise WorkbookFault("import.protected")
                if member.filename.lower().endswith((".xml", ".rels", ".vml")):
                    has_formulas |= _inspect_part(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, IndexError):
        raise WorkbookFault("import.broken") from None
    return Gate(has_formulas)


def _inspect_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether the part is a sheet with formulas."""
    name = member.filename.lower()
    is_sheet, is_strings = "worksheets/" in name and name.endswith(".xml"), name.endswith("sharedstrings.xml")
    if is_strings and member.file_size > STRINGS_BYTES_MAX:
        raise WorkbookFault("import.bomb")
    tags, tags_max = 0, STRINGS_TAGS_MAX if is_strings else OTHER_TAGS_MAX
    row_start, position, formulas, tail = 0, 0, False, b""
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK_BYTES):
            window = tail + chunk
            if b"\0" in chunk or b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                raise WorkbookFault("import.broken")
            if is_sheet:
                formulas = formulas or _FORMULA.search(window) is not None
                for found in _ROW_START.finditer(window):
                    at = position - len(tail) + found.start()
                    _check_row(at - row_start)
                    row_start = at
                _check_row(position + len(chunk) - row_start)
            else:
                tags += chunk.count(b"<")
                if tags > tags_max:
                    raise WorkbookFault("import.bomb")
            position += len(chunk)
            tail = window[-64:]
    return formulas


def _check_row(length: int) -> None:
    if length > ROW_BYTES_MAX * 2:
        raise WorkbookFault("import.bomb")
