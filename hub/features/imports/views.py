"""Bringing a list: the file, the columns, what will go in, and the progress until it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from hub.features.imports import template, words
from hub.features.imports.mapping import HEADINGS
from hub.features.imports.rows import FIELDS, REQUIRED
from hub.features.imports.service import Imports, JobView
from kiosk_ui.kit.locale import lang
from kiosk_ui.kit.rights import body_max, current_principal, needs
from sync.kernel.outcome import Refused

FILE_BYTES_MAX = 11 * 1024 * 1024
"""The reader says no above 10 MiB in words; this is where the door closes."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def make_views(service: Imports, names: Callable[[], Mapping[str, str]]) -> Blueprint:
    pages = Blueprint("imports", __name__, template_folder="templates")

    def found(job: str) -> JobView:
        view = service.view(job)
        if view is None:
            raise NotFound
        return view

    @pages.get("/imports")
    @needs("list.import")
    def index() -> str:
        return render_template("imports/index.html", jobs=service.recent(), names=names(), import_words=words)

    @pages.post("/imports")
    @needs("list.import")
    @body_max(FILE_BYTES_MAX)
    def bring() -> Response | Refused:
        file = request.files.get("file")
        data = file.stream.read(FILE_BYTES_MAX) if file else b""
        name = service.bring(data, (file.filename or "") if file else "", actor(), go=False)
        return name if isinstance(name, Refused) else _there(name)

    @pages.get("/imports/<job>")
    @needs("list.import")
    def job(job: str) -> str:
        return render_template("imports/job.html", view=found(job), **_columns())

    @pages.get("/imports/<job>/part")
    @needs("list.import")
    def part(job: str) -> str:
        return render_template("imports/part.html", view=found(job), **_columns())

    @pages.post("/imports/<job>/columns")
    @needs("list.import")
    def columns(job: str) -> Response | Refused:
        chosen = {
            field: int(at)
            for field in FIELDS
            if (at := request.form.get(field, "")).isascii() and at.isdigit() and len(at) < 4
        }
        return service.map_columns(job, chosen) or _there(job)

    @pages.post("/imports/<job>/go")
    @needs("list.import")
    def go(job: str) -> Response | Refused:
        return service.go(job) or _there(job)

    @pages.post("/imports/<job>/stop")
    @needs("list.import")
    def stop(job: str) -> Response | Refused:
        return service.halt(job) or _there(job)

    @pages.get("/imports/template.<kind>")
    @needs("list.import")
    def blank(kind: str) -> Response:
        language: template.Lang = "en" if lang() == "en" else "zh"
        if kind == "csv":
            return _file(template.csv_template(language), "text/csv; charset=utf-8", "discharges.csv")
        if kind == "xlsx":
            return _file(template.xlsx_template(language), XLSX, "discharges.xlsx")
        raise NotFound

    return pages


def _columns() -> dict[str, object]:
    at = 1 if lang() == "en" else 0
    headings = {field: pair[at] for field, pair in HEADINGS.items()}
    return {"headings": headings, "required": REQUIRED, "import_words": words}


def _there(job: str) -> Response:
    answer = redirect(url_for("imports.job", job=job), 303)
    assert isinstance(answer, Response)
    return answer


def _file(data: bytes, kind: str, name: str) -> Response:
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
