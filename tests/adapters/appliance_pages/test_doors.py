"""Who may open which door, and what comes of bad input: refused by default, and never a mistake of ours."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kiosk_ui.kit.rights import unnamed_routes
from sync.domain.people.rights import rights_of

PIN = "2468"
OPEN = {
    "/", "/sign-in", "/sign-out", "/api/v1/session", "/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/events",
    "/events", "/strip", "/assets/<build>/<path:path>",
}  # fmt: skip
BADGES = {
    "WB-LUO": "courier",
    "WB-WEN": "clerk",
    "WB-SONG": "nurse",
    "WB-GU": "administrator",
    "WB-AN": "auditor",
}
VALUES = {"key": "courier-aaaaaaaa.00000000", "job": "00", "ward": "W12", "n": "1"}


def doors(app: Flask) -> list[tuple[str, str, frozenset[str]]]:
    """(method, rule, rights) of every route that is not open to all."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule in OPEN:
            continue
        rights = getattr(app.view_functions[rule.endpoint], "__way_right__", frozenset())
        found += [(method, rule.rule, rights) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def fill(rule: str) -> str:
    for name, value in VALUES.items():
        rule = rule.replace(f"<{name}>", value).replace(f"<int:{name}>", value)
    return rule


def bearer(app: Flask, badge: str) -> dict[str, str]:
    answer = app.test_client(use_cookies=False).post("/api/v1/session", json={"badge": badge, "pin": PIN})
    assert answer.status_code == 201
    return {"Authorization": f"Bearer {answer.get_json()['token']}"}


@pytest.fixture(params=["courier", "records"])
def app(request: pytest.FixtureRequest) -> Flask:
    found: Flask = request.getfixturevalue(f"{request.param}_app")
    return found


@pytest.mark.row("H35.1")
def test_nobody_unknown_gets_in(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    assert unnamed_routes(app) == []
    assert len(doors(app)) > 30
    for method, rule, rights in doors(app):
        assert rights, f"{rule} is open and not on the list of open doors"
        answer = client.open(fill(rule), method=method, json={}, headers={"Authorization": "Bearer none"})
        assert answer.status_code == 401, (method, rule)


@pytest.mark.row("H35.1")
@pytest.mark.parametrize("badge", sorted(BADGES))
def test_each_role_opens_its_own_doors_and_no_other(app: Flask, badge: str) -> None:
    held, headers = rights_of([BADGES[badge]]), bearer(app, badge)
    client = app.test_client(use_cookies=False)
    for method, rule, rights in doors(app):
        answer = client.open(fill(rule), method=method, json={}, headers=headers)
        assert (answer.status_code != 403) == bool(rights & held), (method, rule, answer.status_code)
        assert answer.status_code < 500, (method, rule)


HOSTILE = [
    "",
    "\x00\x01\x1f",
    "<script>alert(1)</script>",
    "'; DROP TABLE log; --",
    "../../etc/passwd",
    "%s%n%(x)s{{7*7}}",
    "𠮷" * 3000,
    "A" * 60_000,
    "\u202eright to left",
    "courier-aaaaaaaa/0000000000000001/1/99999999999999999999",
    "courier-aaaaaaaa/-1/1/1",
    "WAY1:" + "0" * 900,
]
WRONG = [None, True, 7, 2**62, -1, 1.5, [], [[]], {}, {"a": 1}]


def bodies(app: Flask, client: FlaskClient) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, members' schema) of every door of the programs' side that takes a body."""
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    found = []
    for path, methods in paths.items():
        for method, door in methods.items():
            if "requestBody" in door:
                shape = door["requestBody"]["content"]["application/json"]["schema"]["properties"]
                path = path.replace("{key}", VALUES["key"]).replace("{job}", VALUES["job"])
                found.append((method.upper(), path, shape))
    return found


@pytest.mark.row("F10.3")
def test_bad_input_is_refused_with_a_code_and_nothing_breaks(app: Flask) -> None:
    courier = any(rule.rule == "/collect" for rule in app.url_map.iter_rules())
    headers = bearer(app, "WB-LUO" if courier else "WB-WEN")
    client = app.test_client(use_cookies=False)
    if courier:
        client.post("/api/v1/rounds", json={"ward": "W12"}, headers=headers)
    else:
        client.post("/api/v1/handins", json={"courier": "u-luo", "rounds": []}, headers=headers)
    tried = 0
    for method, path, shape in bodies(app, client):
        right = {name: ([] if kind["type"] == "array" else 1 if kind["type"] == "integer" else "x")
                 for name, kind in shape.items()}  # fmt: skip
        for name in shape:
            for value in [*HOSTILE, *WRONG]:
                answer = client.open(path, method=method, json={**right, name: value}, headers=headers)
                assert answer.status_code < 500, (path, name, value, answer.get_json())
                if answer.status_code >= 400:
                    problem = answer.get_json()
                    assert problem["code"] and problem["title"], (path, name)
                    assert "alert(1)" not in answer.get_data(as_text=True)
                tried += 1
        for raw, kind in (
            (b"", "application/json"),
            (b"{", "application/json"),
            (b'{"a":1,"a":2}', "application/json"),
            (b"[" * 5000, "application/json"),
            (b"\xff\xfe", "application/json"),
            (b"{}", "text/plain"),
            (b"x" * 2_000_000, "application/json"),
        ):
            answer = client.open(path, method=method, data=raw, content_type=kind, headers=headers)
            assert 400 <= answer.status_code < 500 and answer.get_json()["code"], (path, raw[:10])
    assert tried > 100


@pytest.mark.row("F10.3")
def test_bad_forms_are_refused_in_words(app: Flask) -> None:
    courier = any(rule.rule == "/collect" for rule in app.url_map.iter_rules())
    headers = {**bearer(app, "WB-LUO" if courier else "WB-WEN"), "Accept": "text/html"}
    client = app.test_client(use_cookies=False)
    if courier:
        client.post("/api/v1/rounds", json={"ward": "W12"}, headers=headers)
    names = ("badge", "pin", "number", "initials", "stay", "fact", "reason", "code", "on", "at", "by_hand", "to",
             "courier", "round", "handin", "id", "outcome", "decision", "from", "sure")  # fmt: skip
    forms = [(rule, method) for method, rule, _ in doors(app) if method == "POST" and not rule.startswith("/api/")]
    assert len(forms) >= 6
    for rule, method in [*forms, ("/sign-in", "POST")]:
        for value in HOSTILE:
            answer = client.open(fill(rule), method=method, data=dict.fromkeys(names, value), headers=headers)
            assert answer.status_code < 500, (rule, value[:20], answer.status_code)
            assert "<script>alert(1)" not in answer.get_data(as_text=True), rule
        assert client.open(fill(rule), method=method, data={}, headers=headers).status_code < 500, rule


def test_record_numbers_stand_in_no_address(app: Flask) -> None:
    """What an address may hold: rounds, hand-ins, wards, jobs and places in a round."""
    for rule in app.url_map.iter_rules():
        assert rule.arguments <= {"key", "job", "ward", "n", "build", "path"}, rule.rule
