"""Records for programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from hub.features.records.service import Age, Record, Records
from hub.features.records.store import PAGE_ROWS, Question, RecordRow
from hub.features.records.views import actor, wanted_of
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.rights import needs
from kiosk_ui.kit.screens.mask import mask_name
from kiosk_ui.kit.screens.words import N_, say
from sync.kernel.outcome import Refused

SENTENCES = {"record.on": N_("要说是封存还是解封")}


def make_api(service: Records) -> Blueprint:
    api = Blueprint("records_api", __name__, url_prefix="/api/v1")

    @api.get("/records")
    @needs("record.search")
    def find() -> Response:
        """Find by number, name or initials (`q`), `state`, `ward`, `questions=1`, `late=1`; 50 a page, names masked."""
        return _found(request.args.get("q", ""))

    @api.post("/records/search")
    @needs("record.search")
    def search() -> Response:
        """The same with `q` in the body, so that no address holds it."""
        return _found(take(parse_json(request), {"q": str})["q"])

    def _found(text: str) -> Response:
        wanted = replace(wanted_of(request.args), text=text[:80])
        rows, total = service.find(wanted)
        return jsonify(
            {"total": total, "page": wanted.page, "page_rows": PAGE_ROWS, "records": [_row(*one) for one in rows]}
        )

    @api.get("/records/<opaque>")
    @needs("record.search")
    def record(opaque: str) -> Response:
        """One record: where it is, its journey and its change log."""
        found = service.record(opaque)
        if found is None:
            raise NotFound
        return jsonify(_record(found))

    @api.post("/records/<opaque>/name")
    @needs("record.name")
    def name(opaque: str) -> Response | tuple[Refused, int]:
        """The full name; writes an audit line."""
        told = service.name_of(opaque, actor())
        return (told, 404) if isinstance(told, Refused) else jsonify({"name": told})

    @api.post("/records/<opaque>/seal")
    @needs("record.seal")
    def seal(opaque: str) -> Response | Refused | tuple[Refused, int]:
        """Set (`on` true) or lift the seal, with a reason."""
        body = take(parse_json(request), {"on": bool, "reason": str})
        no = service.seal(opaque, body["on"], body["reason"], actor())
        if no is not None:
            return (no, 404) if no.code == "record.gone" else no
        return record(opaque)

    @api.get("/stays")
    @needs("record.search")
    def stays() -> Response:
        """How many stays are in which state, and what waits on each ward."""
        board = service.board()
        wards = [
            {"ward": one.ward, "waiting": one.waiting, "late": one.late, "oldest_working_days": one.oldest_days}
            for one in board.wards
        ]
        return jsonify(
            {
                "counts": board.counts,
                "waiting": board.waiting,
                "late": board.late,
                "questions": board.questions,
                "calendar_confirmed": board.confirmed,
                "wards": wards,
            }
        )

    @api.get("/anomalies")
    @needs("anomaly.settle", "stats.read")
    def anomalies() -> Response:
        """Questions that wait for a person; `settled=1`: those that were answered."""
        asked = service.questions(still_open=request.args.get("settled") != "1")
        return jsonify({"anomalies": [_question(one) for one in asked]})

    @api.post("/anomalies/<name>/settle")
    @needs("anomaly.settle")
    def settle(name: str) -> Response | Refused | tuple[Refused, int]:
        """Answer a question: `outcome` is one of its `outcomes`."""
        body = take(parse_json(request), {"outcome": str}, {"note": str})
        no = service.settle(name, body["outcome"], body.get("note", ""), actor())
        if no is not None:
            return (no, 404) if no.code == "anomaly.gone" else no
        found = service.question(name)
        return jsonify({"settled": True, "anomaly": _question(found[0]) if found else None})

    def _question(one: Question) -> dict[str, Any]:
        found = service.question(one.id) if one.open else None
        return {
            "id": one.id,
            "code": one.code,
            "at_ms": one.at_ms,
            "open": one.open,
            "settled": one.settled,
            "outcomes": list(service.outcomes(one, found[2])) if found else [],
            "record": _row(one.record, None),
        }

    def _record(found: Record) -> dict[str, Any]:
        stations = [
            {"name": one.name, "at_ms": one.at_ms, "known_ms": one.known_ms, "state": one.state}
            for one in found.stations
        ]
        log = [
            {
                "at_ms": one.at_ms,
                "known_ms": one.known_ms,
                "late": one.late,
                "kind": one.kind,
                "what": say(one.what, lambda text: text, lambda text, _many, _n: text),
                "who": one.who,
                "node": one.node,
                "fact": str(one.fact),
            }
            for one in found.log
        ]
        questions = [{"id": one.id, "code": one.code, "open": one.open} for one in found.questions]
        merges = {"merged_into": found.merges.into, "merged_from": list(found.merges.old)}
        return {**_row(found.row, found.age), **merges, "stations": stations, "log": log, "anomalies": questions}

    return api


def _row(row: RecordRow, age: Age | None) -> dict[str, Any]:
    """The key in addresses, numbers, and the name as a list shows it."""
    return {
        "key": row.opaque,
        "record_no": row.record_no,
        "stay_no": row.stay_no,
        "state": row.state,
        "standing": row.standing,
        "ward": row.ward,
        "admitted_on": row.admitted_on,
        "discharged_on": row.discharged_on,
        "sealed": row.sealed,
        "open_anomalies": row.questions,
        "collected_at_ms": row.collected_at,
        "collected_by": row.collected_by,
        "collected_node": row.collected_node,
        "how": row.collected_how,
        "received_at_ms": row.received_at,
        "received_by": row.received_by,
        "labels": row.labels,
        "name_masked": mask_name(row.name),
        "sex": row.sex,
        "due": row.line,
        "working_days": None if age is None else age.days,
        "late": None if age is None else age.late,
        "calendar_confirmed": None if age is None else age.confirmed,
    }
