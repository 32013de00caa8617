"""Leases for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from hub.features.leases.service import Leases
from hub.features.leases.views import actor
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.rights import needs
from sync.adapters.leases.hub_tables import Review
from sync.kernel.outcome import Refused


def make_api(service: Leases) -> Blueprint:
    api = Blueprint("leases_api", __name__, url_prefix="/api/v1")

    @api.get("/nodes/<node>/leases")
    @needs("fleet.manage")
    def leases(node: str) -> Response:
        """What a machine holds, what it asks for, and what nobody has looked at yet."""
        return _section(node)

    @api.post("/nodes/<node>/leases")
    @needs("fleet.manage")
    def grant(node: str) -> Response | Refused:
        """Grant reads, prints or break-glass: `kind` read, print or glass, `resource`, `units`, `hours`, `purpose`."""
        body = take(
            parse_json(request),
            {"kind": str, "resource": str, "units": int, "hours": int, "purpose": str},
            {"offline_hours": int},
        )
        offline = body.get("offline_hours", body["hours"])
        wish = (body["kind"], body["resource"], body["units"], body["hours"], offline, body["purpose"])
        return service.grant(node, *wish, actor()) or _section(node)

    @api.post("/leases/<lease>/<act>")
    @needs("fleet.manage")
    def act(lease: str, act: str) -> Response | Refused:
        """`agree` or `refuse` what a machine asks for, or `void` a lease."""
        acts = {"agree": service.agree, "refuse": service.refuse, "void": service.void}
        if act not in acts:
            return Refused("lease.unknown")
        done = acts[act](lease, actor())
        return done if isinstance(done, Refused) else _section(done)

    def _section(node: str) -> Response:
        section = service.section(node)
        return jsonify(
            {
                "leases": [asdict(line) for line in section.lines],
                "asked": [asdict(line) for line in section.asked],
                "reviews": [_review(review) for review in section.reviews],
            }
        )

    return api


def _review(review: Review) -> dict[str, Any]:
    return {**asdict(review), "lease": review.lease.hex()}
