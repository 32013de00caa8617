"""The hub's next signing key as an administrator orders it, is refused it, and reads of it."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

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
