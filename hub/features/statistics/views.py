"""Figures on a page that prints, as Excel, and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from hub.features.statistics.service import Figures, Line, Statistics
from hub.features.statistics.sheet import Cell, workbook
from kiosk_ui.kit.locale import gettext as _
from kiosk_ui.kit.rights import needs
from kiosk_ui.kit.screens.words import N_
from sync.kernel.outcome import Refused

SENTENCES = {"statistics.days": N_("日期要写成 2026-11-17，最多看 400 天")}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Names = Callable[[], Mapping[str, str]]


def make_views(service: Statistics, names: Names, wards: Names) -> Blueprint:
    pages = Blueprint("statistics", __name__, template_folder="templates")

    def figures() -> Figures | Refused:
        span = service.span(request.args.get("from", "")[:10], request.args.get("to", "")[:10])
        return span if isinstance(span, Refused) else service.figures(*span)

    @pages.get("/statistics")
    @needs("stats.read")
    def index() -> str | Refused:
        made = figures()
        if isinstance(made, Refused):
            return made
        return render_template("statistics/index.html", figures=made, names=names(), wards=wards())

    @pages.get("/statistics.xlsx")
    @needs("stats.read")
    def sheet() -> Response | Refused:
        made = figures()
        if isinstance(made, Refused):
            return made
        answer = Response(_book(made, names(), wards()), content_type=XLSX)
        answer.headers["Content-Disposition"] = f'attachment; filename="collection-{made.first}-{made.last}.xlsx"'
        return answer

    @pages.get("/api/v1/statistics")
    @needs("stats.read")
    def api() -> Response | Refused:
        """Collected and received by ward, courier and day between `from` and `to`, with the share in time."""
        made = figures()
        if isinstance(made, Refused):
            return made
        return jsonify(
            {
                "from": made.first.isoformat(),
                "to": made.last.isoformat(),
                "calendar_confirmed": made.confirmed,
                "total": _line(made.total),
                "wards": [_line(one) for one in made.wards],
                "couriers": [_line(one) for one in made.couriers],
                "days": [_line(one) for one in made.days],
            }
        )

    return pages


def _line(one: Line) -> dict[str, Any]:
    return {
        "key": one.key,
        "collected": one.collected,
        "judged": one.judged,
        "on_time": one.on_time,
        "on_time_rate": None if one.rate is None else round(one.rate, 1),
        "backfilled": one.backfilled,
        "received": one.received,
        "waiting": one.waiting,
        "late": one.late,
    }


def _book(made: Figures, names: Mapping[str, str], wards: Mapping[str, str]) -> bytes:
    def rate(one: Line) -> Cell:
        return None if one.rate is None else round(one.rate, 1)

    return workbook(
        (
            (
                _("按病区"),
                [_("病区"), _("收回份数"), _("按时份数"), _("按时率 %%"), _("补录"), _("待收"), _("已过期限")],
                [
                    [wards.get(o.key, o.key), o.collected, o.on_time, rate(o), o.backfilled, o.waiting, o.late]
                    for o in made.wards
                ],
            ),
            (
                _("按取件员"),
                [_("取件员"), _("收回份数"), _("按时份数"), _("按时率 %%"), _("补录")],
                [[names.get(o.key, o.key), o.collected, o.on_time, rate(o), o.backfilled] for o in made.couriers],
            ),
            (
                _("按天"),
                [_("日期"), _("收回份数"), _("按时份数"), _("按时率 %%"), _("到病案室")],
                [[o.key, o.collected, o.on_time, rate(o), o.received] for o in made.days],
            ),
        )
    )
