"""Machines for programs, and the desk where a new one shows its card."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from hub.features.fleet.ledger import Ledger
from hub.features.fleet.service import Fleet, Machine
from hub.features.fleet.views import actor, stream_of, wards_of
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.rights import body_max, machine_door, needs
from provisioning.trust.cards import card_text
from provisioning.trust.enrol import MEDIA_TYPE, REQUEST_BYTES_MAX
from sync.adapters.sqlite_log.hub_orders import Loss
from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import Refused


def make_api(service: Fleet) -> Blueprint:
    api = Blueprint("fleet_api", __name__, url_prefix="/api/v1")

    @api.get("/nodes")
    @needs("settings.read", "stats.read")
    def nodes() -> Response:
        """All machines with their books: produced = received + waiting, per machine and stream."""
        overview = service.overview()
        return jsonify(
            {
                "ledger": _ledger(overview.total),
                "digest_lag": service.lag(),
                "counts": overview.counts,
                "nodes": [_machine(one) for one in overview.machines],
            }
        )

    @api.get("/nodes/<node>")
    @needs("settings.read", "stats.read")
    def node(node: str) -> Response:
        """One machine."""
        found = service.machine(node)
        if found is None:
            raise NotFound
        return jsonify(_machine(found))

    @api.post("/nodes/<node>/wards")
    @needs("fleet.manage")
    def wards(node: str) -> Response | Refused:
        """Which wards' lists a courier's machine carries."""
        body = take(parse_json(request), {"wards": list})
        return service.set_scopes(node, [str(one) for one in body["wards"]], actor()) or _one(node)

    @api.post("/nodes/<node>/lineage")
    @needs("fleet.manage")
    def lineage(node: str) -> Response | Refused:
        """Say what a rewound machine's second past was: `verdict` restored or copied."""
        body = take(parse_json(request), {"verdict": str})
        return service.acts.judge(node, body["verdict"], actor()) or _one(node)

    @api.post("/nodes/<node>/hold")
    @needs("fleet.manage")
    def hold(node: str) -> Response | Refused:
        """Take nothing more from a machine for now (`freeze` true), or go on (false)."""
        body = take(parse_json(request), {"freeze": bool})
        return service.acts.hold(node, actor(), freeze=body["freeze"]) or _one(node)

    @api.post("/nodes/<node>/renew-key")
    @needs("fleet.manage")
    def renew_key(node: str) -> Response | Refused:
        """Have a machine change its signing key at its next greeting."""
        take(parse_json(request), {})
        return service.acts.renew_key(node, actor()) or _one(node)

    @api.post("/nodes/<node>/thaw")
    @needs("fleet.manage")
    def thaw(node: str) -> Response | Refused:
        """End a stopped `stream` (incarnation in hex/lane): `choice` reissue, or discard with a `reason`."""
        body = take(parse_json(request), {"stream": str, "choice": str}, {"reason": str})
        place = stream_of(body["stream"])
        if place is None:
            return Refused("stream.not-stopped")
        return service.acts.thaw(node, *place, body["choice"], body.get("reason", ""), actor()) or _one(node)

    @api.post("/nodes/<node>/losses")
    @needs("fleet.manage")
    def report_loss(node: str) -> Response | Refused:
        """Sign that what this machine no longer has will never come, with a `reason`."""
        body = take(parse_json(request), {"reason": str})
        return service.acts.report_loss(node, body["reason"], actor()) or _one(node)

    @api.post("/nodes/<node>/late")
    @needs("fleet.manage")
    def late(node: str) -> Response | Refused:
        """Let what came after a machine was shut out count: `stream` (incarnation in hex/lane), `upto`, `reason`."""
        body = take(parse_json(request), {"stream": str, "upto": int, "reason": str})
        place = stream_of(body["stream"])
        if place is None:
            return Refused("stream.nothing-late")
        done = service.late.let_count(node, *place, body["upto"], body["reason"], actor())
        return done if isinstance(done, Refused) else jsonify({**_machine_of(node), "taken": done})

    @api.get("/losses")
    @needs("settings.read", "stats.read")
    def losses() -> Response:
        """Every run of facts that is missing by an operator's word: the whole list of what was lost."""
        return jsonify({"losses": [_loss(one) for one in service.acts.losses()]})

    @api.post("/nodes/<node>/revoke")
    @needs("fleet.manage")
    def revoke(node: str) -> Response | Refused:
        """Shut a machine out, for good."""
        body = take(parse_json(request), {"reason": str})
        return service.revoke(node, body["reason"], actor()) or _one(node)

    @api.post("/nodes/<node>/close")
    @needs("fleet.manage")
    def close(node: str) -> Response | Refused:
        """End a machine whose disk was copied, once both halves have sent all they told of."""
        take(parse_json(request), {})
        return service.close(node, actor()) or _one(node)

    def _one(node: str) -> Response:
        return jsonify(_machine_of(node))

    def _machine_of(node: str) -> dict[str, Any]:
        found = service.machine(node)
        assert found is not None
        return _machine(found)

    @api.post("/cards")
    @needs("fleet.manage")
    def cards() -> tuple[Response, int] | Refused:
        """Make a one-time card, told once: `role` courier or records, `name`, `wards`."""
        body = take(parse_json(request), {"role": str, "name": str}, {"wards": list})
        wanted = [str(one) for one in body.get("wards", [])]
        card = service.new_card(body["role"], body["name"], wanted, actor())
        if isinstance(card, Refused):
            return card
        return jsonify({"card": card_text(card), "expires_s": card.expires_s, "site": card.site}), 201

    @api.post("/hub-key")
    @needs("fleet.manage")
    def hub_key() -> tuple[Response, int] | Refused:
        """Another signing key of the hub's: from the beginning of the day `from`, else the first that is possible."""
        body = take(parse_json(request), {}, {"from": str})
        done = service.own_key.order(body.get("from", ""), actor())
        if isinstance(done, Refused):
            return done
        return jsonify({"key": done.key_id.hex(), "from": done.on.isoformat(), "trust_version": done.version}), 201

    @api.get("/enrol/ca")
    @machine_door("a certificate is public; a new machine compares it with its card's pin")
    def authority() -> Response:
        """The site's root certificate (PEM)."""
        return Response(service.authority_pem(), mimetype="application/x-pem-file")

    @api.post("/enrol")
    @machine_door("the one-time card's token binds the request; the answer is signed by the site's root")
    @body_max(REQUEST_BYTES_MAX)
    def enrol() -> Response | Refused:
        """A new machine's request (CBOR), answered with its identity (CBOR)."""
        answer = service.enrol(request.get_data(cache=False))
        return answer if isinstance(answer, Refused) else Response(answer, mimetype=MEDIA_TYPE)

    @api.post("/stick")
    @needs("fleet.manage")
    @body_max(STICK_BYTES_MAX)
    def stick() -> Response:
        """A stick file (`.way`) carried here; answered with the file to carry back."""
        return Response(service.stick(request.get_data(cache=False), actor()), mimetype="application/octet-stream")

    return api


def _loss(one: Loss) -> dict[str, Any]:
    return {
        "node": one.node,
        "incarnation": f"{one.incarnation:016x}",
        "lane": one.lane,
        "first": one.first,
        "last": one.last,
        "why": one.why,
        "reason": one.reason,
        "signed_at_ms": one.signed_at,
        "signed_by": one.signed_by,
    }


def _ledger(books: Ledger) -> dict[str, Any]:
    return {
        "produced": books.produced,
        "received": books.received,
        "waiting": books.waiting,
        "missing": books.missing,
        "first_missing": books.first_missing,
        "rejected": books.rejects,
        "equal": books.missing == 0 and books.waiting == 0,
    }


def _machine(one: Machine) -> dict[str, Any]:
    streams = [
        {
            "incarnation": f"{line.incarnation:016x}",
            "lane": line.lane,
            "told": line.told,
            "received": line.received,
            "missing": line.missing,
            "frozen": line.frozen,
            "rejects": line.rejects,
        }
        for line in one.ledger.streams
    ]
    return {
        "node": one.row.node,
        "name": one.row.name,
        "role": one.row.role,
        "backlog_bytes": one.backlog_bytes,
        "free_mib": one.free_mib,
        "state": one.state,
        "seen_at_ms": one.row.seen_at or None,
        "hello_at_ms": one.row.hello_at or None,
        "carrier": one.row.carrier,
        "wards": wards_of(one),
        "scopes": list(one.row.scopes),
        "ledger": _ledger(one.ledger),
        "streams": streams,
        "devices": [asdict(each) for each in (() if one.hello is None else one.hello.devices)],
        "forks": [
            {
                "incarnation": f"{fork.incarnation:016x}",
                "line": fork.line,
                "why": fork.why,
                "found_at_ms": fork.found_at >> 16,
                "verdict": fork.verdict,
            }
            for fork in one.forks
        ],
    }
