"""The audit list with filters that stand in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, render_template, request

from hub.features.audit import words
from hub.features.audit.service import Audit
from hub.features.audit.store import PAGE_ROWS, Wanted
from kiosk_ui.kit.rights import needs
from sync.kernel.limits import INT_MAX

Names = Callable[[], Mapping[str, str]]


def make_views(service: Audit, names: Names, nodes: Names) -> Blueprint:
    pages = Blueprint("audit", __name__, template_folder="templates")

    @pages.get("/audit")
    @needs("audit.read")
    def index() -> str:
        wanted = _wanted(request.args)
        lines, total = service.find(wanted)
        return render_template(
            "audit/index.html",
            lines=lines,
            total=total,
            wanted=wanted,
            pages=max(1, -(-total // PAGE_ROWS)),
            kinds=service.kinds(),
            names=names(),
            nodes=nodes(),
            audit_words=words,
        )

    @pages.get("/api/v1/audit")
    @needs("audit.read")
    def api() -> Response:
        """The audit list, newest first; filters `what`, `actor`, `node`, `since_ms`, `until_ms`, `failed=1`, `page`."""
        wanted = _wanted(request.args)
        lines, total = service.find(wanted)
        told = [
            {
                "at_ms": one.at_ms, "actor": one.actor, "node": one.node, "what": one.what, "etype": one.etype,
                "key": one.key, "detail": one.detail, "ok": bool(one.ok), "fact": one.fact,
            }
            for one in lines
        ]  # fmt: skip
        return jsonify({"total": total, "page": wanted.page, "page_rows": PAGE_ROWS, "lines": told})

    return pages


def _wanted(args: Mapping[str, str]) -> Wanted:
    return Wanted(
        what=args.get("what", "")[:64],
        actor=args.get("actor", "")[:32],
        node=args.get("node", "")[:16],
        since_ms=_number(args.get("since_ms")),
        until_ms=_number(args.get("until_ms")),
        failed=args.get("failed") == "1",
        page=max(1, _number(args.get("page")) or 1) if len(args.get("page", "")) < 7 else 1,
    )


def _number(text: str | None) -> int | None:
    if not text or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return min(int(text), INT_MAX)
