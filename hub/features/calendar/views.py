"""The year at a glance, a day changed, wards and their limits."""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for

from hub.features.calendar.service import LIMIT_DAYS_MAX, Calendars
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.locale import now
from kiosk_ui.kit.rights import current_principal, needs
from kiosk_ui.kit.screens.words import N_
from sync.domain.calendar.fold import Year
from sync.domain.calendar.workdays import Calendar
from sync.kernel.outcome import Refused

SENTENCES = {
    "calendar.day": N_("没有这一天"),
    "calendar.note": N_("备注太长，最多 200 字"),
    "ward.code": N_("病区代码只能用字母、数字、点和横线"),
    "ward.name": N_("病区要有中文名，最多 40 字"),
    "ward.limit": N_("期限要在 0 到 %(most)s 个工作日之间"),
}
YEARS = range(1970, 2100)


@dataclass(frozen=True, slots=True)
class Day:
    """`mark`: plain, rest, holiday (a weekday off), extra (a weekend worked)."""

    on: date
    working: bool
    mark: str
    by_hand: bool
    note: str


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def make_views(service: Calendars) -> Blueprint:
    pages = Blueprint("calendar", __name__, template_folder="templates")

    @pages.get("/calendar")
    @needs("calendar.edit")
    def index() -> str:
        year = _year(request.args.get("year"))
        held, counting = service.year(year)
        return render_template(
            "calendar/index.html",
            year=year,
            held=held,
            months=[(month, _weeks(year, month, held, counting)) for month in range(1, 13)],
            today=now().date(),
            wards=service.wards(),
            limit_max=LIMIT_DAYS_MAX,
        )

    @pages.post("/calendar/days")
    @needs("calendar.edit")
    def set_day() -> Response | Refused:
        on = request.form.get("on", "")
        no = service.set_day(on, request.form.get("working") == "1", request.form.get("note", ""), actor())
        return no or _there(url_for("calendar.index", year=on[:4]))

    @pages.post("/calendar/wards")
    @needs("calendar.edit")
    def set_ward() -> Response | Refused:
        limit = request.form.get("limit", "")
        days = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 4 else -1
        form = request.form
        no = service.set_ward(form.get("code", ""), form.get("name_zh", ""), form.get("name_en", ""), days, actor())
        return no or _there(url_for("calendar.index"))

    @pages.get("/api/v1/calendar/<int:year>")
    @needs("calendar.edit", "stats.read")
    def api_year(year: int) -> Response | Refused:
        """The days of a year that differ from the plain week, and whether the year is confirmed."""
        if year not in YEARS:
            return Refused("calendar.day")
        held, _ = service.year(year)
        days = {} if held is None else {f"{day // 100:02d}-{day % 100:02d}": on for day, on in held.exceptions.items()}
        return jsonify({"year": year, "confirmed": bool(held and held.confirmed), "days": days})

    @pages.put("/api/v1/calendar/days/<on>")
    @needs("calendar.edit")
    def api_day(on: str) -> Response | Refused:
        """Say what a day is: `working` and a `note`."""
        body = take(parse_json(request), {"working": bool}, {"note": str})
        no = service.set_day(on, body["working"], body.get("note", ""), actor())
        return no or jsonify({"on": on, "working": body["working"]})

    @pages.get("/api/v1/wards")
    @needs("calendar.edit", "record.search")
    def api_wards() -> Response:
        """All wards with their limits in working days."""
        return jsonify({"wards": [_ward(code) for code in service.wards()]})

    @pages.put("/api/v1/wards/<code>")
    @needs("calendar.edit")
    def api_ward(code: str) -> Response | Refused:
        """Name a ward: `name_zh`, `name_en`, `limit_days`."""
        body = take(parse_json(request), {"name_zh": str}, {"name_en": str, "limit_days": int})
        no = service.set_ward(code, body["name_zh"], body.get("name_en", ""), body.get("limit_days", 2), actor())
        return no or jsonify(_ward(code))

    def _ward(code: str) -> dict[str, Any]:
        row = service.wards()[code]
        return {"ward": code, "name_zh": row.name_zh, "name_en": row.name_en, "limit_days": row.limit_days}

    return pages


def _year(asked: str | None) -> int:
    told = int(asked) if asked and asked.isascii() and asked.isdigit() and len(asked) == 4 else now().year
    return told if told in YEARS else now().year


def _weeks(year: int, month: int, held: Year | None, counting: Calendar) -> list[list[Day | None]]:
    weeks = []
    for week in months.Calendar().monthdatescalendar(year, month):
        weeks.append([_day(on, held, counting) if on.month == month else None for on in week])
    return weeks


def _day(on: date, held: Year | None, counting: Calendar) -> Day:
    working, weekday = counting.is_working(on), on.weekday() < 5
    mark = "plain" if working and weekday else "extra" if working else "holiday" if weekday else "rest"
    number = on.month * 100 + on.day
    by_hand = held is not None and number in held.set_by_hand
    return Day(on, working, mark, by_hand, held.notes.get(number, "") if held else "")


def _there(address: str) -> Response:
    answer = redirect(address, 303)
    assert isinstance(answer, Response)
    return answer
