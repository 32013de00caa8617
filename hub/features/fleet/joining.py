"""Joining at the machines' door: a new machine has no certificate yet, so these two pages ask for none.

The screens have them, too, for a machine beside the hub; here they stand behind the site's own TLS, which a card may
name across a network.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from hub.features.fleet.service import Fleet
from hub.link.sync_api import answers_faults, problem
from provisioning.trust.enrol import MEDIA_TYPE, REQUEST_BYTES_MAX
from sync.kernel.outcome import Refused

AUTHORITY = "/api/v1/enrol/ca"
ENROL = "/api/v1/enrol"
_READ_BYTES_MAX = 1024 * 1024
"""Read before it is refused: an answer to a body that nobody takes is lost with the connection."""


def make_joining(service: Fleet) -> Blueprint:
    """The blueprint, for the server that demands client certificates but for these two paths."""
    pages = Blueprint("joining", __name__)

    @pages.get(AUTHORITY)
    def authority() -> Response:
        return Response(service.authority_pem(), mimetype="application/x-pem-file")

    @pages.post(ENROL)
    def enrol() -> Response:
        if (request.content_length or 0) > _READ_BYTES_MAX:
            return problem(413, "body.too-large")
        raw = request.get_data(cache=False)
        if len(raw) > REQUEST_BYTES_MAX:
            return problem(413, "body.too-large")
        answer = service.enrol(raw)
        return problem(409, answer.code) if isinstance(answer, Refused) else Response(answer, mimetype=MEDIA_TYPE)

    answers_faults(pages)
    return pages
