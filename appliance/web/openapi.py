"""The programs' side of this box, described from its own routes: what is not served here is not described."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, current_app

from kiosk_ui.kit.rights import open_to_all

TEXT, WHOLE, TEXTS = {"type": "string"}, {"type": "integer"}, {"type": "array", "items": {"type": "string"}}
TRUTH = {"type": "boolean"}

DOORS: Final[dict[str, tuple[str, dict[str, Any], tuple[str, ...]]]] = {
    "POST /api/v1/session": ("Sign in with badge and PIN; answers a bearer token", {"badge": TEXT, "pin": TEXT}, ()),
    "DELETE /api/v1/session": ("End the session", {}, ()),
    "GET /api/v1/status": ("Line, ledger, feeds, streams and counted refusals", {}, ()),
    "GET /api/v1/events": ("Server-sent events; `topics` names those to hear", {}, ()),
    "GET /api/v1/openapi.json": ("This document", {}, ()),
    "GET /api/v1/wards": ("Wards whose lists are carried, with counts and age", {}, ()),
    "GET /api/v1/due": ("The due list of the ward named by `ward`", {}, ()),
    "POST /api/v1/rounds": ("Begin at a ward, or go on there", {"ward": TEXT}, ()),
    "GET /api/v1/rounds/{key}": ("A round and its scans", {}, ()),
    "POST /api/v1/rounds/{key}/count": ("What two people counted", {"by_hand": WHOLE}, ()),
    "GET /api/v1/rounds/{key}/counts": ("The three counts and the differences", {}, ()),
    "POST /api/v1/rounds/{key}/confirm": ("The ward nurse's badge closes the round", {"badge": TEXT}, ()),
    "POST /api/v1/rounds/{key}/receipt": ("Another receipt, marked as a copy", {}, ()),
    "POST /api/v1/scans": ("Judge and keep one code", {"code": TEXT, "device": TEXT}, ("device",)),
    "POST /api/v1/scans/hand": ("A number typed, confirmed by initials", {"code": TEXT, "initials": TEXT}, ()),
    "POST /api/v1/scans/tick": ("Take a record by its line on the list of the ward at hand", {"stay": TEXT}, ()),
    "POST /api/v1/scans/choose": ("Take one of the choices of a scan", {"code": TEXT, "stay": TEXT}, ()),
    "POST /api/v1/scans/backfill": ("Written up later, with its time", {"code": TEXT, "at_ms": WHOLE}, ()),
    "POST /api/v1/scans/undo": ("Take the newest own scan back", {}, ()),
    "POST /api/v1/scans/reason": ("Answer a warning",
                                  {"stay": TEXT, "fact": TEXT, "reason": TEXT, "note": TEXT}, ("note",)),
    "POST /api/v1/scans/put-back": ("A warned record goes back to the ward", {"stay": TEXT, "fact": TEXT}, ()),
    "POST /api/v1/scans/correct": ("It was another record; both are kept",
                                   {"stay": TEXT, "fact": TEXT, "to": TEXT, "reason": TEXT}, ()),
    "GET /api/v1/carry": ("Sticks that are there, and the carry under way or the last one", {}, ()),
    "POST /api/v1/carry/out": ("Write everything for the centre to a stick", {"place": TEXT}, ()),
    "POST /api/v1/carry/in": ("Take in the centre's answers from a stick", {"place": TEXT}, ()),
    "POST /api/v1/carry/stop": ("Stop the carry under way", {}, ()),
    "POST /api/v1/rebuild": ("A receipt's code, or a picture of the slip as body", {"code": TEXT}, ()),
    "GET /api/v1/handins": ("Rounds that wait and hand-ins", {}, ()),
    "POST /api/v1/handins": ("A courier stands at the counter", {"courier": TEXT, "rounds": TEXTS}, ()),
    "GET /api/v1/handins/{key}": ("A hand-in and its records", {}, ()),
    "POST /api/v1/handins/{key}/scan": ("One code at the counter", {"code": TEXT}, ()),
    "POST /api/v1/handins/{key}/hand": ("A number typed at the counter", {"code": TEXT}, ()),
    "POST /api/v1/handins/{key}/choose": ("Take one of the choices", {"code": TEXT, "stay": TEXT}, ()),
    "POST /api/v1/handins/{key}/close": ("Close the counter; what is missing becomes a question", {}, ()),
    "POST /api/v1/handins/undo": ("The newest reception goes back", {}, ()),
    "GET /api/v1/anomalies": ("Questions nobody has settled", {}, ()),
    "POST /api/v1/anomalies/settle": ("Say what is true",
                                      {"stay": TEXT, "id": TEXT, "outcome": TEXT, "note": TEXT}, ("note",)),
    "POST /api/v1/labels": ("A cover label by number or by stay", {"number": TEXT, "stay": TEXT}, ("number", "stay")),
    "GET /api/v1/paper": ("Paper that waits, is in doubt, or was printed", {}, ()),
    "GET /api/v1/paper/{job}": ("One paper, and of a document how many sides surely came out", {}, ()),
    "POST /api/v1/paper/trial": ("A test page, slip or label through the ledger", {"printer": TEXT}, ()),
    "POST /api/v1/paper/{job}/decide": (
        "Whether a doubtful paper came out: printed, again, or (documents) rest",
        {"decision": TEXT},
        (),
    ),
    "GET /api/v1/devices": ("Devices, how they are, and what a gun said last without what it read", {}, ()),
    "POST /api/v1/devices/switch": ("Switch a device off or on", {"name": TEXT, "on": TRUTH}, ()),
    "POST /api/v1/devices/pair": ("Open a pairing: the gun that scans the code gets the name", {"name": TEXT},
                                  ("name",)),
    "POST /api/v1/devices/unpair": ("Let a paired gun go", {"name": TEXT}, ()),
    "POST /api/v1/devices/trial": ("Try a device: one page, picture, sentence, signature or press, kept nowhere",
                                   {"name": TEXT}, ()),
    "POST /api/v1/devices/trial/look": ("How that trial stands, for who began it", {"name": TEXT}, ()),
    "POST /api/v1/devices/trial/stop": ("Stop a trial, or forget what came of it", {"name": TEXT}, ()),
    "GET /api/v1/identity/readers": ("Readers of identity documents, how they are, the newest reading masked", {}, ()),
    "POST /api/v1/identity/readings": ("Wait for a document at a reader; one at a time",
                                       {"reader": TEXT, "wait_s": WHOLE}, ("reader", "wait_s")),
    "GET /api/v1/identity/readings/{key}": ("A reading, for who began it; `wait_s` waits for its end", {}, ()),
    "DELETE /api/v1/identity/readings/{key}": ("Stop waiting, or forget what was read", {}, ()),
    "POST /api/v1/identity/recognise": ("Which document a typed number or a zone is of", {"text": TEXT}, ()),
}  # fmt: skip
"""Method and path to (what it does, members of the body, those that may be left out)."""


def make_openapi(software: str) -> Blueprint:
    api = Blueprint("openapi", __name__)

    @api.get("/api/v1/openapi.json")
    @open_to_all("a description of doors, which opens none")
    def describe() -> Any:
        return document(software)

    return api


def document(software: str) -> dict[str, Any]:
    """OpenAPI 3.1 of the doors that this box serves."""
    paths: dict[str, Any] = {}
    for rule in current_app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/"):
            continue
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        rights = getattr(current_app.view_functions[rule.endpoint], "__way_right__", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _door(f"{method} {path}", sorted(rights or ()))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Waystation appliance", "version": software.rpartition(" ")[2]},
        "components": {"securitySchemes": {"session": {"type": "http", "scheme": "bearer"}}},
        "paths": dict(sorted(paths.items())),
    }


def _door(name: str, rights: list[str]) -> dict[str, Any]:
    summary, members, optional = DOORS[name]
    problem = {"description": "A problem document with a code", "content": {"application/problem+json": {}}}
    door: dict[str, Any] = {"summary": summary, "responses": {"2XX": {"description": "Done"}, "4XX": problem}}
    if rights:
        door["security"] = [{"session": []}]
        door["x-rights"] = rights
    if members:
        shape = {
            "type": "object",
            "properties": members,
            "required": [each for each in members if each not in optional],
            "additionalProperties": False,
        }
        door["requestBody"] = {"content": {"application/json": {"schema": shape}}}
    if "{" in name:
        told = re.findall(r"\{(\w+)\}", name)
        door["parameters"] = [{"name": each, "in": "path", "required": True, "schema": TEXT} for each in told]
    return door
