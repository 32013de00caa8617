"""Blobs over HTTPS, beside the other routes of the sync door.

`POST blobs/{id}/want` {1: size in bytes} gives the bitmap of missing chunks; `PUT blobs/{id}/chunks/{n}` takes one with
its hash as `digest`; `POST blobs/{id}/finish` gives a signed acknowledgement. Source: protocol way/1, 7.2.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from hub.link.blob_desk import BlobDesk
from sync.adapters.sqlite_log.hub_store import NodeRow
from sync.kernel.canonical import decode
from sync.kernel.limits import BLOB_CHUNK_BYTES
from sync.kernel.outcome import PeerFault
from sync.protocol.blob import ID_BYTES
from sync.protocol.fields import COUNT, Fields

BYTES = "application/octet-stream"
_WANT_BYTES_MAX = 64
_READ_BYTES_MAX = 2 * BLOB_CHUNK_BYTES


def add_blobs(
    pages: Blueprint, member: Callable[[], NodeRow], desk: BlobDesk, answer: Callable[[bytes], Response]
) -> None:
    """`member()` names the caller or ends the request; `answer` makes the response of the other routes."""

    @pages.post("/blobs/<name>/want")
    def want(name: str) -> Response:
        row, blob = member(), _hex(name)
        told = Fields(decode(_body(_WANT_BYTES_MAX)), "blob.want")
        return Response(desk.want(row, blob, told.one(1, COUNT)), mimetype=BYTES)

    @pages.put("/blobs/<name>/chunks/<int:n>")
    def put(name: str, n: int) -> Response:
        member()
        desk.put(_hex(name), n, _body(BLOB_CHUNK_BYTES), _hex(request.args.get("digest", "")))
        return Response(status=204)

    @pages.post("/blobs/<name>/finish")
    def finish(name: str) -> Response:
        return answer(desk.finish(member(), _hex(name)))

    @pages.get("/blobs/<name>/chunks/<int:n>")
    def chunk(name: str, n: int) -> Response:
        data = desk.chunk(member(), _hex(name), n)
        if data is None:
            raise PeerFault("blob.not-for-you")
        return Response(data, mimetype=BYTES)


def _hex(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != ID_BYTES or found.hex() != text:
        raise PeerFault("blob.name")
    return found


def _body(bytes_max: int) -> bytes:
    length = request.content_length
    if length is None or length > _READ_BYTES_MAX:
        raise PeerFault("blob.too-big")
    # Read before it is refused: an answer to a body that nobody takes is lost with the connection.
    body = request.get_data(cache=False)
    if len(body) > bytes_max:
        raise PeerFault("blob.too-big")
    return body
