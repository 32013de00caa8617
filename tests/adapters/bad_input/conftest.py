"""Both kinds of box and the hub without their lines, each with someone who may do everything there is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from appliance.boot import Box
from appliance.pages import make_pages
from hub.boot import Hub
from hub.features.people.service import Wish
from hub.settings import Node, Settings
from kiosk_ui.kit.body import FieldFault
from kiosk_ui.kit.problems import problem
from provisioning.bench import box as made
from provisioning.trust.site import make_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.kernel.suite import suite1

PASSWORD = "invented password"


@dataclass
class Served:
    """A node's app, and how to sign in at it."""

    name: str
    app: Flask
    sign_in: Callable[[], str]
    parts: Any = None
    """The box or the hub behind the app."""
    keys: tuple[str, ...] = ()
    """Parts of addresses that lead to something here."""
    faults: list[str] = field(default_factory=list)
    """Names of body members that were refused, newest last: how a test learns the shape of a body."""
    _token: str = ""

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """One request with a fresh session whenever the last one has ended."""
        client = self.app.test_client()
        for _ in range(2):
            self._token = self._token or self.sign_in()
            headers = {"Authorization": f"Bearer {self._token}", **more.get("headers", {})}
            answer = client.open(path, method=method, **{**more, "headers": headers})
            if answer.status_code != 401:
                break
            self._token = ""
        return answer


def node_of(name: str, app: Flask, sign_in: Callable[[], str], parts: Any, keys: tuple[str, ...]) -> Served:
    node = Served(name, app, sign_in, parts, keys)

    @app.errorhandler(FieldFault)
    def noted(fault: FieldFault) -> Any:
        node.faults.append(fault.field)
        return problem(fault.code, 400)

    return node


def _box(role: str, factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = factory.mktemp(role)
    made.make_box(folder, records=20, role=role)
    box = Box(folder, {})

    def sign_in() -> str:
        told = box.people.sign_in(made.BADGE, made.PIN)
        assert isinstance(told, tuple), told
        if role == "courier":
            box.collecting.open_round(made.WARD, made.COURIER)
        return told[0]

    sign_in()
    hand = box.collecting.scanner.hand
    keys = (hand.round_key, made.WARD) if hand else ("records-aaaaaaaa.00000001",)
    yield node_of(role, make_pages(box), sign_in, box, keys)
    box.events.close()
    box.store.close()


@pytest.fixture(scope="module")
def courier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from _box("courier", tmp_path_factory)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from _box("records", tmp_path_factory)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hub")
    clock, entropy = SystemClock(), SystemEntropy()
    trust = make_site(folder / "keys", site="site", now_ms=clock.wall_ms(), entropy=entropy, suite=suite1)
    running = Hub(folder, Settings(node=Node(node=trust.hub, site="site")), clock)
    running.digester.start()
    running.calendars.seed()
    running.imports.start()
    everything = ["courier", "clerk", "administrator", "auditor"]
    running.people.save(Wish("all", "全权", everything, password=PASSWORD), None, new=True)
    running.desk.settle()

    def sign_in() -> str:
        told = running.sign_in.sign_in("all", PASSWORD)
        assert isinstance(told, tuple), told
        return told[0]

    keys = ("u-all", "W01", trust.hub, "2026", "2026-11-20")
    yield node_of("hub", running.app, sign_in, running, keys)
    running.imports.stop()
    running.digester.stop()
    running.events.close()
    running.store.close()
