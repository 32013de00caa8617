"""Who may ask: host, origin, token, right and size, by raw requests."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kiosk_ui.kit.guards import cookie_name
from kiosk_ui.kit.port import KitConfig
from kiosk_ui.kit.rights import assert_all_routes_named, local_path, unnamed_routes

SAME = {"Origin": "http://localhost", "Accept": "text/html"}


def sign_in(client: FlaskClient, config: KitConfig, token: str = "t-courier") -> str:
    """Cookies of a person, and the token that a page of this person carries."""
    client.set_cookie(cookie_name(config, "session"), token)
    page = client.get("/no-such-page", headers={"Accept": "text/html"})
    found = re.search(r'name="csrf" content="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found.group(1)


@pytest.mark.row("H35.9")
@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "way.test.evil.test:80", "[::1]", ""])
def test_a_foreign_host_name_is_refused(app: Flask, host: str) -> None:
    answer = app.test_client().get("/strip", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "线路" not in answer.text


@pytest.mark.parametrize("host", ["localhost:4711", "127.0.0.1:80", "WAY.test"])
def test_our_own_names_are_served_on_any_port(app: Flask, host: str) -> None:
    assert app.test_client().get("/strip", headers={"Host": host}).status_code == 200


@pytest.mark.row("H35.9")
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "http://evil.test"}, "origin.foreign"),
        ({"Origin": "https://localhost"}, "origin.foreign"),
        ({"Origin": "http://localhost:1"}, "origin.foreign"),
        ({"Origin": "null"}, "origin.foreign"),
        ({"Referer": "http://evil.test/localhost"}, "origin.foreign"),
        ({"Sec-Fetch-Site": "cross-site"}, "origin.foreign"),
        ({"Sec-Fetch-Site": "same-site"}, "origin.foreign"),
        ({"Origin": "http://localhost"}, "csrf.stale"),
        ({}, "csrf.stale"),
    ],
)
def test_an_act_needs_our_origin_and_our_token(app: Flask, headers: dict[str, str], code: str) -> None:
    answer = app.test_client().post("/open", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, code)


def test_the_token_of_the_page_lets_the_act_through(app: Flask, config: KitConfig) -> None:
    client = app.test_client()
    token = sign_in(client, config)
    assert client.post("/scan", headers={**SAME, "X-CSRF-Token": token}).text == "judged"
    assert client.post("/scan", headers=SAME, data={"csrf": token}).text == "judged"
    assert client.post("/scan", headers=SAME, data={"csrf": token[:-1] + "0x"}).status_code == 403


def test_a_token_from_before_sign_in_is_stale_after_it(app: Flask, config: KitConfig) -> None:
    client = app.test_client()
    page = client.get("/no-such-page", headers={"Accept": "text/html"}).text
    before = re.search(r'name="csrf" content="([0-9a-f]+)"', page)
    assert before is not None
    client.set_cookie(cookie_name(config, "session"), "t-courier")
    answer = client.post("/scan", headers={"Origin": "http://localhost", "X-CSRF-Token": before.group(1)})
    assert answer.json["code"] == "csrf.stale"


def test_a_program_with_a_bearer_token_needs_no_page(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/scan", headers={"Authorization": "Bearer t-courier"}).text == "judged"
    assert client.post("/scan", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_cookies_are_strict_httponly_and_named_after_the_node(app: Flask, config: KitConfig) -> None:
    answer = app.test_client().get("/no-such-page", headers={"Accept": "text/html"})
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith(cookie_name(config, "visitor")) and "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.row("H35.3")
def test_what_names_no_right_is_refused_and_found_at_start(app: Flask) -> None:
    assert app.test_client().get("/unnamed").json["code"] == "right.unnamed"
    assert unnamed_routes(app) == ["unnamed"]
    with pytest.raises(AssertionError, match="unnamed"):
        assert_all_routes_named(app)


def test_a_page_asks_to_sign_in_and_an_api_says_so(app: Flask, config: KitConfig) -> None:
    client = app.test_client()
    answer = client.get("/scan?round=1", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fscan%3Fround%3D1")
    assert client.get("/scan").json["code"] == "sign-in.needed"
    sign_in(client, config, "t-nurse")
    answer = client.get("/scan")
    assert (answer.status_code, answer.json["code"]) == (403, "right.missing")


def test_a_machine_door_takes_no_browser(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/machine", data=b"x" * 1_500_000).json == {"bytes": 1_500_000}
    assert client.post("/machine", data=b"x" * 2_100_000).status_code == 413
    assert client.post("/machine", headers={"Origin": "http://localhost"}).json["code"] == "door.machine-only"


def test_a_body_over_the_cap_is_refused_unread(app: Flask) -> None:
    answer = app.test_client().post("/open", data=b"x" * 1_100_000, headers=SAME | {"Accept": "*/*"})
    assert (answer.status_code, answer.json["code"]) == (413, "body.too-large")


def test_pages_are_never_stored_and_run_no_inline_code(app: Flask) -> None:
    answer = app.test_client().get("/strip")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_versioned_assets_stay_for_good_and_nothing_else_is_served(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/no-such-page", headers={"Accept": "text/html"}).text
    found = re.search(r'href="(/assets/[0-9a-f]{12}/kit/tokens\.css)"', page)
    assert found is not None
    answer = client.get(found.group(1))
    assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    assert client.get("/assets/old/kit/tokens.css").headers["Cache-Control"] == "no-store"
    for path in ("kit/../app.py", "kit/..%2fapp.py", "other/x", "kit/", "kit/none.css", "kit//etc/passwd"):
        assert client.get(f"/assets/old/{path}").status_code == 404


@pytest.mark.parametrize(
    ("target", "safe"),
    [("/a?b=c", "/a?b=c"), ("//evil", "/"), ("http://evil", "/"), ("/\\evil", "/"), (None, "/"), ("/a\nb", "/")],
)
def test_sign_in_leads_nowhere_else(target: str | None, safe: str) -> None:
    assert local_path(target) == safe
