"""Reading the audit list. Nothing here writes: reading is free of traces, what was done is not."""

from __future__ import annotations

from hub.features.audit import store
from hub.features.audit.store import Line, Wanted
from hub.store.desk import Desk


class Audit:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, wanted: Wanted) -> tuple[list[Line], int]:
        """A page, newest first, and how many lines there are in all."""
        with self._desk.store.read() as conn:
            return store.find(conn, wanted)

    def kinds(self) -> list[str]:
        with self._desk.store.read() as conn:
            return store.kinds(conn)
