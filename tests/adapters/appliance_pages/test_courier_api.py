"""A courier's round through the programs' doors: sign in, list, scan, answer, correct, hand over, reprint."""

from __future__ import annotations

import re
from typing import Any

import pytest


def test_wards_say_how_much_waits_and_how_old_the_list_is(luo: Any) -> None:
    wards = {one["ward"]: one for one in luo.get("/api/v1/wards").get_json()["wards"]}
    assert (wards["W12"]["due"], wards["W07"]["due"]) == (8, 2)
    assert wards["W12"]["name_zh"] == "心内二病区" and wards["W12"]["as_of_ms"] > 0
    due = luo.get("/api/v1/due?ward=W12").get_json()
    assert due["calendar_confirmed"] is False, "nobody has published a year to this box"
    assert due["records"][0]["discharged_on"] == "2026-10-02" and due["records"][0]["overdue"]
    missing = luo.get("/api/v1/due?ward=W99")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "round.no-list")


@pytest.mark.row("F10.1")
def test_a_round_by_its_doors(luo: Any, courier_box: Any) -> None:
    key = luo.ok("/api/v1/rounds", {"ward": "W12"})["round"]
    good = luo.ok("/api/v1/scans", {"code": "QL00731846-2"})
    assert (good["verdict"], good["n"], good["name"]) == ("good", 1, "仇建国")
    assert luo.ok("/api/v1/scans", {"code": "00731846-2"})["verdict"] == "duplicate"
    wrong = luo.ok("/api/v1/scans", {"code": "00730912"})
    assert (wrong["verdict"], wrong["ward"]) == ("wrong_ward", "W07")
    reason = {"stay": wrong["key"], "fact": wrong["fact"], "reason": wrong["reasons"][0]}
    assert luo.ok("/api/v1/scans/reason", reason) == {"ok": True}
    choose = luo.ok("/api/v1/scans", {"code": "00732222"})
    assert choose["verdict"] == "choose" and [one["discharged_on"] for one in choose["choices"]] == [
        "2026-11-20",
        "2026-10-02",
    ]
    taken = luo.ok("/api/v1/scans/choose", {"code": "00732222", "stay": "00732222-2"})
    assert (taken["verdict"], taken["key"]) == ("good", "00732222-2")
    by_hand = luo.ok("/api/v1/scans/hand", {"code": "00731779", "initials": "oyjs"})
    assert by_hand["verdict"] == "good"
    assert luo.ok("/api/v1/scans/undo")["undone"] == by_hand["fact"]
    late = luo.ok("/api/v1/scans/backfill", {"code": "00731902", "at_ms": 1_700_000_000_000})
    assert late["verdict"] == "good"
    back = luo.ok("/api/v1/scans", {"code": "00739999-1"})
    assert back["verdict"] == "not_discharged"
    luo.ok("/api/v1/scans/put-back", {"stay": back["key"], "fact": back["fact"]})
    luo.ok(
        "/api/v1/scans/correct",
        {"stay": late["key"], "fact": late["fact"], "to": "00728837-1", "reason": "two covers"},
    )
    records = luo.get(f"/api/v1/rounds/{key}").get_json()["records"]
    counting = {one["key"]: one["how"] for one in records if one["counts"]}
    assert counting == {"00731846-2": "gun", "00730912-1": "gun", "00732222-2": "gun", "00728837-1": "hand"}
    luo.ok(f"/api/v1/rounds/{key}/count", {"by_hand": 4})
    counts = luo.get(f"/api/v1/rounds/{key}/counts").get_json()
    assert (counts["expected"], counts["scanned"], counts["by_hand"]) == (8, 4, 4)
    refused = luo.post(f"/api/v1/rounds/{key}/confirm", {"badge": "WB-QI"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "handover.badge-other-ward")
    assert luo.ok(f"/api/v1/rounds/{key}/confirm", {"badge": "WB-SONG"})["job"]
    assert luo.ok(f"/api/v1/rounds/{key}/receipt")["job"]
    papers = luo.get("/api/v1/paper").get_json()
    assert [one["copy_no"] for one in papers["recent"]] == [1, 0] and papers["waiting"] == 2
    gone = luo.post("/api/v1/scans", {"code": "00731846-2"})
    assert (gone.status_code, gone.get_json()["code"]) == (422, "scan.no-round")


def test_a_stay_that_was_not_offered_cannot_be_chosen(luo: Any) -> None:
    luo.ok("/api/v1/rounds", {"ward": "W12"})
    refused = luo.post("/api/v1/scans/choose", {"code": "00732222", "stay": "00731846-2"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "choose.gone")


@pytest.mark.row("A05.1")
def test_a_line_of_the_wards_list_is_ticked(luo: Any) -> None:
    """The page has the act only while the courier's own round is at that ward."""
    refused = luo.post("/api/v1/scans/tick", {"stay": "00731846-2"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "scan.no-round")
    assert "/collect/tick" not in luo.get("/collect/wards/W12").text
    key = luo.ok("/api/v1/rounds", {"ward": "W12"})["round"]
    assert "/collect/tick" in luo.get("/collect/wards/W12").text
    assert "/collect/tick" not in luo.get("/collect/wards/W07").text
    ticked = luo.ok("/api/v1/scans/tick", {"stay": "00731846-2"})
    assert (ticked["verdict"], ticked["n"]) == ("good", 1)
    other = luo.post("/api/v1/scans/tick", {"stay": "00730912-1"})
    assert (other.status_code, other.get_json()["code"]) == (422, "choose.gone")
    [kept] = luo.get(f"/api/v1/rounds/{key}").get_json()["records"]
    assert (kept["key"], kept["how"]) == ("00731846-2", "hand")


def test_the_round_is_put_down_when_another_courier_signs_in(luo: Any, courier_app: Any, courier_box: Any) -> None:
    luo.ok("/api/v1/rounds", {"ward": "W12"})
    courier_app.test_client(use_cookies=False).post("/api/v1/session", json={"badge": "WB-SHAO", "pin": "2468"})
    assert courier_box.collecting.scanner.hand is None
    assert luo.post("/api/v1/scans", {"code": "00731846"}).get_json()["code"] == "scan.no-round"
    luo.ok("/api/v1/rounds", {"ward": "W12"})
    assert luo.ok("/api/v1/scans", {"code": "00731846"})["verdict"] == "good"


def test_a_wrong_pin_and_no_session(courier_app: Any) -> None:
    client = courier_app.test_client(use_cookies=False)
    wrong = client.post("/api/v1/session", json={"badge": "WB-LUO", "pin": "0000"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "sign-in.unknown")
    assert client.get("/api/v1/status").status_code == 401


def test_the_session_ends(luo: Any) -> None:
    assert luo.client.delete("/api/v1/session", headers=luo.headers).status_code == 200
    assert luo.get("/api/v1/status").status_code == 401


def test_status_metrics_and_description(luo: Any) -> None:
    luo.ok("/api/v1/rounds", {"ward": "W12"})
    luo.post("/api/v1/scans", {"code": "<script>"})
    status = luo.get("/api/v1/status").get_json()
    assert status["line"]["state"] == "up" and status["ledger"]["produced"] > 0
    assert status["refused"] == {"code.characters": 1}
    assert [feed["label"] for feed in status["feeds"]] == ["ward:W07", "ward:W12"]
    assert luo.client.get("/healthz").get_json()["ok"] is True
    metrics = luo.client.get("/metrics").get_data(as_text=True)
    assert 'waystation_refused_total{code="code.characters"} 1.0' in metrics
    away = luo.client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert away.status_code == 404
    paths = luo.client.get("/api/v1/openapi.json").get_json()["paths"]
    assert paths["/api/v1/scans"]["post"]["x-rights"] == ["collect.scan"]
    assert "/api/v1/handins" not in paths, "a hand-held has no counter"


def test_a_list_on_its_way_says_how_far_it_is(luo: Any, courier_box: Any) -> None:
    with courier_box.store.write() as unit:
        unit.conn.execute("INSERT INTO staging (label, manifest, rows, segments) VALUES ('ward:W12', x'00', 20000, 20)")
        unit.conn.executemany("INSERT INTO staged (label, k, raw) VALUES ('ward:W12', ?, x'00')", [(0,), (1,), (2,)])
    feeds = {feed["label"]: feed for feed in luo.get("/api/v1/status").get_json()["feeds"]}
    assert (feeds["ward:W12"]["parts"], feeds["ward:W12"]["parts_all"]) == (3, 20)
    assert feeds["ward:W07"]["parts_all"] == 0
    shown = luo.client.get("/status", headers=luo.headers).get_data(as_text=True)
    assert "病区资料装入 3/20" in shown
    english = luo.client.get("/status?lang=en", headers=luo.headers).get_data(as_text=True)
    assert "Ward records arriving, 3 of 20" in english
    assert "ward:W12" not in shown, "a list goes by its ward's name"
    row = re.search(r"<li class=\"row\">(?:(?!</li>).)*3/20", shown, re.DOTALL)
    assert row is not None and "心内二病区" in row[0]


def test_a_list_goes_by_a_name_that_people_know(luo: Any, courier_box: Any) -> None:
    with courier_box.store.write() as unit:
        unit.conn.execute("INSERT INTO cursor (label, epoch, sseq, e, head_at) VALUES ('site:people', 1, 1, x'00', 1)")
    assert "工作人员和权限" in luo.client.get("/status", headers=luo.headers).get_data(as_text=True)
    assert "Staff and their rights" in luo.client.get("/status?lang=en", headers=luo.headers).get_data(as_text=True)
