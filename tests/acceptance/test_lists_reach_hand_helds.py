"""What the hub hears and sets, as the courier's hand-held shows and says it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from provisioning.demo import town
from provisioning.demo.stage import wait_for
from tests.acceptance.helpers import Site, due_row, until


@pytest.mark.row("F10.1")
def test_a_list_says_how_old_it_is_and_a_cut_line_keeps_it(site: Site) -> None:
    before = site.first.client.get("/api/v1/due", ward="W01")
    site.stage.relay.set_mode("courier-1", "silent")
    try:
        site.bring("00990100,1,单雄信,男,W01,2026-11-01,2026-11-17")
        until(lambda: site.knows("00990100") and site.record("00990100")["state"] == "discharged", "the hub knows")
        held = site.first.client.get("/api/v1/due", ward="W01")
        assert due_row(site.first, "W01", "00990100-1") is None
        assert held["as_of_ms"] is not None and held["as_of_ms"] >= before["as_of_ms"]
    finally:
        site.stage.relay.set_mode("courier-1", "up")
    until(lambda: due_row(site.first, "W01", "00990100-1") is not None, "the list of now")
    now = site.first.client.get("/api/v1/due", ward="W01")
    assert now["as_of_ms"] > held["as_of_ms"]


@pytest.mark.row("A05.9")
def test_a_discharge_said_by_message_comes_and_goes_with_its_cancellation(site: Site) -> None:
    day = date.today() - timedelta(days=2)
    at = day.strftime("%Y%m%d")
    assert b"MSA|AA|d1" in site.hl7("A03", "d1", at + "100000", "00990101")
    until(lambda: due_row(site.first, "W01", "00990101-1") is not None, "the discharge on the list")
    assert b"MSA|AA|d2" in site.hl7("A13", "d2", at + "110000", "00990101")
    until(lambda: due_row(site.first, "W01", "00990101-1") is None, "the cancellation")
    site.first.begin("W01")
    said = site.first.client.post("/api/v1/scans", {"code": "00990101-1"})
    assert said["verdict"] == "not_discharged"
    assert site.first.client.post("/api/v1/scans/undo")["undone"]
    replayed = site.hl7("A03", "d1", at + "100000", "00990101")
    assert b"MSA|AA|d1" in replayed
    assert site.record("00990101")["standing"] == "in_house"


@pytest.mark.row("F10.5", "A05.9")
def test_a_merged_number_resolves_on_the_hand_held_and_says_so(site: Site) -> None:
    site.bring("00990103,1,单雄信,男,W01,2026-11-01,2026-11-17")
    until(lambda: due_row(site.first, "W01", "00990103-1") is not None, "the record on the list")
    merged = site.hl7("A40", "m1", "20261118100000", "00990103", more="MRG|00990102\r")
    assert b"MSA|AA|m1" in merged
    site.first.begin("W01")
    heard: dict[str, object] = {}

    def resolves() -> bool:
        heard.clear()
        heard.update(site.first.client.post("/api/v1/scans", {"code": f"{town.PREFIX}00990102"}))
        if heard["verdict"] == "unknown":
            site.first.client.post("/api/v1/scans/undo")
        return heard["verdict"] == "good"

    until(resolves, "the old number leads to the new one")
    assert heard["key"] == "00990103-1" and heard["notes"] == ["merged"]

    def found() -> set[str]:
        return {row["record_no"] for row in site.clerk.get("/api/v1/records", q="00990102")["records"]}

    until(lambda: "00990103" in found(), "the hub finds it by the old number")


@pytest.mark.row("F14.4", "F10.6")
def test_a_seal_reaches_the_hand_held_warns_and_is_lifted(site: Site) -> None:
    row = site.first.due("W03")[0]
    opaque = site.record(row["record_no"], row["stay_no"])["key"]
    site.admin.post(f"/api/v1/records/{opaque}/seal", {"on": True, "reason": "医疗争议"})
    until(lambda: due_row(site.first, "W03", row["key"])["sealed"] is True, "the seal")  # type: ignore[index]  # listed
    site.first.begin("W03")
    said = site.first.client.post("/api/v1/scans", {"code": row["key"]})
    assert said["verdict"] == "sealed" and said["fact"], "a warning never stops collecting"
    told = {"stay": said["key"], "fact": said["fact"], "reason": said["reasons"][0]}
    assert site.first.client.post("/api/v1/scans/reason", told) == {"ok": True}
    until(lambda: site.record(row["record_no"], row["stay_no"])["state"] == "collected", "the hub has it")
    kept = site.record(row["record_no"], row["stay_no"])
    assert any("医务处同意" in str(step["what"]) for step in kept["log"])
    site.first.client.post("/api/v1/scans/undo")
    site.admin.post(f"/api/v1/records/{opaque}/seal", {"on": False, "reason": "结案"})
    until(lambda: not due_row(site.first, "W03", row["key"])["sealed"], "the lifting")  # type: ignore[index]  # listed
    assert site.first.client.post("/api/v1/scans", {"code": row["key"]})["verdict"] == "good"


@pytest.mark.row("F10.18", "A13.1", "A13.3")
def test_a_day_set_at_the_hub_counts_on_the_hand_held(site: Site) -> None:
    """The list's oldest discharge lies days back: one working day in between becomes a holiday, then works again."""
    row = site.first.due("W12")[0]
    day = date.fromisoformat(row["discharged_on"]) + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)

    def days() -> int:
        found = due_row(site.first, "W12", row["key"])
        assert found is not None
        return int(found["days"])

    before = days()
    site.admin.put(f"/api/v1/calendar/days/{day.isoformat()}", {"working": False, "note": "院庆"})
    until(lambda: days() == before - 1, "a holiday less to wait")
    site.admin.put(f"/api/v1/calendar/days/{day.isoformat()}", {"working": True, "note": ""})
    until(lambda: days() == before, "a working day again")


@pytest.mark.row("A13.3")
def test_a_wards_limit_moves_what_is_overdue(site: Site) -> None:
    def late() -> int:
        return int(site.first.client.get("/api/v1/due", ward="W07")["overdue"])

    before = late()
    names = {"name_zh": "普外病区", "name_en": "General surgery"}
    site.admin.put("/api/v1/wards/W07", {**names, "limit_days": 30})
    until(lambda: late() == 0, "a longer limit")
    site.admin.put("/api/v1/wards/W07", {**names, "limit_days": 2})
    until(lambda: late() == before, "the usual limit")


@pytest.mark.row("F10.17")
def test_the_hub_shows_a_collection_as_it_happens(site: Site) -> None:
    row = site.first.due("W07")[0]
    site.first.begin("W07")
    site.first.client.post("/api/v1/scans", {"code": row["key"]})
    took = wait_for(lambda: site.record(row["record_no"], row["stay_no"])["state"] == "collected", 60.0, "the hub")
    assert took < 60.0
    kept = site.record(row["record_no"], row["stay_no"])
    assert (kept["collected_by"], kept["collected_node"]) == ("u-luo", site.first.station.node)
