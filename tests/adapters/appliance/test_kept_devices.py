"""A box whose database is damaged knows again which gun is which and what is switched off, as a person last said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.boot import Box
from appliance.features.devices import store as books
from hardware.ports import Identity
from provisioning.bench import box as made
from sync.adapters.sqlite_log import repair
from sync.adapters.sqlite_log.pages import PAGE_BYTES

ONE, TWO = (Identity(f"pci-0000:00:14.0-usb-0:{n}:1.0", "1eab", "8003", "") for n in (1, 2))


@contextmanager
def opened(folder: Path) -> Iterator[Box]:
    box = Box(folder, {})
    try:
        yield box
    finally:
        box.devices.close()
        box.events.close()
        box.store.close()


def bound(box: Box) -> dict[str, Identity]:
    with box.store.read() as conn:
        return {row.name: row.identity for row in books.bindings(conn)}


def bind(box: Box, name: str, identity: Identity, at_ms: int) -> None:
    with box.store.write() as unit:
        books.bind(unit.conn, books.BindingRow(name, "hid", identity), at_ms)


def damage(folder: Path) -> None:
    """A page of the file is no more as it was written: the one that a page reader finds last."""
    file = folder / "data" / "node.db"
    raw = bytearray(file.read_bytes())
    at = PAGE_BYTES + PAGE_BYTES // 2  # the second page: a table's root, as SQLite lays them out
    raw[at] ^= 0xFF
    file.write_bytes(bytes(raw))


def switch(box: Box, name: str, on: bool, at_ms: int) -> None:
    with box.store.write() as unit:
        books.switch(unit.conn, name, on, at_ms)


def off(box: Box) -> frozenset[str]:
    with box.store.read() as conn:
        return books.switched_off(conn)


@pytest.mark.row("F10.30")
def test_a_mended_box_knows_its_guns(tmp_path: Path) -> None:
    made.make_box(tmp_path, records=3)
    with opened(tmp_path) as box:
        bind(box, "left", ONE, 1)
        bind(box, "right", TWO, 2)
        bind(box, "spare", Identity("pci-0000:00:14.0-usb-0:3:1.0", "1eab", "8003"), 3)
    with opened(tmp_path) as box:  # pages of this start are newer than those that hold all three
        with box.store.write() as unit:
            books.unbind(unit.conn, "spare", 4)
        bind(box, "left", TWO, 5)
        assert bound(box) == {"left": TWO}
        bind(box, "right", ONE, 6)
    damage(tmp_path)
    with opened(tmp_path) as box:
        mended: Any = repair.last_repair(box.store)
        assert mended is not None and mended.reason == "page"
        assert bound(box) == {"left": TWO, "right": ONE}
        assert box.devices.guns.identity("left") == TWO, "and they are opened by it"
        assert box.devices.guns.identity("spare") is None


def test_of_two_for_one_socket_the_later_one_counts(tmp_path: Path) -> None:
    """As when the page that told the earlier one's end is lost."""
    made.make_box(tmp_path, records=3)
    with opened(tmp_path) as box:
        bind(box, "old", ONE, 1)
        with box.store.write() as unit:
            unit.conn.execute(
                "INSERT INTO device_binding (name, line, port, vendor, product, serial, bound_at) "
                "VALUES ('new', 'hid', ?, '1eab', '8003', '', 2)",
                (ONE.port,),
            )
        assert list(bound(box)) == ["new"]


@pytest.mark.row("F10.31")
def test_a_mended_box_leaves_off_what_a_person_switched_off(tmp_path: Path) -> None:
    made.make_box(tmp_path, records=3)
    with opened(tmp_path) as box:
        for name in ("gun", "receipt-printer", "spare"):
            switch(box, name, False, 1)
    with opened(tmp_path) as box:  # pages of this start are newer than those that hold all three
        switch(box, "spare", True, 2)
        assert off(box) == {"gun", "receipt-printer"}
    damage(tmp_path)
    with opened(tmp_path) as box:
        mended: Any = repair.last_repair(box.store)
        assert mended is not None and mended.reason == "page"
        assert off(box) == {"gun", "receipt-printer"}


def test_what_an_older_release_left_switched_off_stays_so(tmp_path: Path) -> None:
    made.make_box(tmp_path, records=3)
    with opened(tmp_path) as box, box.store.write() as unit:
        unit.conn.execute("DROP TABLE device_switch")
        unit.conn.execute("CREATE TABLE device_off (name TEXT PRIMARY KEY) WITHOUT ROWID")
        unit.conn.execute("INSERT INTO device_off (name) VALUES ('gun')")
        unit.conn.execute("PRAGMA user_version = 3")
    with opened(tmp_path) as box:
        assert off(box) == {"gun"}
        with box.store.read() as conn:
            assert not conn.has_table("device_off")
