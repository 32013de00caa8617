"""What `waystation status` tells of leases, on a box and at the hub."""

from pathlib import Path
from typing import Any

from provisioning.cli.look import status
from sync.adapters.keys import create_secret
from sync.adapters.leases.hub_tables import Wish
from sync.kernel.outcome import Refused
from sync.protocol.lease import READ
from tests.adapters.leases.conftest import KEY


def told(folder: Path, database: Path) -> Any:
    (folder / "keys").mkdir(mode=0o700, parents=True)
    (folder / "data").mkdir()
    create_secret(folder / "keys" / "store.key", KEY)
    (folder / "data" / "node.db").symlink_to(database)
    return status(folder)["leases"]


def test_both_sides_tell_what_was_granted_and_used(box: Any, centre: Any, tmp_path: Path) -> None:
    box.leases.want_numbers("ticket:hall-1", 10)
    box.talk()
    box.hear(centre.office.grant(centre.node(), Wish(READ, "record:W12", 3, 600, 600), "u-admin"))
    (lease,) = box.leases.usable(READ, "record:W12")
    with box.store.write() as unit:
        assert not isinstance(box.leases.use(unit, lease.id), Refused)
        box.leases.next_number(unit, "ticket:hall-1")
    box.deliver()
    here = told(tmp_path / "box", box.data / "node.db")
    assert [(one["kind"], one["state"], one["used"], one["units"], one["lasts_s"]) for one in here] == [
        ("number", "usable", 1, 10, None), ("number", "usable", 0, 10, None), ("read", "usable", 1, 3, 600),
    ]  # fmt: skip
    there = told(tmp_path / "hub", centre.folder / "hub.db")
    assert [(one["kind"], one["resource"], one["state"], one["count"], one["used"]) for one in there] == [
        ("number", "ticket:hall-1", "open", 2, 0), ("read", "record:W12", "open", 1, 1),
    ]  # fmt: skip
