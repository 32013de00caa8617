"""Documents whose pages carry a key, and a desk that prints them through the real print server."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hardware.codecs import document_ticket
from hardware.codecs.document_ticket import Ticket
from hardware.drivers.cups_client import CupsClient
from hardware.drivers.document_printer import DocumentPrinter
from hardware.ports import Job
from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom
from tests.adapters.hardware.plain_pdf import plain_pdf


@contextmanager
def print_room(**how: Any) -> Iterator[PrintRoom]:
    """In a folder of its own: the printer daemon's user must reach it, and the path of a socket is short."""
    folder = Path(tempfile.mkdtemp(prefix="room-"))
    room = PrintRoom(folder, **how)
    try:
        room.start()
        yield room
    finally:
        room.close()
        shutil.rmtree(folder, ignore_errors=True)


def document(key: str, ticket: Ticket) -> bytes:
    return document_ticket.encode(ticket, plain_pdf([[f"{key} page {n}"] for n in range(1, ticket.pages + 1)]))


def document_job(key: str, ticket: Ticket, printer: str = "office") -> Job:
    return Job(key, printer, document(key, ticket))


def printer_at(room: PrintRoom, queue: str, **how: Any) -> DocumentPrinter:
    return DocumentPrinter(
        CupsClient(room.server), queue, **{"counts": True, "wall_ms": wall_ms, "look_s": 0.1} | how
    )  # fmt: skip


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def came_out(printer: PaperPrinter, key: str) -> list[str]:
    """The pages of a document on paper, in the order they came."""
    return [side for sheet in printer.sheets for side in sheet["sides"] if side.startswith(f"{key} ")]


def wanted(key: str, ticket: Ticket) -> list[str]:
    return [f"{key} page {page}" for page in ticket.wanted] * ticket.copies


def doubles(printer: PaperPrinter, key: str, ticket: Ticket) -> Counter[str]:
    """Pages that came out more often than they were wanted."""
    return Counter(came_out(printer, key)) - Counter(wanted(key, ticket))
