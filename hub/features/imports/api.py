"""Lists for programs: bring, look, stop."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import NotFound

from hub.features.imports.rows import FIELDS
from hub.features.imports.service import Imports, JobView
from hub.features.imports.views import FILE_BYTES_MAX, actor
from kiosk_ui.kit.rights import body_max, needs
from sync.kernel.outcome import PeerFault, Refused


def make_api(service: Imports) -> Blueprint:
    api = Blueprint("imports_api", __name__, url_prefix="/api/v1")

    @api.post("/imports")
    @needs("list.import")
    @body_max(FILE_BYTES_MAX)
    def bring() -> tuple[Response, int, dict[str, str]] | Refused:
        """Bring a list or HL7 file (multipart `file`, or the bytes as body); it is read and written behind a job.

        `go=0` stops before writing. `mapping=record_no:0,name:2,…` names columns from 0.
        """
        file = request.files.get("file") if request.mimetype == "multipart/form-data" else None
        if file is not None:
            data, hint = file.stream.read(FILE_BYTES_MAX), file.filename or ""
        else:
            data, hint = request.get_data(cache=False), ""
        go = request.args.get("go") != "0"
        name = service.bring(data, hint, actor(), go=go, mapping=_mapping(request.args.get("mapping", "")))
        if isinstance(name, Refused):
            return name
        there = url_for("imports_api.job", job=name)
        return jsonify({"job": name, "address": there}), 202, {"Location": there}

    @api.get("/imports/<job>")
    @needs("list.import")
    def job(job: str) -> Response:
        """How far a job is, with its first 200 bad lines."""
        view = service.view(job)
        if view is None:
            raise NotFound
        return jsonify(_told(view))

    @api.post("/imports/<job>/go")
    @needs("list.import")
    def go(job: str) -> Response | Refused:
        """Write what was read."""
        return service.go(job) or jsonify({"job": job})

    @api.post("/imports/<job>/stop")
    @needs("list.import")
    def stop(job: str) -> Response | Refused:
        """Stop; what is written stays."""
        return service.halt(job) or jsonify({"job": job})

    return api


def _mapping(text: str) -> dict[str, int] | None:
    if not text:
        return None
    found: dict[str, int] = {}
    for part in text.split(","):
        field, _, at = part.partition(":")
        if field not in FIELDS or not (at.isascii() and at.isdigit() and len(at) < 4):
            raise PeerFault("mapping.unreadable")
        found[field] = int(at)
    return found


def _told(view: JobView) -> dict[str, Any]:
    row, live = view.row, view.live
    return {
        "job": row.id,
        "kind": row.kind,
        "state": row.state,
        "code": row.code,
        "lines": row.lines,
        "taken": row.taken,
        "unchanged": row.unchanged,
        "repeated": row.repeated,
        "faulty": row.faulty,
        "handled": live.handled if live else row.taken + row.unchanged,
        "total": live.total if live else row.lines,
        "rate_per_s": round(live.rate, 1) if live else 0.0,
        "missing": list(live.reading.missing) if live and live.reading else [],
        "header": list(live.reading.header) if live and live.reading else [],
        "faults": [
            {"line": one.line, "code": one.code, "column": one.column, "first_line": one.first_line}
            for one in view.faults
        ],
    }
