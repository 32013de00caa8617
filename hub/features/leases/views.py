"""What an administrator does about leases; they are seen on their machine's page."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for

from hub.features.leases import words
from hub.features.leases.service import Leases
from kiosk_ui.kit.rights import current_principal, needs
from sync.kernel.outcome import Refused


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def make_views(service: Leases) -> Blueprint:
    pages = Blueprint("leases", __name__, template_folder="templates")

    @pages.app_context_processor
    def said() -> dict[str, object]:
        return {"lease_words": words}

    @pages.post("/machines/<node>/leases")
    @needs("fleet.manage")
    def grant(node: str) -> Response | Refused:
        """Grant a machine reads, prints or break-glass."""
        form = request.form
        refused = service.grant(
            node,
            form.get("kind", ""),
            form.get("resource", "").strip(),
            form.get("units", 0, type=int),
            form.get("hours", 0, type=int),
            form.get("offline_hours", 0, type=int),
            form.get("purpose", ""),
            actor(),
        )
        return refused or _there(node)

    @pages.post("/leases/<lease>/agree")
    @needs("fleet.manage")
    def agree(lease: str) -> Response | Refused:
        return _after(service.agree(lease, actor()))

    @pages.post("/leases/<lease>/refuse")
    @needs("fleet.manage")
    def refuse(lease: str) -> Response | Refused:
        return _after(service.refuse(lease, actor()))

    @pages.post("/leases/<lease>/void")
    @needs("fleet.manage")
    def void(lease: str) -> Response | Refused:
        return _after(service.void(lease, actor()))

    @pages.post("/machines/<node>/leases/looked")
    @needs("fleet.manage")
    def looked(node: str) -> Response | Refused:
        """Somebody looked at one thing of the list."""
        return service.looked(request.form.get("about", ""), request.form.get("code", ""), actor()) or _there(node)

    return pages


def _after(done: str | Refused) -> Response | Refused:
    return done if isinstance(done, Refused) else _there(done)


def _there(node: str) -> Response:
    answer = redirect(url_for("fleet.machine", node=node), 303)
    assert isinstance(answer, Response)
    return answer
