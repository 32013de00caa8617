"""HTML, SQL and formulas as a name, from a list and from a message: they are names, on every page and in every file."""

from __future__ import annotations

import io
import json
import time

import pytest

from tests.adapters.bad_input.conftest import Served

PATIENCE_S = 20.0
HTML = "<script>alert(1)</script>"
SQL = "Robert'); DROP TABLE entity;--"
FORMULA = "=cmd|' /C calc'!A0"
HEAD = "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"


def import_list(hub: Served, text: str) -> None:
    answer = hub.ask("POST", "/api/v1/imports", data=text.encode(), content_type="text/csv")
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + PATIENCE_S
    while (told := hub.ask("GET", f"/api/v1/imports/{answer.json['job']}").json)["state"] != "done":
        assert time.monotonic() < deadline, f"the import did not end: {told}"
        time.sleep(0.01)
    hub.parts.desk.settle()


def message(name: str, number: str, control: str) -> bytes:
    return (
        f"MSH|^~\\&|HIS|XH|WAY|XH|20261117100000||ADT^A03|{control}|P|2.5||||||UNICODE UTF-8\r"
        f"EVN|A03|20261117100000\rPID|1||{number}||{name}||19700101|F\rPV1|1|I|W12||||||||||||||||1\r"
    ).encode()


@pytest.mark.row("A05.10")
def test_a_hostile_name_is_a_name(hub: Served) -> None:
    rows = [("00930001", HTML), ("00930002", SQL), ("00930003", FORMULA)]
    quoted = "".join(f'{number},1,"{name}",女,W12,2026-11-01,2026-11-17\n' for number, name in rows)
    import_list(hub, HEAD + quoted)
    assert b"MSA|AA|930" in hub.parts.imports.hl7.answer(message("<img src=x onerror=alert(1)>", "00930004", "930"))
    hub.parts.desk.settle()

    found = {row["record_no"]: row for row in hub.ask("GET", "/api/v1/records?q=009300").json["records"]}
    assert set(found) >= {number for number, _ in rows} | {"00930004"}, "each went in, as what it says"
    pages = ["/", "/records", "/records?ward=W12", "/questions", "/imports", "/statistics"]
    pages += [f"/records/{row['key']}" for row in found.values()]
    for path in pages:
        page = hub.ask("GET", path, headers={"Accept": "text/html"})
        assert page.status_code == 200, path
        assert "alert(1)</script>" not in page.text and "<img src=x" not in page.text, path
    for row in found.values():
        shown = hub.ask("POST", f"/records/{row['key']}/name", headers={"Accept": "text/html"})
        assert shown.status_code < 400, shown.text
        assert "<script>alert" not in shown.text and "<img src=x" not in shown.text


def test_a_number_that_is_no_number_costs_its_own_line_only(hub: Served) -> None:
    before = hub.ask("GET", "/api/v1/stays").json["counts"]["discharged"]
    lines = [
        f'"{text}",1,好名字,女,W12,2026-11-01,2026-11-17\n' for text in (HTML, SQL, "\x07\x1b[2J", "../..", "9" * 300)
    ]
    import_list(hub, HEAD + "".join(lines) + "00930099,1,好名字,女,W12,2026-11-01,2026-11-17\n")
    assert hub.ask("GET", "/api/v1/stays").json["counts"]["discharged"] == before + 1


def test_what_is_exported_runs_no_formula(hub: Served) -> None:
    import openpyxl

    answer = hub.ask("GET", "/statistics.xlsx?from=2026-11-01&to=2026-11-30")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert cells and all(cell.data_type != "f" for cell in cells)


def test_a_refusal_never_repeats_what_was_sent(hub: Served, courier: Served) -> None:
    secret = "SECRET-00931234-仇某"
    for node, path, body in (
        (hub, "/api/v1/records/search", {"q": secret * 3000}),
        (hub, "/api/v1/people", {"user": secret, "name": "x", "roles": ["clerk"]}),
        (hub, "/api/v1/session", {"user": secret, "password": secret}),
        (courier, "/api/v1/scans", {"code": secret}),
        (courier, "/api/v1/scans/hand", {"code": secret, "initials": secret}),
        (courier, "/api/v1/rounds", {"ward": secret}),
        (courier, "/api/v1/session", {"badge": secret, "pin": secret}),
    ):
        answer = node.ask("POST", path, json=body)
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert "00931234" not in json.dumps(answer.json, ensure_ascii=False), path
