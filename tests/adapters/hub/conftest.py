"""A whole hub without its network: real store, real digest thread, the app through Flask's client. Data is invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from hub.boot import Hub
from hub.features.people.service import Wish
from hub.settings import Node, Settings, Store
from provisioning.trust.site import make_site
from sync.adapters.clock import ShiftedClock, SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.kernel.suite import suite1

NOON = 1_795_147_200_000
"""2026-11-20 12:00 in Shanghai, a Friday."""
PASSWORD = "invented password"
ROLES = ("courier", "nurse", "clerk", "administrator", "auditor")


@dataclass
class Desk:
    """The hub and people who are signed in at it."""

    hub: Hub
    tokens: dict[str, str]

    def client(self) -> FlaskClient:
        return self.hub.app.test_client()

    def api(self, role: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **more.pop("headers", {})}
        return self.client().open(path, method=method, headers=headers, **more)

    def page(self, role: str, path: str, **more: Any) -> Any:
        return self.api(role, "GET", path, headers={"Accept": "text/html"}, **more)


@pytest.fixture(scope="module")
def store_kind() -> str:
    """Services ask for both; what is proved through them holds for pages too."""
    return "sqlite"


@pytest.fixture(scope="module")
def make_hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_kind: str
) -> Iterator[Callable[[], Hub]]:
    made: list[Hub] = []
    new_url = (lambda: "") if store_kind == "sqlite" else request.getfixturevalue("cluster").new_tables

    def make() -> Hub:
        folder = tmp_path_factory.mktemp("hub")
        clock = ShiftedClock.starting_at(SystemClock(), NOON)
        trust = make_site(folder / "keys", site="xinghe", now_ms=NOON, entropy=SeededEntropy(str(folder)), suite=suite1)
        settings = Settings(node=Node(node=trust.hub, site="xinghe"), store=Store(url=new_url()))
        hub = Hub(folder, settings, clock)
        hub.digester.start()
        hub.calendars.seed()
        hub.imports.start()
        hub.desk.settle()
        made.append(hub)
        return hub

    yield make
    for hub in made:
        hub.imports.stop()
        hub.digester.stop()
        hub.store.close()


@pytest.fixture(scope="module")
def desk(make_hub: Callable[[], Hub]) -> Desk:
    hub = make_hub()
    tokens = {}
    for role in ROLES:
        wish = Wish(role, f"某{role}", [role], ward="W01" if role == "nurse" else "", password=PASSWORD)
        assert isinstance(hub.people.save(wish, None, new=True), str)
        signed = hub.sign_in.sign_in(role, PASSWORD)
        assert isinstance(signed, tuple), signed
        tokens[role] = signed[0]
    return Desk(hub, tokens)
