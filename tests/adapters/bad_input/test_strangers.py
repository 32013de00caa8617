"""Every route of both kinds of box and of the hub, asked by whoever is not our own page: one refusal, nothing kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

import pytest

from kiosk_ui.kit import guards
from kiosk_ui.kit.port import BODY_BYTES_MAX
from kiosk_ui.kit.rights import body_limit, is_machine_door
from tests.adapters.bad_input import strangers
from tests.adapters.bad_input.conftest import Served
from tests.adapters.bad_input.strangers import Page, Stranger
from tests.adapters.bad_input.test_every_route import addressed, facts_of, routes
from tests.adapters.bad_input.whole_site import ANSWER_S_MAX, LEAKED

WRITES = ("POST", "PUT", "DELETE")
BIG_BYTES = 2 * BODY_BYTES_MAX
"""A route that takes more than this is asked for no more: it has a test of its own."""


def our_page(node: Served) -> Page:
    """Cookies and token as a page of this node gets them."""
    config = node.app.extensions["kit"]
    session = node.sign_in()
    cookies = {guards.cookie_name(config, "session"): session, guards.cookie_name(config, "visitor"): "visitor"}
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    with node.app.test_request_context("/", headers=headers):
        return Page(cookies, guards.csrf_token(), session)


class Door:
    """Asks, and writes down what no stranger may be told."""

    def __init__(self, node: Served) -> None:
        self.node, self.page = node, our_page(node)
        self.asked, self.faults = 0, list[str]()

    def ask(self, method: str, path: str, kinds: Iterable[Stranger]) -> None:
        for one in kinds:
            client = self.node.app.test_client()
            if one.with_cookie:
                for name, value in self.page.cookies.items():
                    client.set_cookie(name, value)
            began = time.monotonic()
            answer = client.open(path, **strangers.said(one, method, self.page))
            took_s = time.monotonic() - began
            told = json.loads(answer.data) if "json" in answer.mimetype else {}
            wrong = not 400 <= answer.status_code < 500 or told.get("code") not in one.codes
            if wrong or took_s > ANSWER_S_MAX or LEAKED.search(answer.data):
                self.faults.append(
                    f"{method} {path} {one.name}: {answer.status_code} {answer.data[:80]!r} {took_s:.1f} s"
                )
            self.asked += 1
            answer.close()


@pytest.mark.row("A05.10")
@pytest.mark.parametrize("name", ["courier", "records", "hub"])
def test_no_stranger_reaches_a_view(name: str, request: pytest.FixtureRequest) -> None:
    node: Served = request.getfixturevalue(name)
    door, before = Door(node), facts_of(node)
    for method, rule in routes(node):
        path = addressed(rule, node.keys[0])
        adapter = node.app.url_map.bind("localhost")
        view = node.app.view_functions[adapter.match(path, method=method)[0]] if "<int" not in rule else None
        door.ask(method, path, strangers.unknown_hosts())
        if method not in WRITES:
            continue
        door.ask(method, path, strangers.foreign_pages())
        door.ask(method, path, strangers.stale_tokens(door.page))
        if (limit := body_limit(view, BODY_BYTES_MAX)) < BIG_BYTES:
            door.ask(method, path, strangers.oversize(limit))
        if view is not None and not is_machine_door(view) and rule not in OPEN:
            door.ask(method, path, strangers.unknown_people())
    for path in ("/", "/healthz", "/api/v1/session", "/api/v1/status", "/nowhere"):
        door.ask("GET", path, strangers.unknown_methods())
    assert not door.faults, f"{len(door.faults)} of {door.asked}\n" + "\n".join(door.faults[:20])
    assert facts_of(node) == before, "nothing of it was written"
    assert door.asked > 3000
    assert node.ask("GET", "/healthz").status_code == 200


OPEN = frozenset({"/sign-in", "/sign-out", "/api/v1/session"})
"""Where nobody is signed in yet, or no more."""


@pytest.mark.parametrize("name", ["courier", "records", "hub"])
def test_our_own_page_is_heard(name: str, request: pytest.FixtureRequest) -> None:
    """The same request with its right token is not refused by a guard, or the corpus proves nothing."""
    node: Served = request.getfixturevalue(name)
    page = our_page(node)
    client = node.app.test_client()
    for cookie, value in page.cookies.items():
        client.set_cookie(cookie, value)
    answer = client.post("/sign-out", data={"csrf": page.token}, headers={"Origin": strangers.OURS})
    assert answer.status_code == 303, answer.text
