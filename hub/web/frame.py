"""What stands around every page of the hub: the strip about all machines, and the navigation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, request

from kiosk_ui.kit.locale import gettext as _
from kiosk_ui.kit.rights import current_principal, may
from kiosk_ui.kit.screens.words import N_

ITEMS = (
    ("/", "layout-dashboard", N_("总览"), "settings.read"),
    ("/records", "folder-search", N_("病案"), "record.search"),
    ("/imports", "file-up", N_("名单导入"), "list.import"),
    ("/questions", "git-compare-arrows", N_("要人定"), "anomaly.settle"),
    ("/machines", "server", N_("各台机器"), "settings.read"),
    ("/statistics", "chart-column", N_("统计"), "stats.read"),
    ("/calendar", "calendar-days", N_("日历与病区"), "calendar.edit"),
    ("/people", "users", N_("人员与权限"), "people.manage"),
    ("/audit", "scroll-text", N_("审计"), "audit.read"),
)
ROLE_WORDS = {
    "courier": N_("取件员"),
    "nurse": N_("病区护士"),
    "clerk": N_("病案室"),
    "administrator": N_("中心管理员"),
    "auditor": N_("审计员"),
}


@dataclass(frozen=True, slots=True)
class Strip:
    """All machines in a line: how many there are, by state."""

    machines: int
    online: int
    silent: int
    never: int
    trouble: int
    at_ms: int


def install(app: Flask, strip: Callable[[], Strip], questions: Callable[[], int]) -> None:
    """Give every template `hub_strip` and `nav_items`."""

    @app.context_processor
    def frame() -> dict[str, Any]:
        return {"hub_strip": strip(), "nav_items": _items(questions), "nav_role": _role()}


def _items(questions: Callable[[], int]) -> list[tuple[str, str, str, int, bool]]:
    found = []
    for href, icon, text, right in ITEMS:
        if may(right):
            here = request.path == href or (href != "/" and request.path.startswith(href + "/"))
            found.append((href, icon, _(text), questions() if href == "/questions" else 0, here))
    return found


def _role() -> str:
    principal = current_principal()
    return "" if principal is None else " · ".join(_(ROLE_WORDS[role]) for role in sorted(principal.roles))
