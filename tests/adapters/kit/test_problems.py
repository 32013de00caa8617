"""How requests end: one code, one sentence, no data, no 5xx for what others did wrong."""

from __future__ import annotations

import json
import logging

import pytest
from flask import Flask

API = {"Authorization": "Bearer t-courier", "Content-Type": "application/json"}


@pytest.mark.row("H35.5")
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("refused", 422, "handover.count-missing"),
        ("conflict", 409, "handover.done"),
        ("fault", 400, "code.control-character"),
        ("later", 503, "disk.full"),
        ("bug", 500, "incident"),
    ],
)
def test_every_ending_is_a_problem_document(
    app: Flask, path: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get(f"/api/v1/{path}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    document = answer.json
    assert document["code"] == code and document["status"] == status and document["title"]
    assert "SECRET" not in answer.text + caplog.text and "00731846" not in answer.text + caplog.text


def test_only_unavailable_says_when_to_try_again(app: Flask) -> None:
    assert app.test_client().get("/api/v1/later").headers["Retry-After"] == "7"


def test_an_unexpected_end_can_be_found_in_the_log_by_its_number(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    number = app.test_client().get("/api/v1/bug").json["fields"]["incident"]
    assert f"incident {number}: RuntimeError at conftest.py:" in caplog.text


def test_a_refusal_speaks_the_language_of_the_reader(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/api/v1/refused").json["title"] == "先写手点的份数，再请护士刷工牌"
    assert client.get("/none?lang=en", headers={"Accept": "application/json"}).json["title"] == "No such page"


def test_a_person_gets_a_page_and_htmx_a_fragment(app: Flask) -> None:
    page = app.test_client().get("/none", headers={"Accept": "text/html"})
    assert page.status_code == 404 and "<h1>没有这一页</h1>" in page.text and "page.unknown" in page.text
    part = app.test_client().get("/none", headers={"HX-Request": "true"})
    assert part.headers["HX-Retarget"] == "#notice" and "<html" not in part.text


def test_a_wrong_method_names_the_right_ones(app: Flask) -> None:
    answer = app.test_client().put("/api/v1/refused", headers={"Authorization": "Bearer t-courier"})
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":"A","code":"B"}', "json.duplicate-key"),
        (b'{"code":NaN}', "json.not-a-number"),
        (b'{"code":"A","count":1e999999999999}', "json.field-type"),
        (b'{"code":"A","count":Infinity}', "json.not-a-number"),
        (b'{"code":"A","count":' + b"9" * 3000 + b"}", "json.not-a-number"),
        (b'{"code":"A","count":true}', "json.field-type"),
        (b'{"code":"A","count":1.0}', "json.field-type"),
        (b'{"code":5}', "json.field-type"),
        (b'{"count":5}', "json.field-missing"),
        (b'{"code":"A","more":1}', "json.field-unknown"),
        (b'{"code":"\\ud800"}', "json.broken"),
        (b'{"code":"\xff"}', "json.broken"),
        (b"[" * 2000, "json.too-deep"),
        (b'{"code":' + b"[" * 40 + b"]" * 40 + b"}", "json.too-deep"),
        (b"[]", "json.broken"),
        (b"", "json.broken"),
        (b'{"code":"A"} x', "json.broken"),
        (b'\xef\xbb\xbf{"code":"A"}', "json.broken"),
    ],
)
def test_a_body_is_read_strictly(app: Flask, body: bytes, code: str) -> None:
    answer = app.test_client().post("/api/v1/json", data=body, headers=API)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert "more" not in json.dumps(answer.json["fields"])


def test_a_good_body_arrives_whole(app: Flask) -> None:
    answer = app.test_client().post("/api/v1/json", data='{"code":"𠮷","count":3}'.encode(), headers=API)
    assert answer.json == {"code": "𠮷", "count": 3}


def test_a_body_of_another_type_or_size_is_refused(app: Flask) -> None:
    client = app.test_client()
    wrong = client.post("/api/v1/json", data=b"{}", headers=API | {"Content-Type": "text/plain"})
    assert wrong.json["code"] == "json.wrong-type"
    assert client.post("/api/v1/json", data=b"{" + b" " * 5000, headers=API).status_code == 413
