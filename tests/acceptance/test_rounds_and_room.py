"""One courier's rounds, their paper, the records room and what the hub shows of it, in the order people do it."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import requests
from openpyxl import load_workbook

from hardware.drivers.picture_codes import read_picture
from provisioning.demo import town
from tests.acceptance.helpers import PASSWORD, STAFF, Site, refused_with, until

TAKEN = 6


@pytest.fixture(scope="module")
def round_done(site: Site) -> dict[str, Any]:
    """A round on W01: six records by gun, one back-filled, one corrected, counted, confirmed, with no paper in."""
    courier = site.first
    printer = courier.station.printer
    assert printer is not None
    keys = [row["key"] for row in courier.due("W01")]
    printer.paper_out()
    courier.begin("W01")
    courier.scan(keys[:TAKEN])
    courier.undo(keys[TAKEN])
    claimed = int(time.time() * 1000) - 7_200_000
    courier.backfill(keys[TAKEN + 1], claimed)
    counts = courier.hand_over()
    return {"round": courier.round, "keys": [*keys[:TAKEN], keys[TAKEN + 1]], "undone": keys[TAKEN],
            "backfilled": keys[TAKEN + 1], "claimed": claimed, "counts": counts}  # fmt: skip


@pytest.mark.row("F10.10")
def test_the_three_counts_stand_side_by_side(site: Site, round_done: dict[str, Any]) -> None:
    counts = round_done["counts"]
    assert (counts["scanned"], counts["by_hand"]) == (TAKEN + 1, TAKEN + 1)
    assert counts["expected"] > TAKEN
    assert {d["code"] for d in counts["differences"]} == {"not-scanned"}


@pytest.mark.row("F10.12", "F10.11")
def test_a_receipt_without_paper_waits_and_prints_once_and_a_reprint_is_marked(
    site: Site, round_done: dict[str, Any]
) -> None:
    courier, printer = site.first, site.first.station.printer
    assert printer is not None

    def device() -> str:
        views = courier.client.get("/api/v1/devices")["devices"]
        return str(next(one for one in views if one["name"] == "receipt-printer")["reason"])

    until(lambda: device() == "paper-out", "the box says what a person must do")
    assert not any(slip["complete"] for slip in printer.slips)
    courier.begin("W03")
    courier.scan([courier.due("W03")[0]["key"]])
    assert courier.client.get("/api/v1/paper")["waiting"] >= 1
    printer.load_paper()
    assert printer.wait_slips(1)
    until(lambda: courier.client.get("/api/v1/paper")["waiting"] == 0, "nothing waits")
    whole = [slip for slip in printer.slips if slip["complete"]]
    assert len(whole) == 1 and not any("REPRINT" in line for line in whole[0]["text_lines"])
    courier.client.post(f"/api/v1/rounds/{round_done['round']}/receipt")
    assert printer.wait_slips(2)
    assert any("REPRINT" in line for line in printer.slips[-1]["text_lines"])
    assert printer.slips[-1]["qr_texts"] == whole[0]["qr_texts"]


@pytest.mark.row("F10.9", "F14.2", "A05.3")
def test_a_record_tells_who_when_and_where_it_was_known(site: Site, round_done: dict[str, Any]) -> None:
    number, stay = round_done["backfilled"].rsplit("-", 1)
    until(lambda: site.record(number, stay)["state"] == "collected", "the hub has it")
    kept = site.record(number, stay)
    assert (kept["how"], kept["collected_at_ms"]) == ("backfill", round_done["claimed"])
    step = next(one for one in kept["log"] if "补录" in str(one["what"]))
    assert (step["who"], step["node"]) == ("u-luo", site.first.station.node)
    assert step["known_ms"] > step["at_ms"] == round_done["claimed"]
    number, stay = round_done["undone"].rsplit("-", 1)
    until(lambda: any("撤回" in str(one["what"]) for one in site.record(number, stay)["log"]), "the undo")
    told = site.record(number, stay)
    assert told["state"] == "discharged"
    assert any("扫描收下" in str(one["what"]) for one in told["log"]), "what was undone stays readable"


@pytest.mark.row("F10.7")
def test_a_correction_keeps_both_entries(site: Site, round_done: dict[str, Any]) -> None:
    wrong = round_done["keys"][0]
    right = next(row["key"] for row in site.first.due("W01") if row["key"] not in round_done["keys"])
    rows = site.first.client.get(f"/api/v1/rounds/{round_done['round']}")["records"]
    fact = next(row["fact"] for row in rows if row["key"] == wrong)
    told = {"stay": wrong, "fact": fact, "to": right, "reason": "misread"}
    site.first.client.post("/api/v1/scans/correct", told)
    until(lambda: site.record(*right.rsplit("-", 1))["state"] == "collected", "the right one")
    until(lambda: site.record(*wrong.rsplit("-", 1))["state"] == "discharged", "the wrong one waits again")
    log = site.record(*wrong.rsplit("-", 1))["log"]
    assert any("扫描收下" in str(one["what"]) for one in log)
    round_done["keys"][0] = right


@pytest.mark.row("F10.19", "F14.3")
def test_one_record_with_two_couriers_is_a_question_that_is_settled(site: Site, round_done: dict[str, Any]) -> None:
    key = site.first.due("W07")[0]["key"]
    for name in ("courier-1", "courier-2"):
        site.stage.relay.set_mode(name, "silent")
    try:
        for courier in (site.first, site.second):
            courier.begin("W07")
            courier.scan([key])
    finally:
        for name in ("courier-1", "courier-2"):
            site.stage.relay.set_mode(name, "up")
    until(lambda: bool(questions(site, "collected.twice")), "the question")
    asked = questions(site, "collected.twice")[0]
    log = site.record(*key.rsplit("-", 1))["log"]
    assert {one["node"] for one in log if "收下" in str(one["what"])} == {
        site.first.station.node, site.second.station.node}  # fmt: skip
    said = {"outcome": asked["outcomes"][0], "note": "两人当面说清"}
    site.clerk.post(f"/api/v1/anomalies/{asked['id']}/settle", said)
    assert not questions(site, "collected.twice")
    until(lambda: "定下" in str(site.record(*key.rsplit("-", 1))["log"]), "the settling is kept")


def questions(site: Site, code: str) -> list[dict[str, Any]]:
    return [one for one in site.clerk.get("/api/v1/anomalies")["anomalies"] if one["code"] == code]


@pytest.mark.row("F10.13")
def test_a_printed_receipt_read_on_another_machine_counts_nothing_twice(site: Site, round_done: dict[str, Any]) -> None:
    printer = site.first.station.printer
    assert printer is not None
    before = site.clerk.get("/api/v1/stays")["counts"]
    png = (site.first.station.directory / "slips" / printer.slips[0]["png"]).read_bytes()
    codes = read_picture(png)
    assert codes
    for code in reversed(codes):
        told = site.second.client.post("/api/v1/rebuild", {"code": code})["rebuilt"]
        assert told[0]["records"] >= 1
    until(lambda: int(site.second.client.get("/api/v1/status")["ledger"]["waiting"]) == 0, "delivered")
    until(lambda: site.clerk.get("/api/v1/stays")["counts"] == before, "every record is where it was")


@pytest.mark.row("F10.15", "F14.3")
def test_the_room_counts_what_came_and_asks_about_what_differs(site: Site, round_done: dict[str, Any]) -> None:
    room, station = site.room(), site.stage.station("records-room")
    until(lambda: any(one["key"] == round_done["round"] for one in room.get("/api/v1/handins")["waiting"]), "the round")
    handin = room.post("/api/v1/handins", {"courier": "u-luo", "rounds": [round_done["round"]]})["handin"]
    keys = round_done["keys"]

    def rows(what: str) -> set[str]:
        return {row["key"] for row in room.get(f"/api/v1/handins/{handin}")["records"] if row[what]}

    until(lambda: rows("taken_at_ms") >= set(keys), "the courier's batch")
    stranger = site.first.due("W12")[0]["key"]
    for key in [*keys[1:], stranger]:
        station.gun.scan(f"{town.PREFIX}{key}")
    until(lambda: rows("received_at_ms") >= {*keys[1:], stranger}, "the counter")
    closed = room.post(f"/api/v1/handins/{handin}/close")
    assert (closed["missing"], closed["extra"]) == (1, 1)
    until(lambda: bool(questions(site, "room.missing")) and bool(questions(site, "room.extra")), "two questions")
    until(lambda: site.record(*keys[1].rsplit("-", 1))["state"] == "received", "received at the hub")
    round_done["missing"] = keys[0]
    asked = next(one for one in room.get("/api/v1/anomalies")["anomalies"] if one["code"] == "room.missing")
    found = {"stay": asked["key"], "id": asked["id"], "outcome": "found"}
    assert room.post("/api/v1/anomalies/settle", found) == {"ok": True}
    until(lambda: site.record(*keys[0].rsplit("-", 1))["state"] == "received", "found again")
    until(lambda: not questions(site, "room.missing"), "settled at the hub")


@pytest.mark.row("F10.16", "A05.5", "F04.1")
def test_a_cover_label_prints_with_each_record_and_again_by_its_number(site: Site, round_done: dict[str, Any]) -> None:
    room, printer = site.room(), site.stage.station("records-room").label_printer
    assert printer is not None
    assert printer.wait_labels(len(round_done["keys"]))
    n = len(printer.labels)
    number = round_done["keys"][2].rsplit("-", 1)[0]
    job = room.post("/api/v1/labels", {"number": number})["job"]
    assert job and printer.wait_labels(n + 1)
    assert printer.labels[-1]["bytes"] not in {one["bytes"] for one in printer.labels[:n]}, "a copy says that it is one"
    assert refused_with(lambda: room.post("/api/v1/labels", {"number": "00999999"})) == "label.unknown"


@pytest.mark.row("A05.4")
def test_statistics_by_ward_courier_and_day_on_page_and_as_excel(site: Site, round_done: dict[str, Any]) -> None:
    told = site.clerk.get("/api/v1/statistics")
    assert told["total"]["collected"] == sum(one["collected"] for one in told["wards"]) > 0
    assert {one["key"] for one in told["couriers"]} >= {"u-luo"}
    assert told["total"]["on_time_rate"] is not None and told["total"]["backfilled"] == 1
    base = str(site.stage.hub_state["base_url"])
    browser = requests.Session()
    token = browser.post(f"{base}/api/v1/session", json={"user": "u-wen", "password": PASSWORD}, timeout=30).json()
    browser.headers["Authorization"] = f"Bearer {token['token']}"
    book = load_workbook(io.BytesIO(browser.get(f"{base}/statistics.xlsx", timeout=30).content))
    assert len(book.sheetnames) == 3
    first = book.worksheets[0]
    assert sum(row[1] for row in first.iter_rows(min_row=2, values_only=True)) == told["total"]["collected"]
    page = browser.get(f"{base}/statistics", headers={"Accept": "text/html"}, timeout=30)
    assert page.status_code == 200 and STAFF["u-luo"].name in page.text


@pytest.mark.row("A05.2")
def test_every_state_can_be_asked_for(site: Site, round_done: dict[str, Any]) -> None:
    for state in ("discharged", "collected", "received"):
        found = site.clerk.get("/api/v1/records", state=state)
        assert found["total"] > 0 and {row["state"] for row in found["records"]} == {state}
    late = site.clerk.get("/api/v1/records", late="1")
    assert late["total"] == site.clerk.get("/api/v1/stays")["late"] > 0
    assert all(row["late"] and row["state"] == "discharged" for row in late["records"])
    one_ward = site.clerk.get("/api/v1/records", late="1", ward="W21")
    assert 0 < one_ward["total"] < late["total"] and {row["ward"] for row in one_ward["records"]} == {"W21"}
    asked = site.clerk.get("/api/v1/records", questions="1")
    assert asked["total"] == 1 and asked["records"][0]["open_anomalies"] == 1


@pytest.mark.row("H35.4")
def test_imports_prints_and_corrections_are_in_the_audit_list(site: Site, round_done: dict[str, Any]) -> None:
    wanted = {
        "list.import", "collection.undone", "collection.corrected", "collection.backfilled", "receipt.printed",
        "label.printed", "round.rebuilt", "sign-in",
    }  # fmt: skip

    def what() -> set[str]:
        return {
            one["what"]
            for kind in wanted
            for one in site.auditor.get("/api/v1/audit", what=kind)["lines"]
            if one["at_ms"] and one["node"]
        }

    until(lambda: what() == wanted, f"all of {sorted(wanted - what())}")
    line = site.auditor.get("/api/v1/audit", what="collection.backfilled")["lines"][0]
    assert (line["actor"], line["node"], line["ok"]) == ("u-luo", site.first.station.node, True)
    assert refused_with(lambda: site.admin.get("/api/v1/audit")) == "right.missing"


@pytest.mark.row("H35.1", "H35.3")
def test_a_badge_needs_its_pin_and_each_role_its_box(site: Site) -> None:
    base = site.first.station.base_url
    ask = requests.Session()
    wrong = ask.post(f"{base}/api/v1/session", json={"badge": "WB-C-01", "pin": "000000"}, timeout=30)
    unknown = ask.post(f"{base}/api/v1/session", json={"badge": "WB-X-99", "pin": "000000"}, timeout=30)
    assert wrong.status_code == unknown.status_code == 401 and wrong.json()["code"] == unknown.json()["code"]
    nurse = ask.post(f"{base}/api/v1/session", json={"badge": "WB-N-W01", "pin": "271828"}, timeout=30).json()
    held = {"Authorization": f"Bearer {nurse.get('token', '')}"}
    assert ask.get(f"{base}/api/v1/due?ward=W01", headers=held, timeout=30).status_code in (401, 403)
