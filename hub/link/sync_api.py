"""The sync door over HTTPS. Who calls is said by the client certificate, and by nothing in the request.

Source: protocol way/1, sections 4.8, 4.10, 6.6, 6.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from hub.link.blob_api import add_blobs
from hub.link.blob_desk import BlobDesk
from hub.link.door import Door, Offer
from hub.link.feed_desk import FeedDesk
from hub.link.greeting import is_too_old
from hub.link.post import Post
from sync.adapters import bugs
from sync.adapters.sqlite_log import hub_history
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.kernel.ids import LANES, NODE_PATTERN, StreamId
from sync.kernel.limits import FRAMES_BYTES_MAX, FRAMES_MAX, INT_MAX, LONG_POLL_S
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import frames, message

CARRIER = "https"
ROOT = "/api/v1/sync"
RENEW = f"{ROOT}/renew"
"""The one page for callers without a certificate."""
_INCARNATION = re.compile(r"[0-7][0-9a-f]{15}")
_READ_BYTES_MAX = 2 * FRAMES_BYTES_MAX
_NO_DOOR = {404: "page.unknown", 405: "method.unknown"}


class _Refusal(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def sync_api(
    store: HubStore,
    door: Door,
    desk: FeedDesk,
    post: Post,
    *,
    blobs: BlobDesk | None = None,
    caller: Callable[[], str | None] | None = None,
) -> Blueprint:
    """The blueprint, to be mounted on the server that demands client certificates, without prefix.

    `caller` names the node of the request; by default the certificate's common name as the server's TLS layer gives it.
    """
    pages = Blueprint("sync_api", __name__, url_prefix=ROOT)
    who = caller or (lambda: request.environ.get("SSL_CLIENT_S_DN_CN"))

    def node_of_caller() -> str:
        name = who()
        if name is None or not NODE_PATTERN.fullmatch(name):
            raise _Refusal(401, "certificate-missing")
        return name

    def member() -> NodeRow:
        row = store.node_row(node_of_caller())
        if row is None:
            raise _Refusal(403, "node-unknown")
        if row.state in ("revoked", "closed"):
            raise _Refusal(403, "node-revoked")
        return row

    def reader() -> NodeRow:
        """A member that feeds are served to: what a machine of too old a schema would make of them, nobody knows."""
        row = member()
        if is_too_old(store, row.node):
            raise _Refusal(403, "node-too-old")
        return row

    def holder_of(label: str) -> NodeRow:
        row = reader()
        if label not in row.scopes:
            raise _Refusal(403, "scope-not-held")
        return row

    @pages.post("/messages")
    def messages() -> Response:
        node = node_of_caller()
        offered = frames.unpack(_body())
        outcome = door.receive_many([Offer(raw, CARRIER, node) for raw in offered])
        for other, turn in outcome.turns:
            post.deliver(other, [turn])
        answers = outcome.answers.get(node, [])
        refused = [code for code in outcome.refused if code is not None]
        if refused and len(refused) == len(offered) and not answers:
            raise PeerFault(refused[0])
        return _frames(answers)

    @pages.post("/renew")
    def renew() -> Response:
        """For a machine whose certificate is over: nobody but its message's signature says who asks."""
        offered = frames.unpack(_body())
        if len(offered) != 1 or message.parse_short_header(offered[0]).type not in (message.RENEW, message.CERTIFY):
            raise PeerFault("message.unexpected")
        outcome = door.receive_many([Offer(offered[0], CARRIER, None)])
        for code in outcome.refused:
            if code is not None:
                raise PeerFault(code)
        return _frames([answer for answers in outcome.answers.values() for answer in answers])

    @pages.get("/down")
    def down() -> Response:
        row = member()
        wait_s = request.args.get("wait", 0.0, type=float)
        waited = max(0.0, min(LONG_POLL_S, wait_s)) if wait_s == wait_s else 0.0
        answers, moved = post.wait(row.node, frozenset(row.scopes), waited)
        if moved:
            answers.append(desk.head_message(row.node, sorted(moved)))
        return _frames(answers[:FRAMES_MAX])

    @pages.get("/heads")
    def heads() -> Response:
        row = reader()
        return _raw(desk.head_message(row.node, row.scopes))

    @pages.get("/feeds/<label>/<int:epoch>/<int:first>")
    def feeds(label: str, epoch: int, first: int) -> Response:
        holder_of(label)
        if not 1 <= first <= INT_MAX:
            raise _Refusal(404, "segment-unknown")
        return _raw(desk.segment(label, epoch, first))

    @pages.get("/feeds/<label>/manifest")
    def manifest(label: str) -> Response:
        holder_of(label)
        return _raw(desk.manifest(label))

    @pages.get("/feeds/<label>/<int:epoch>/snap-<int:sseq>/<int:k>")
    def snapshot(label: str, epoch: int, sseq: int, k: int) -> Response:
        holder_of(label)
        if max(epoch, sseq, k) > INT_MAX:
            raise _Refusal(404, "snapshot-unknown")
        return _frames(desk.snapshot(label, epoch, sseq, k))

    @pages.post("/feeds/<label>/repair")
    def repair(label: str) -> Response:
        row = holder_of(label)
        return _frames(desk.repair(row, label, _body()))

    @pages.get("/streams/<incarnation>/<int:lane>/<int:first>")
    def streams(incarnation: str, lane: int, first: int) -> Response:
        """A node's own facts, for a disk that lost them; nobody else's."""
        row = member()
        if not _INCARNATION.fullmatch(incarnation) or lane not in LANES or not 1 <= first <= INT_MAX:
            raise _Refusal(404, "stream-unknown")
        with store.read() as conn:
            page = hub_history.page(conn, StreamId(row.node, int(incarnation, 16), lane), first)
        return _raw(b"" if page is None else page.pack())

    if blobs is not None:
        add_blobs(pages, member, blobs, lambda message: _frames([message]))

    @pages.errorhandler(_Refusal)
    def refusal(no: _Refusal) -> Response:
        return problem(no.status, no.code)

    answers_faults(pages)

    @pages.app_errorhandler(HTTPException)
    def no_such_door(no: HTTPException) -> Response:
        """An address or a method that is none: the same form of answer as every other refusal."""
        status = no.code or 400
        return problem(status, _NO_DOOR.get(status, "request.broken"))

    @pages.app_errorhandler(Exception)
    def unexpected(bug: Exception) -> Response:
        bugs.note("sync-door", bug)
        return problem(500, "incident")

    return pages


def _body() -> bytes:
    length = request.content_length
    if length is None:
        raise _Refusal(411, "length-required")
    if length > _READ_BYTES_MAX:
        raise _Refusal(413, "frames.too-big")
    # Read before it is refused: an answer to a body that nobody takes is lost with the connection.
    return request.get_data(cache=False)


def _frames(messages: list[bytes]) -> Response:
    if not messages:
        return Response(status=204)
    return _raw(frames.pack(messages))


def _raw(data: bytes) -> Response:
    return Response(data, mimetype=frames.MEDIA_TYPE) if data else Response(status=204)


def answers_faults(pages: Blueprint) -> None:
    """What is wrong with a request, and what is away, told by code to whoever calls at the machines' door."""

    @pages.errorhandler(PeerFault)
    def peer_fault(fault: PeerFault) -> Response:
        return problem(413 if fault.code.endswith("too-big") else 422, fault.code)

    @pages.errorhandler(Unavailable)
    def unavailable(fault: Unavailable) -> Response:
        answer = problem(503, fault.code)
        answer.headers["Retry-After"] = str(max(1, round(fault.retry_s)))
        return answer


def problem(status: int, code: str) -> Response:
    """RFC 9457; the code says all that may be said."""
    answer = jsonify({"type": f"urn:waystation:problem:{code}", "title": code, "status": status, "code": code})
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer
