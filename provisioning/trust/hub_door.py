"""Carrying an enrolment request to the hub before any trust exists, except for what the card says.

`GET {url}/api/v1/enrol/ca` brings the root (PEM), which must match the card's pin; then the request goes to
`POST {url}/api/v1/enrol` over TLS that believes this root alone.
"""

from __future__ import annotations

import http.client
import json
import ssl
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization

from provisioning.trust.ca import pin_of, read_certificate
from provisioning.trust.cards import Card, may_carry_token
from provisioning.trust.enrol import ANSWER_BYTES_MAX
from sync.kernel.outcome import PeerFault, Refused, Unavailable

CONTENT_TYPE = "application/vnd.way1.enrol"
_WAIT_S = 15.0
_RETRY_S = 5.0


def ask_hub(card: Card, request: bytes) -> bytes | Refused:
    """Try the card's addresses in order. Raises Unavailable `hub.unreachable`, PeerFault `enrol.*`.

    An address that answers with another authority ends the attempt: somebody stands in between.
    """
    for url in card.urls:
        try:
            return _ask(url, card, request)
        except (OSError, http.client.HTTPException):
            continue
    raise Unavailable("hub.unreachable", retry_s=_RETRY_S)


def _ask(url: str, card: Card, request: bytes) -> bytes | Refused:
    assert may_carry_token(url), "a token never crosses a network in clear"
    unproven = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unproven.check_hostname = False
    unproven.verify_mode = ssl.CERT_NONE
    status, pem = _call(url, "GET", "/api/v1/enrol/ca", None, unproven)
    if status == 503:
        raise Unavailable("hub.unreachable", retry_s=_RETRY_S)
    root = read_certificate(pem)
    if pin_of(root) != card.pin:
        raise PeerFault("enrol.pin")
    proven = ssl.create_default_context(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    status, answer = _call(url, "POST", "/api/v1/enrol", request, proven)
    if status == 200:
        return answer
    if status == 503:
        raise Unavailable("hub.unreachable", retry_s=_RETRY_S)
    return _refusal(answer)


def _call(url: str, method: str, path: str, body: bytes | None, tls: ssl.SSLContext) -> tuple[int, bytes]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    link: http.client.HTTPConnection
    if parts.scheme == "https":
        link = http.client.HTTPSConnection(host, parts.port, timeout=_WAIT_S, context=tls)
    else:
        link = http.client.HTTPConnection(host, parts.port, timeout=_WAIT_S)
    try:
        headers = {"Content-Type": CONTENT_TYPE} if body is not None else {}
        link.request(method, parts.path.rstrip("/") + path, body, headers)
        answer = link.getresponse()
        data = answer.read(ANSWER_BYTES_MAX + 1)
        if len(data) > ANSWER_BYTES_MAX:
            raise PeerFault("enrol.answer", "too long")
        return answer.status, data
    finally:
        link.close()


def _refusal(answer: bytes) -> Refused:
    """The code of a problem document (RFC 9457)."""
    try:
        code = json.loads(answer)["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PeerFault("enrol.answer") from None
    if type(code) is not str or len(code) > 64:
        raise PeerFault("enrol.answer")
    return Refused(code)
