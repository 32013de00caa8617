"""Every route under every role, every page under real data, and what bad input gets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.adapters.hub.conftest import PASSWORD, ROLES, Desk
from tests.adapters.hub.helpers import bring, csrf_of

LIST = (
    "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"
    "00731846,2,仇玉兰,女,W12,2026-11-01,2026-11-17\n"
    "00731847,1,欧阳䶮,男,W12,2026-11-02,2026-11-13\n"
    "00731848,1,Wolfgang Amadeus,男,W07,2026-11-02,2026-11-19\n"
).encode()

# Path, method and the roles that may; everyone else is refused. None: open to all, also without a session.
TABLE: list[tuple[str, str, set[str] | None]] = [
    ("/", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/overview/part", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/records", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/records", "POST", {"courier", "clerk", "administrator", "auditor"}),
    ("/records/board", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/records/0000000000000000", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/records/0000000000000000/name", "POST", {"courier", "clerk", "administrator"}),
    ("/records/0000000000000000/seal", "POST", {"administrator"}),
    ("/questions", "GET", {"clerk", "administrator"}),
    ("/questions/x", "GET", {"clerk", "administrator"}),
    ("/questions/x", "POST", {"clerk", "administrator"}),
    ("/imports", "GET", {"clerk", "administrator"}),
    ("/imports", "POST", {"clerk", "administrator"}),
    ("/imports/x", "GET", {"clerk", "administrator"}),
    ("/imports/x/part", "GET", {"clerk", "administrator"}),
    ("/imports/x/columns", "POST", {"clerk", "administrator"}),
    ("/imports/x/go", "POST", {"clerk", "administrator"}),
    ("/imports/x/stop", "POST", {"clerk", "administrator"}),
    ("/imports/template.csv", "GET", {"clerk", "administrator"}),
    ("/machines", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/machines/cards", "POST", {"administrator"}),
    ("/machines/stick", "POST", {"administrator"}),
    ("/api/v1/stick", "POST", {"administrator"}),
    ("/api/v1/enrol/ca", "GET", None),
    ("/machines/cards/x/withdraw", "POST", {"administrator"}),
    ("/machines/x", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/machines/x/scopes", "POST", {"administrator"}),
    ("/machines/x/revoke", "POST", {"administrator"}),
    ("/machines/x/lineage", "POST", {"administrator"}),
    ("/machines/x/hold", "POST", {"administrator"}),
    ("/machines/x/key", "POST", {"administrator"}),
    ("/machines/x/thaw", "POST", {"administrator"}),
    ("/machines/x/losses", "POST", {"administrator"}),
    ("/machines/x/close", "POST", {"administrator"}),
    ("/machines/x/late", "POST", {"administrator"}),
    ("/api/v1/nodes/x/late", "POST", {"administrator"}),
    ("/api/v1/hub-key", "POST", {"administrator"}),
    ("/api/v1/nodes/x/hold", "POST", {"administrator"}),
    ("/api/v1/nodes/x/renew-key", "POST", {"administrator"}),
    ("/api/v1/nodes/x/thaw", "POST", {"administrator"}),
    ("/api/v1/nodes/x/losses", "POST", {"administrator"}),
    ("/api/v1/nodes/x/close", "POST", {"administrator"}),
    ("/api/v1/nodes/x/lineage", "POST", {"administrator"}),
    ("/machines/x/leases", "POST", {"administrator"}),
    ("/machines/x/leases/looked", "POST", {"administrator"}),
    ("/leases/x/agree", "POST", {"administrator"}),
    ("/leases/x/refuse", "POST", {"administrator"}),
    ("/leases/x/void", "POST", {"administrator"}),
    ("/api/v1/nodes/x/leases", "GET", {"administrator"}),
    ("/api/v1/nodes/x/leases", "POST", {"administrator"}),
    ("/api/v1/leases/x/x", "POST", {"administrator"}),
    ("/people", "GET", {"administrator"}),
    ("/people", "POST", {"administrator"}),
    ("/people/new", "GET", {"administrator"}),
    ("/people/u-clerk", "GET", {"administrator"}),
    ("/people/u-x/disable", "POST", {"administrator"}),
    ("/calendar", "GET", {"administrator"}),
    ("/calendar/days", "POST", {"administrator"}),
    ("/calendar/wards", "POST", {"administrator"}),
    ("/statistics", "GET", {"clerk", "administrator", "auditor"}),
    ("/statistics.xlsx", "GET", {"clerk", "administrator", "auditor"}),
    ("/audit", "GET", {"auditor"}),
    ("/api/v1/records", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/records/search", "POST", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/records/0000000000000000", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/records/0000000000000000/name", "POST", {"courier", "clerk", "administrator"}),
    ("/api/v1/records/0000000000000000/seal", "POST", {"administrator"}),
    ("/api/v1/stays", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/anomalies", "GET", {"clerk", "administrator", "auditor"}),
    ("/api/v1/anomalies/x/settle", "POST", {"clerk", "administrator"}),
    ("/api/v1/imports", "POST", {"clerk", "administrator"}),
    ("/api/v1/imports/x", "GET", {"clerk", "administrator"}),
    ("/api/v1/imports/x/go", "POST", {"clerk", "administrator"}),
    ("/api/v1/imports/x/stop", "POST", {"clerk", "administrator"}),
    ("/api/v1/statistics", "GET", {"clerk", "administrator", "auditor"}),
    ("/api/v1/nodes", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/losses", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/nodes/x", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/nodes/x/wards", "POST", {"administrator"}),
    ("/api/v1/nodes/x/revoke", "POST", {"administrator"}),
    ("/api/v1/cards", "POST", {"administrator"}),
    ("/api/v1/people", "GET", {"administrator"}),
    ("/api/v1/people", "POST", {"administrator"}),
    ("/api/v1/people/u-x", "PUT", {"administrator"}),
    ("/api/v1/people/u-x", "DELETE", {"administrator"}),
    ("/api/v1/calendar/2026", "GET", {"clerk", "administrator", "auditor"}),
    ("/api/v1/calendar/days/2026-11-20", "PUT", {"administrator"}),
    ("/api/v1/wards", "GET", {"courier", "clerk", "administrator", "auditor"}),
    ("/api/v1/wards/W01", "PUT", {"administrator"}),
    ("/api/v1/audit", "GET", {"auditor"}),
    ("/sign-in", "GET", None),
    ("/sign-in", "POST", None),
    ("/sign-out", "POST", None),
    ("/api/v1/session", "GET", None),
    ("/api/v1/session", "POST", None),
    ("/api/v1/session", "DELETE", None),
    ("/api/v1/enrol", "POST", None),
    ("/api/v1/events", "GET", None),
    ("/api/v1/openapi.json", "GET", None),
    ("/healthz", "GET", None),
    ("/metrics", "GET", None),
]
PAGES = (
    "/", "/records", "/questions", "/imports", "/machines", "/people", "/people/new", "/calendar",
    "/calendar?year=2031", "/statistics", "/audit", "/records?state=discharged&ward=W12",
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(desk: Desk) -> Desk:
    bring(desk.hub, LIST)
    return desk


def test_the_table_names_every_route(desk: Desk) -> None:
    told = {(re.sub(r"/(x|u-x|u-clerk|0{16}|W01|2026|2026-11-20)(?=/|$)", "/<>", path), method)
            for path, method, _ in TABLE}  # fmt: skip
    told = {(path.replace("template.csv", "template.<>"), method) for path, method in told}
    served = set()
    for rule in desk.hub.app.url_map.iter_rules():
        if rule.endpoint.startswith(("kit.", "static")):
            continue
        path = re.sub(r"<[^>]+>", "<>", rule.rule)
        served |= {(path, method) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert served == told


@pytest.mark.row("H35.3")
@pytest.mark.parametrize(("path", "method", "may"), [row for row in TABLE if row[2] is not None])
def test_refused_by_default(desk: Desk, path: str, method: str, may: set[str]) -> None:
    nobody = desk.client().open(path, method=method, headers={"Authorization": "Bearer nobody"})
    assert nobody.status_code == 401
    for role in ROLES:
        status = desk.api(role, method, path, json={}).status_code
        assert (status == 403) == (role not in may), (role, status)
        assert status < 500


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_in_both_languages(filled: Desk, path: str, lang: str) -> None:
    role = "auditor" if path == "/audit" else "administrator"
    answer = filled.page(role, path, query_string={"lang": lang} if "?" not in path else None)
    assert answer.status_code == 200, answer.text
    assert "仇玉兰" not in answer.text
    title = re.search(r"<title>(.*?)</title>", answer.text)
    assert title is not None and "0073" not in title[1]


@pytest.mark.row("A05.3")
def test_a_record_page_has_no_number_in_its_address_and_masks_the_name(filled: Desk) -> None:
    found = filled.api("clerk", "POST", "/api/v1/records/search", json={"q": "QYL"}).json
    assert [one["record_no"] for one in found["records"]] == ["00731846"]
    key = found["records"][0]["key"]
    assert re.fullmatch("[0-9a-f]{16}", key)
    page = filled.page("clerk", f"/records/{key}")
    assert page.status_code == 200 and "仇**" in page.text and "仇玉兰" not in page.text
    assert "从 W12 出院" in page.text and "列入" in page.text


@pytest.mark.row("H35.4")
def test_showing_the_full_name_leaves_a_trace(filled: Desk) -> None:
    key = filled.api("clerk", "GET", "/api/v1/records?q=00731846").json["records"][0]["key"]
    page = filled.api("clerk", "POST", f"/records/{key}/name")
    assert "仇玉兰" in page.text
    filled.hub.desk.settle()
    lines = filled.api("auditor", "GET", "/api/v1/audit?what=record.name").json
    assert lines["lines"][0]["actor"] == "u-clerk" and lines["lines"][0]["key"] == "00731846-2"


@pytest.mark.row("A05.6")
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("00731846", ["00731846"]),
        ("0073184", ["00731846", "00731847", "00731848"]),
        ("００７３１８４７", ["00731847"]),
        ("00731846-2", ["00731846"]),
        ("00731846-1", []),
        ("玉兰", ["00731846"]),
        ("兰", ["00731846"]),
        ("䶮", ["00731847"]),
        ("oyy", ["00731847"]),
        ("wolf", ["00731848"]),
        ("amadeus", ["00731848"]),
        ("没有的人", []),
        ("'; DROP TABLE records_stay; --", []),
        ('" OR 1=1', []),
        ("%", []),
        ("*", []),
        ("\x00", []),
        ("NEAR(兰)", []),
    ],
)
def test_search_by_number_name_and_initials(filled: Desk, text: str, numbers: list[str]) -> None:
    found = filled.api("clerk", "POST", "/api/v1/records/search", json={"q": text})
    assert found.status_code == 200
    assert sorted(one["record_no"] for one in found.json["records"]) == numbers


@pytest.mark.row("F14.4")
def test_the_seal_is_set_and_lifted_with_a_reason(filled: Desk) -> None:
    key = filled.api("clerk", "GET", "/api/v1/records?q=00731847").json["records"][0]["key"]
    address = f"/api/v1/records/{key}/seal"
    assert filled.api("administrator", "POST", address, json={"on": True, "reason": " "}).json["code"] == "seal.reason"
    assert filled.api("administrator", "POST", address, json={"on": True, "reason": "医疗争议"}).json["sealed"] is True
    assert filled.api("administrator", "POST", address, json={"on": False, "reason": "结案"}).json["sealed"] is False


@pytest.mark.row("F10.18")
def test_overdue_counts_working_days_of_the_calendar(filled: Desk) -> None:
    stays = filled.api("clerk", "GET", "/api/v1/stays").json
    wards = {one["ward"]: one for one in stays["wards"]}
    assert (wards["W12"]["waiting"], wards["W12"]["late"], wards["W12"]["oldest_working_days"]) == (2, 2, 5)
    assert (wards["W07"]["waiting"], wards["W07"]["late"]) == (1, 0)
    assert stays["calendar_confirmed"] is True


@pytest.mark.row("A05.4")
def test_statistics_come_as_excel(filled: Desk) -> None:
    answer = filled.api("auditor", "GET", "/statistics.xlsx")
    assert answer.status_code == 200 and answer.data[:2] == b"PK"


def test_a_browser_signs_in_and_out(desk: Desk) -> None:
    client = desk.client()
    assert client.get("/records", headers={"Accept": "text/html"}).headers["Location"].startswith("/sign-in?next=")
    page = client.get("/sign-in?next=/records", headers={"Accept": "text/html"})
    form = {"csrf": csrf_of(page.text), "user": "clerk", "password": PASSWORD, "next": "//evil.example/"}
    assert client.post("/sign-in", data={**form, "csrf": "0" * 64}).status_code == 403
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    page = client.get("/records", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert client.post("/sign-out", data={"csrf": csrf_of(page.text)}).status_code == 303
    assert client.get("/records", headers={"Accept": "text/html"}).status_code == 303


@pytest.mark.row("H35.2")
def test_wrong_passwords_wait(desk: Desk) -> None:
    codes = [
        desk.client().post("/api/v1/session", json={"user": "nobody-here", "password": "x"}).json["code"]
        for _ in range(6)
    ]
    assert codes == ["sign-in.unknown"] * 5 + ["sign-in.wait"]


BAD: list[tuple[str, str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/session", "clerk", {"data": b"{", "content_type": "application/json"}),
    ("POST", "/api/v1/session", "clerk", {"json": {"user": 1, "password": []}}),
    ("POST", "/api/v1/records/search", "clerk", {"json": {"q": None}}),
    ("POST", "/api/v1/records/search", "clerk", {"data": b"\xff" * 100, "content_type": "application/json"}),
    ("POST", "/api/v1/records/search", "clerk", {"json": {"q": "x" * 70_000}}),
    ("GET", "/api/v1/records/%00", "clerk", {}),
    ("GET", "/api/v1/records?page=99999999999999999999", "clerk", {}),
    ("POST", "/api/v1/imports", "clerk", {"data": b""}),
    ("POST", "/api/v1/imports?mapping=evil:1", "clerk", {"data": b"a,b\n1,2\n"}),
    ("POST", "/api/v1/imports", "clerk", {"data": b"x" * (12 * 1024 * 1024)}),
    ("POST", "/api/v1/people", "administrator", {"json": {"user": "<b>", "name": "x", "roles": ["clerk"]}}),
    ("POST", "/api/v1/people", "administrator", {"json": {"user": "x", "name": "a\x00b", "roles": ["clerk"]}}),
    ("POST", "/api/v1/people", "administrator", {"json": {"user": "x", "name": "x", "roles": [["clerk"]]}}),
    ("POST", "/api/v1/people", "administrator", {"json": {"user": "x", "name": "x", "roles": ["king"]}}),
    ("PUT", "/api/v1/calendar/days/2026-02-30", "administrator", {"json": {"working": True}}),
    ("PUT", "/api/v1/wards/%3Cscript%3E", "administrator", {"json": {"name_zh": "x"}}),
    ("PUT", "/api/v1/wards/W01", "administrator", {"json": {"name_zh": "x" * 1000}}),
    ("GET", "/api/v1/statistics?from=1066-10-14&to=9999-12-31", "clerk", {}),
    ("GET", "/api/v1/statistics?from=%27--", "clerk", {}),
    ("POST", "/api/v1/cards", "administrator", {"json": {"role": "hub", "name": "x"}}),
    ("POST", "/api/v1/cards", "administrator", {"json": {"role": "courier", "name": "x", "wards": ["../"]}}),
    ("POST", "/api/v1/nodes/x/revoke", "administrator", {"json": {"reason": "x"}}),
    ("POST", "/api/v1/anomalies/x/settle", "clerk", {"json": {"outcome": "kept"}}),
    ("POST", "/api/v1/enrol", "", {"data": b"\xa0"}),
    ("POST", "/api/v1/enrol", "", {"data": b"\x00" * 20_000}),
    ("POST", "/api/v1/stick", "administrator", {"data": b"WAYSTICK" + b"x" * 200}),
    ("POST", "/api/v1/stick", "administrator", {"data": b""}),
    ("GET", "/no/such/page", "clerk", {}),
    ("DELETE", "/records", "clerk", {}),
]


@pytest.mark.row("A05.10")
@pytest.mark.parametrize(("method", "path", "role", "more"), BAD)
def test_bad_input_gets_one_refusal_with_a_code(
    desk: Desk, method: str, path: str, role: str, more: dict[str, Any]
) -> None:
    client = desk.client()
    if path == "/api/v1/session" or not role:
        answer = client.open(path, method=method, **more)
    else:
        answer = desk.api(role, method, path, **more)
    if path.startswith("/api/v1/records?page"):
        assert answer.status_code == 200
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json["code"]


@pytest.mark.parametrize("path", ["/api/v1/audit?page=0&since_ms=9&until_ms=x", "/calendar?year=0000", "/audit?page=x"])
def test_a_filter_that_cannot_be_read_counts_as_none(desk: Desk, path: str) -> None:
    role = "administrator" if "calendar" in path else "auditor"
    assert desk.page(role, path).status_code == 200


def test_the_description_tells_every_api_route(desk: Desk) -> None:
    told = desk.client().get("/api/v1/openapi.json").json["paths"]
    assert "/api/v1/records/{opaque}/seal" in told
    assert told["/api/v1/audit"]["get"]["x-right"] == ["audit.read"]


def test_figures_are_for_this_machine_alone(desk: Desk) -> None:
    assert b"waystation_hub_facts_received" in desk.client().get("/metrics").data
    other = {"REMOTE_ADDR": "10.0.0.7"}
    assert desk.client().get("/metrics", environ_base=other).status_code == 404
