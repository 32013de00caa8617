"""A grant from the administrator's hands to a hand-held and back, between processes of their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.helpers import Site, shell, until


def leased(folder: str) -> list[dict[str, Any]]:
    code, told = shell("status", "--dir", folder)
    assert code == 0
    return list(told["leases"])


@pytest.mark.row("E05.1")
def test_a_grant_reaches_a_machine_survives_its_start_and_is_taken_back(site: Site) -> None:
    station = site.first.station
    path = f"/api/v1/nodes/{station.node}/leases"
    wish = {"kind": "read", "resource": "record:W01", "units": 20, "hours": 24, "purpose": "查房"}
    (granted,) = site.admin.post(path, wish)["leases"]
    until(
        lambda: [one["id"] for one in leased(str(station.directory))] == [granted["id"]], "the grant on the hand-held"
    )
    (held,) = leased(str(station.directory))
    assert (held["state"], held["used"], held["units"]) == ("usable", 0, 20)
    station.process.kill()
    station.process.start()
    (again,) = leased(str(station.directory))
    assert (again["id"], again["state"]) == (granted["id"], "usable")
    site.admin.post(f"/api/v1/leases/{granted['id']}/void", {})
    until(lambda: leased(str(station.directory)) == [], "the grant gone from the hand-held")
    until(lambda: site.admin.get(path)["leases"] == [], "the hub has heard that it is")
