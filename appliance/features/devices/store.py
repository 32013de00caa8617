"""Which gun was paired with which socket, what is switched off; and what a status page reads of this box's books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hardware.ports import Identity
from sync.adapters.sqlite_log.bootstrap import loading
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change
from sync.adapters.sqlite_log.pages import Value
from sync.adapters.sqlite_log.salvage import Keepsake
from sync.kernel.fact import Key

LINES = ("hid", "serial")
ON, OFF = "on", "off"


class DeviceTables:
    """Of this machine alone: what hangs on it is nobody else's business, and no fact."""

    etypes: frozenset[int] = frozenset()
    schema_sql = """
    CREATE TABLE IF NOT EXISTS device_binding (
        name     TEXT PRIMARY KEY,
        line     TEXT NOT NULL,
        port     TEXT NOT NULL,
        vendor   TEXT NOT NULL,
        product  TEXT NOT NULL,
        serial   TEXT NOT NULL,
        bound_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS device_switch (
        name       TEXT PRIMARY KEY,
        state      TEXT NOT NULL,
        changed_at INTEGER NOT NULL
    ) WITHOUT ROWID
    """

    def project(self, conn: Connection, etype: int, key: Key, state: Any, change: Change) -> None:
        raise AssertionError("devices are bound, not folded")


class BindingRow(NamedTuple):
    """A gun that was paired. `line`: hid or serial."""

    name: str
    line: str
    identity: Identity


def bindings(conn: Connection) -> list[BindingRow]:
    """By name. Where a mended database holds two for one socket, the later one."""
    rows = conn.execute(
        "SELECT name, line, port, vendor, product, serial FROM device_binding WHERE port != '' ORDER BY bound_at, name"
    )
    by_port = {row[2]: BindingRow(row[0], row[1], Identity(*row[2:6])) for row in rows}
    return sorted(by_port.values())


def bind(conn: Connection, row: BindingRow, now_ms: int) -> None:
    """One name one thing, and one thing one name: who had either has it no more."""
    conn.execute("UPDATE device_binding SET port = '', bound_at = ? WHERE port = ?", (now_ms, row.identity.port))
    conn.execute(
        "INSERT OR REPLACE INTO device_binding (name, line, port, vendor, product, serial, bound_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.name, row.line, row.identity.port, row.identity.vendor, row.identity.product, row.identity.serial, now_ms),
    )


def unbind(conn: Connection, name: str, now_ms: int) -> None:
    """The row stays and says that it binds nothing: what is deleted comes back when a damaged database is mended."""
    conn.execute("UPDATE device_binding SET port = '', bound_at = ? WHERE name = ?", (now_ms, name))


def _salvaged_binding(row: Sequence[Value]) -> Sequence[Value] | None:
    texts = all(isinstance(value, str) for value in row[:6])
    return row if texts and row[1] in LINES and isinstance(row[6], int) else None


KEPT_BINDINGS = Keepsake(
    "device_binding", ("name", "line", "port", "vendor", "product", "serial", "bound_at"), _salvaged_binding
)
"""A gun that was paired stays so when the box's database has to be mended."""


def switched_off(conn: Connection) -> frozenset[str]:
    return frozenset(row[0] for row in conn.execute("SELECT name FROM device_switch WHERE state = ?", (OFF,)))


def switch(conn: Connection, name: str, on: bool, now_ms: int) -> None:
    """A row stays also when it says "on": what is deleted comes back when a damaged database is mended."""
    conn.execute(
        "INSERT OR REPLACE INTO device_switch (name, state, changed_at) VALUES (?, ?, ?)",
        (name, ON if on else OFF, now_ms),
    )


def _salvaged_switch(row: Sequence[Value]) -> Sequence[Value] | None:
    return row if isinstance(row[0], str) and row[1] in (ON, OFF) and isinstance(row[2], int) else None


KEPT_SWITCHES = Keepsake("device_switch", ("name", "state", "changed_at"), _salvaged_switch)
"""A device that a person switched off stays off when the box's database has to be mended."""


class StreamRow(NamedTuple):
    """One own stream. `state`: 0 open, 1 frozen, 2 waits for an operator."""

    incarnation: int
    lane: int
    last: int
    acked: int
    state: int


class FeedRow(NamedTuple):
    """One list this box carries. `head_at_ms` is hub time; 0: never heard.

    Of one that is arriving, `parts` of `parts_all` segments are here; else both are 0.
    """

    label: str
    epoch: int
    sseq: int
    head_at_ms: int
    parts: int = 0
    parts_all: int = 0


def streams(conn: Connection) -> list[StreamRow]:
    """Newest start first."""
    rows = conn.execute(
        "SELECT incarnation, lane, last, acked, state FROM stream WHERE own = 1 ORDER BY id DESC LIMIT 60"
    )
    return [StreamRow(*row) for row in rows]


def feeds(conn: Connection) -> list[FeedRow]:
    arriving = {each.label: (each.segments, each.segments_all) for each in loading(conn)}
    rows = conn.execute("SELECT label, epoch, sseq, head_at FROM cursor ORDER BY label")
    return [FeedRow(row[0], row[1], row[2], row[3], *arriving.get(row[0], (0, 0))) for row in rows]


def tallies(conn: Connection) -> list[tuple[str, int]]:
    """Counted refusals by code."""
    return [(row[0], row[1]) for row in conn.execute("SELECT code, n FROM tally ORDER BY code")]
