"""The counter through the programs' doors: rebuild a round from its receipt, take it in, close, settle, label."""

from __future__ import annotations

from typing import Any

import pytest

from hardware.codecs import document_ticket, document_trail
from hardware.codecs.document_ticket import Ticket
from hardware.codecs.document_trail import Part, Trail
from sync.domain.fleet import facts as fleet


@pytest.fixture
def rebuilt(luo: Any, courier_box: Any, wen: Any, records_box: Any) -> str:
    """A round of four records, known to the records room by its receipt alone."""
    key = luo.ok("/api/v1/rounds", {"ward": "W12"})["round"]
    for code in ("00731846", "00731779", "00731902", "00728837"):
        assert luo.ok("/api/v1/scans", {"code": code})["verdict"] == "good"
    texts = courier_box.receipt_texts(key)
    unknown = wen.post("/api/v1/rebuild", {"code": texts[0]})
    assert unknown.get_json()["code"] == "receipt.unknown-signer"
    keys = courier_box.keys
    records_box.told_by_the_hub(
        lambda unit: unit.append(
            fleet.enrolled(
                courier_box.settings.node.node,
                role="courier",
                display_name="手持机 1",
                signing_public=keys.signing_public,
                wards=["W12"],
            )
        )
    )
    for text in texts:
        told = wen.ok("/api/v1/rebuild", {"code": text})["rebuilt"][0]
        assert (told["ward"], told["records"], told["new"]) == ("W12", 4, 4)
    return str(key)


@pytest.mark.row("F10.1")
def test_a_hand_in_with_differences_is_settled(rebuilt: str, wen: Any) -> None:
    waiting = wen.get("/api/v1/handins").get_json()["waiting"]
    assert [(one["key"], one["courier"], one["records"]) for one in waiting] == [(rebuilt, "u-luo", 4)]
    key = wen.ok("/api/v1/handins", {"courier": "u-luo", "rounds": [rebuilt]})["handin"]
    first = wen.ok(f"/api/v1/handins/{key}/scan", {"code": "00731846"})
    assert (first["verdict"], first["got"], first["expected"]) == ("good", 1, 4) and first["label_job"]
    assert wen.ok(f"/api/v1/handins/{key}/scan", {"code": "00731846"})["verdict"] == "duplicate"
    assert wen.ok(f"/api/v1/handins/{key}/hand", {"code": "00731779"})["verdict"] == "good"
    assert wen.ok("/api/v1/handins/undo")["undone"]
    extra = wen.ok(f"/api/v1/handins/{key}/scan", {"code": "00731511"})
    assert extra["verdict"] == "taken"
    table = wen.get(f"/api/v1/handins/{key}").get_json()["records"]
    assert sum(1 for one in table if one["reception"]) == 2
    assert wen.ok(f"/api/v1/handins/{key}/close") == {"missing": 3, "extra": 1}
    asked = wen.get("/api/v1/anomalies").get_json()["anomalies"]
    assert sorted(one["code"] for one in asked) == ["room.extra", "room.missing", "room.missing", "room.missing"]
    for one in asked:
        said = {"stay": one["key"], "id": one["id"], "outcome": one["outcomes"][0]}
        assert wen.ok("/api/v1/anomalies/settle", said) == {"ok": True}
    assert wen.get("/api/v1/anomalies").get_json() == {"anomalies": []}
    again = wen.post(f"/api/v1/handins/{key}/close")
    assert (again.status_code, again.get_json()["code"]) == (422, "handin.closed")


def test_labels_by_number_and_marked_from_the_second_on(rebuilt: str, wen: Any, records_box: Any) -> None:
    jobs = [wen.ok("/api/v1/labels", {"number": "00731846"})["job"] for _ in range(2)]
    assert [records_box.jobs.job(job).copy_no for job in jobs] == [0, 1]
    several = wen.post("/api/v1/labels", {"number": "00732222"})
    assert (several.status_code, len(several.get_json()["stays"])) == (300, 2)
    assert wen.ok("/api/v1/labels", {"stay": "00732222-2"})["job"]
    assert wen.post("/api/v1/labels", {"number": "00990099"}).get_json()["code"] == "label.unknown"
    told = wen.get("/api/v1/paper").get_data(as_text=True)
    assert "00731846" not in told, "a list of papers names no record"


def test_a_doubtful_paper_is_decided_once(rebuilt: str, wen: Any, records_box: Any) -> None:
    first, second = (wen.ok("/api/v1/labels", {"number": code})["job"] for code in ("00731846", "00731779"))
    for job in (first, second):
        records_box.jobs.mark(job, "sent")
        records_box.jobs.mark(job, "uncertain", "restart")
    assert len(wen.get("/api/v1/paper").get_json()["doubts"]) == 2
    assert wen.ok(f"/api/v1/paper/{first}/decide", {"decision": "printed"}) == {"ok": True}
    again = wen.ok(f"/api/v1/paper/{second}/decide", {"decision": "again"})["job"]
    assert records_box.jobs.job(again).copy_no == 1
    refused = wen.post(f"/api/v1/paper/{first}/decide", {"decision": "again"})
    assert refused.get_json()["code"] == "paper.no-doubt"


def test_a_doubt_stays_open_when_nothing_can_be_printed_in_its_place(rebuilt: str, wen: Any, records_box: Any) -> None:
    with records_box.store.write() as unit:
        job = records_box.jobs.order(
            unit, printer="label-printer", what="label", ref="00990099-1", copy_no=0, payload=b"^XA^XZ"
        )
    records_box.jobs.mark(job, "sent")
    records_box.jobs.mark(job, "uncertain", "restart")
    refused = wen.post(f"/api/v1/paper/{job}/decide", {"decision": "again"})
    assert refused.get_json()["code"] == "label.unknown"
    assert records_box.jobs.job(job).state == "uncertain"
    assert wen.ok(f"/api/v1/paper/{job}/decide", {"decision": "printed"}) == {"ok": True}


@pytest.mark.row("E05.5")
@pytest.mark.parametrize(("decision", "goes_on"), [("again", 0), ("rest", 2)])
def test_a_doubtful_document_is_settled_once_and_goes_on_where_it_stopped(
    wen: Any, records_box: Any, decision: str, goes_on: int
) -> None:
    """Five pages, two of them surely out when the printer lost its power."""
    jobs = records_box.jobs
    with records_box.store.write() as unit:
        job = jobs.order_document(
            unit, printer="office", what="document", ref="r1", copy_no=0, sides=5,
            payload=document_ticket.encode(Ticket(5), b"%PDF-1.4"),
        )  # fmt: skip
    jobs.mark(job, "sent")
    jobs.note(job, document_trail.encode(Trail(1, 2, 0, Part("way-x-2", ((2, 5),), 1, 4, seen=1))))
    jobs.mark(job, "uncertain", "power")
    told = wen.get(f"/api/v1/paper/{job}").get_json()
    assert (told["sides"], told["sides_out"], told["state"]) == (5, 2, "uncertain")
    page = wen.get("/paper").get_data(as_text=True)
    assert "出来 2 / 5 面" in page and "打印机打到一半断了电" in page and "接着打没出来的" in page
    again = wen.ok(f"/api/v1/paper/{job}/decide", {"decision": decision})["job"]
    made = jobs.take_next("office")
    assert made.job_id == again and made.payload == jobs.payload(job)
    assert document_trail.decode(made.trail) == Trail(goes_on)
    refused = wen.post(f"/api/v1/paper/{job}/decide", {"decision": decision})
    assert refused.get_json()["code"] == "paper.no-doubt"


def test_the_rest_is_for_documents(rebuilt: str, wen: Any, records_box: Any) -> None:
    job = wen.ok("/api/v1/labels", {"number": "00731846"})["job"]
    records_box.jobs.mark(job, "sent")
    records_box.jobs.mark(job, "uncertain", "restart")
    assert wen.post(f"/api/v1/paper/{job}/decide", {"decision": "rest"}).get_json()["code"] == "paper.decision"


def test_a_trial_for_a_printer_that_is_not_there(wen: Any) -> None:
    assert wen.post("/api/v1/paper/trial", {"printer": "nowhere"}).get_json()["code"] == "paper.no-printer"


def test_a_picture_without_a_code(wen: Any) -> None:
    answer = wen.client.post(
        "/api/v1/rebuild", data=b"no picture", headers={**wen.headers, "Content-Type": "image/png"}
    )
    assert answer.status_code == 422 and answer.get_json()["code"] in ("picture", "picture.no-code")
