"""Signing keys at the hub's pages: its own next one as an administrator orders it, and the order for a machine's."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from sync.adapters.sqlite_log import hub_keys
from sync.adapters.sqlite_log.hub_keys import NodeKey
from sync.adapters.sqlite_log.hub_store import add_node, set_node_state
from tests.adapters.hub.conftest import Desk

NOON_ON = date(2026, 11, 20)
FIRST = NOON_ON + timedelta(days=15)
"""The first day whose beginning is 14 days after noon."""


def order(desk: Desk, role: str = "administrator", **body: str) -> tuple[int, dict[str, str]]:
    answer = desk.api(role, "POST", "/api/v1/hub-key", json=body)
    return answer.status_code, answer.json


@pytest.mark.parametrize(
    ("on", "code"),
    [
        ("2026-11-21", "hub-key.too-soon"),
        ("2026-12-04", "hub-key.too-soon"),
        ("2020-01-01", "hub-key.too-soon"),
        ("tomorrow", "hub-key.date"),
        ("2026-13-01", "hub-key.date"),
        ("9999-12-31T00", "hub-key.date"),
        ("0001-01-01", "hub-key.too-soon"),
    ],
)
def test_a_day_that_cannot_be_is_refused_and_changes_nothing(desk: Desk, on: str, code: str) -> None:
    status, said = order(desk, **{"from": on})
    assert (status, said["code"]) == (422, code)
    assert desk.hub.trust.bundle.version == 1


@pytest.mark.parametrize("role", ["courier", "nurse", "clerk", "auditor"])
def test_only_who_manages_machines_orders_it(desk: Desk, role: str) -> None:
    assert order(desk, role)[0] == 403


def test_the_overview_says_from_when_and_whether_the_key_is_here(desk: Desk) -> None:
    """In this order: the hub of this file is one for all."""
    assert "签名密钥" not in desk.page("administrator", "/").text
    status, said = order(desk)
    assert (status, said["from"], said["trust_version"]) == (201, FIRST.isoformat(), 2)
    assert order(desk)[1]["code"] == "hub-key.pending"
    page = desk.page("administrator", "/").text
    said_so = re.search(r"<p[^>]*>([^<]*)起，中心换用新的签名密钥</p>", page)
    assert said_so is not None and said_so[1].startswith("12-05 "), said_so
    desk.hub.desk.settle()
    assert "定下中心的新签名密钥" in desk.page("auditor", "/audit").text
    (desk.hub.trust.keys.folder / "signing.next").unlink()
    assert "不在这台机器上" in desk.page("administrator", "/").text
    figures = desk.api("administrator", "GET", "/metrics").text
    assert "hub_key_missing 1" in figures
    english = desk.page("administrator", "/", query_string={"lang": "en"}).text
    assert "is not on this machine" in english


NODE = "courier-aaaaaaaa"


@pytest.fixture(scope="module")
def machine(desk: Desk) -> str:
    with desk.hub.store.write() as unit:
        add_node(
            unit, node=NODE, role="courier", name="手持机 H-04", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=b"firstkey", scopes=["site"], tls_serial=None, now_ms=0,
        )  # fmt: skip
    return NODE


def test_a_machine_is_asked_for_another_key_until_the_hub_has_one(desk: Desk, machine: str) -> None:
    path = f"/machines/{machine}"
    page = desk.page("administrator", path).text
    assert f'action="{path}/key"' in page and b"firstkey".hex() in page
    assert desk.api("clerk", "POST", f"/api/v1/nodes/{machine}/renew-key", json={}).status_code == 403
    answer = desk.api("administrator", "POST", f"/api/v1/nodes/{machine}/renew-key", json={})
    assert (answer.status_code, answer.json["node"]) == (200, machine)
    again = desk.api("administrator", "POST", f"/api/v1/nodes/{machine}/renew-key", json={})
    assert again.json["code"] == "node.key-asked"
    page = desk.page("administrator", path).text
    assert "等它下次联系时换一把" in page and f'action="{path}/key"' not in page
    english = desk.page("administrator", path, query_string={"lang": "en"}).text
    assert "It changes its key at its next contact" in english
    with desk.hub.store.write() as unit:
        assert hub_keys.change(unit.conn, machine, b"firstkey", NodeKey(b"next key", bytes(32), 9, None), 99, b"said")
    page = desk.page("administrator", path, query_string={"lang": "zh"}).text
    assert b"next key".hex() in page and f'action="{path}/key"' in page, "done, and may be asked again"
    desk.hub.desk.settle()
    assert "要机器换签名密钥" in desk.page("auditor", "/audit").text
    with desk.hub.store.write() as unit:
        set_node_state(unit, machine, "revoked")
    gone = desk.api("administrator", "POST", f"/api/v1/nodes/{machine}/renew-key", json={})
    assert gone.json["code"] == "node.gone"
    assert f'action="{path}/key"' not in desk.page("administrator", path).text
