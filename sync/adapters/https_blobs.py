"""Sealed bytes up and down over HTTPS: what is missing, chunk by chunk. Source: protocol way/1, section 7.2."""

from __future__ import annotations

import ssl
from pathlib import Path

from sync.adapters.https_caller import FAULTS, Caller, told
from sync.kernel import canonical
from sync.protocol import frames as framing


class HttpsBlobs:
    """One thread uses it; `cut` may come from any. Calls raise Unavailable for the line, PeerFault for a refusal."""

    def __init__(self, base_url: str, tls: ssl.SSLContext, ca: Path) -> None:
        self._caller = Caller(base_url, tls, ca)

    def want(self, blob: bytes, size_bytes: int) -> bytes:
        """The bitmap of what the hub lacks of a blob."""
        return self._call("POST", f"/blobs/{blob.hex()}/want", canonical.encode({1: size_bytes}))

    def put(self, blob: bytes, n: int, data: bytes, digest: bytes) -> None:
        self._call("PUT", f"/blobs/{blob.hex()}/chunks/{n}?digest={digest.hex()}", data)

    def finish(self, blob: bytes) -> list[bytes]:
        """The hub's signed words about it."""
        return framing.unpack(self._call("POST", f"/blobs/{blob.hex()}/finish", b""))

    def chunk(self, blob: bytes, n: int) -> bytes:
        return self._call("GET", f"/blobs/{blob.hex()}/chunks/{n}")

    def cut(self) -> None:
        """For good: what is under way fails now, later calls fail at once."""
        self._caller.cut()

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            return self._caller.call(method, path, body)
        except FAULTS as fault:
            raise told(fault) from fault
