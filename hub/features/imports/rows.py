"""One line of a discharge list: read field by field, every fault of the line named, never half taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.features.imports import cells
from hub.features.imports.cells import BadValue, Cell, Sex

FIELDS = ("record_no", "stay_no", "name", "sex", "ward", "admitted_on", "discharged_on")
REQUIRED = ("record_no", "name", "ward", "discharged_on")


@dataclass(frozen=True, slots=True)
class DischargeRow:
    """A discharge as the list tells it. `line` counts from 1 in the file; `stay_no` is "0" when the list has none."""

    line: int
    record_no: str
    stay_no: str
    name: str
    sex: Sex
    ward: str
    admitted_on: date | None
    discharged_on: date

    @property
    def stay(self) -> tuple[str, str]:
        """What identifies the stay."""
        return self.record_no, self.stay_no

    def same_content(self, other: DischargeRow) -> bool:
        """Equal in everything but the line it stands on."""
        return all(getattr(self, f) == getattr(other, f) for f in FIELDS)


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a line did not go in. `column` is a field name or "" for the whole line; `first_line` where its twin stands.

    Holds nothing of what the line said: it may be logged and shown to anyone.
    """

    line: int
    code: str
    column: str = ""
    first_line: int | None = None


class CellTrouble:
    """Stands in a cell whose value the file could not give, with the reason (`cell.formula-…`)."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code


def read_row(line: int, values: Mapping[str, Cell | CellTrouble]) -> DischargeRow | list[RowFault]:
    """Clean and check one line given as {field: cell}; either a row or every fault it has."""
    readers: dict[str, Callable[[Cell], Any]] = {
        "record_no": cells.record_no,
        "stay_no": cells.stay_no,
        "name": cells.name,
        "sex": cells.sex,
        "ward": cells.ward,
        "admitted_on": _optional_date,
        "discharged_on": cells.civil_date,
    }
    read: dict[str, Any] = {}
    faults: list[RowFault] = []
    for field, reader in readers.items():
        value = values.get(field)
        try:
            if isinstance(value, CellTrouble):
                raise BadValue(value.code)
            read[field] = reader(value)
        except BadValue as bad:
            faults.append(RowFault(line, bad.code, field))
    if faults:
        return faults
    row = DischargeRow(line=line, **read)
    if row.admitted_on is not None and row.admitted_on > row.discharged_on:
        return [RowFault(line, "row.admitted-after-discharged", "admitted_on")]
    return row


def _optional_date(value: Cell) -> date | None:
    if isinstance(value, str) and cells.clean_text(value) in ("", "-"):
        return None
    return None if value is None else cells.civil_date(value)
