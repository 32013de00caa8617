"""A whole hospital in processes of their own: hub with broker, records room, two couriers, devices, lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.demo.courier import Courier
from provisioning.demo.stage import raise_stage
from provisioning.making.client import HubClient
from tests.acceptance.helpers import PASSWORD, STAFF, Site, signs_in, until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    stage = raise_stage(tmp_path_factory.mktemp("hospital"), 11, lambda line: None)
    try:
        admin = stage.admin()
        signed = {}
        for user in ("u-lu", "u-wen"):
            told = {"name": STAFF[user].name, "roles": [STAFF[user].role], "password": PASSWORD}
            admin.put(f"/api/v1/people/{user}", told)
            signed[user] = HubClient(str(stage.hub_state["base_url"]))
            signed[user].sign_in({"user": user, "password": PASSWORD})
        first, second = (
            Courier(stage.station("courier-1"), STAFF["u-luo"]),
            Courier(stage.station("courier-2"), STAFF["u-xu"]),
        )
        for courier in (first, second):
            client = HubClient(courier.station.base_url)
            until(lambda c=client, u=courier.person.user: signs_in(c, u), "badges on the hand-held")
            courier.sign_in()
            for ward in courier.station.wards:
                until(lambda c=courier, w=ward: len(c.due(w)) >= 70, "the ward's list")
        yield Site(stage, admin, signed["u-lu"], signed["u-wen"], first, second)
    finally:
        stage.close()
