"""The hub's office on each database it may stand on: the same day of leases, to the same end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.adapters.leases import hub_tables
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log.database import Database
from sync.kernel.outcome import Refused
from sync.protocol.lease import GLASS, READ, Lease
from tests.adapters.leases.conftest import Box, Centre, HeldClock

TICKETS, RECORDS, SHELF = "ticket:hall-1", "record:W12", "shelf:A1"


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> Iterator[Centre]:
    """On SQLite, then on PostgreSQL."""
    made = Centre(tmp_path, HeldClock(), database=database)
    yield made
    made.store.close()


def test_a_day_of_leases(centre: Centre, tmp_path: Path) -> None:
    one, two = (Box(centre, tmp_path, name) for name in ("records-bbbbbbbb", "records-cccccccc"))
    drawn = []
    for box in (one, two):
        box.leases.want_numbers(TICKETS, 5)
        box.talk()
        with box.store.write() as unit:
            drawn += [box.leases.next_number(unit, TICKETS).text for _ in range(3)]
    assert sorted(drawn, key=int) == ["1", "2", "3", "11", "12", "13"]
    one.leases.hold(SHELF, 600)
    one.talk()
    two.leases.hold(SHELF, 600)
    two.talk()
    assert isinstance(one.leases.hold(SHELF, 600), Lease)
    assert isinstance(two.leases.hold(SHELF, 600), Refused)
    raw = centre.office.grant(centre.node(one.name), Wish(READ, RECORDS, 3, 600, 600), "u-admin")
    assert isinstance(raw, bytes)
    one.hear(raw)
    two.leases.ask(GLASS, RECORDS, 5, 600, actor="u-1", role="ward", purpose="arrest")
    two.ask()
    for box, kind in ((one, READ), (two, GLASS)):
        (lease,) = box.leases.usable(kind, RECORDS)
        with box.store.write(actor="u-1") as unit:
            assert not isinstance(box.leases.use(unit, lease.id, reason="arrest"), Refused)
        box.deliver()
    with centre.store.read() as conn:
        found = hub_tables.reviews(conn)
        assert [review.code for review in found] == ["break-glass-asked", "break-glass"]
        assert hub_tables.reviews(conn, one.name) == []
        assert len(hub_tables.reviews(conn, two.name)) == 2
    one.restart()
    one.deliver()
    one.greet()
    with centre.store.read() as conn:
        assert [row.used for row in hub_tables.of_node(conn, one.name, ("closed",))] == [0, 3]
    centre.clock.true_s += 700
    centre.office.tidy()
    for box in (one, two):
        assert not [label for label in centre.node(box.name).scopes if label.startswith("grant:")]
        box.stop()
