"""The thread that carries sealed bytes up: one blob at a time, previews first, never faster than it may.

It asks what is missing, sends that and nothing else, and stops where the line stops. A blob that the hub refuses holds
nobody up: its turn comes again after all others. What the hub answers is passed to
the link: only its signature frees anything. Source: protocol way/1, section 7.2.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from sync.adapters import bugs
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs, Waiting
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol.blob import chunks_of, missing_in

AGAIN_S_MIN, AGAIN_S_MAX = 1.0, 60.0
ASK_AGAIN_S = 60.0
"""How long an accepted blob waits for its signature before the hub is asked about it once more."""
SAFE_EVERY_S = 6 * 3600.0
SAFE_TOGETHER = 200
"""Blobs asked about at one time whether their bytes may go here: those of the longest ago."""
LOST = frozenset({"blob.id", "blob.unasked"})
"""What a hub says of a blob that it does not hold."""
STOP_S_MAX = 0.5


class HubBlobs(Protocol):
    """The hub's side of a blob. Calls raise Unavailable when the line does not answer, PeerFault for a refusal."""

    def want(self, blob: bytes, size_bytes: int) -> bytes: ...

    def put(self, blob: bytes, n: int, data: bytes, digest: bytes) -> None: ...

    def finish(self, blob: bytes) -> list[bytes]: ...

    def cut(self) -> None: ...


class BlobSender:
    """`want` from any thread: something waits, or the line is back. `heard` takes the hub's signed words."""

    def __init__(
        self,
        kept: KeptBlobs,
        hub: HubBlobs,
        heard: Callable[[bytes], None],
        hash32: Callable[[bytes], bytes],
        *,
        bytes_per_s: int,
        draw: Callable[[], float],
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bytes_per_s` is the cap that leaves the line to the facts; 0: none. `draw` gives numbers in [0, 1)."""
        self._kept = kept
        self._hub = hub
        self._heard = heard
        self._hash32 = hash32
        self._bytes_per_s = bytes_per_s
        self._draw = draw
        self._mono_s = mono_s
        self._asked_s: float | None = None
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-blobs", daemon=True)
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        self._kept.start()
        self._wanted.set()
        self._thread.start()

    def want(self) -> None:
        """Look again soon."""
        self._wanted.set()

    def signed(self, blobs: Sequence[tuple[bytes, bool]]) -> None:
        """An acknowledgement names blobs that the hub holds. In the link's thread."""
        self._kept.signed(blobs)

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()
        self._hub.cut()
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    def _run(self) -> None:
        span_s = AGAIN_S_MIN
        while not self._stopping.is_set():
            woken = self._wanted.wait(ASK_AGAIN_S)
            self._wanted.clear()
            try:
                if not woken:
                    self._kept.ask_again()
                self.send_all()
                if self._asked_s is None or self._mono_s() - self._asked_s >= SAFE_EVERY_S:
                    self._asked_s = self._mono_s()
                    self.ask_what_may_go()
                span_s = AGAIN_S_MIN
            except Exception as fault:
                if isinstance(fault, (Unavailable, PeerFault)):
                    self.counts[fault.code] += 1
                else:
                    self.counts["bug"] += 1
                    bugs.note("link-blobs", fault)
                self._wanted.wait(span_s * (0.5 + self._draw()))
                self._wanted.set()
                span_s = min(AGAIN_S_MAX, 2 * span_s)

    def ask_what_may_go(self) -> None:
        """Hear of blobs that the hub holds whether they are safe by now. One that it lost is sent again."""
        for blob in self._kept.held(SAFE_TOGETHER):
            if self._stopping.is_set():
                return
            try:
                words = self._hub.finish(blob)
            except PeerFault as fault:
                if fault.code not in LOST:
                    raise
                self._kept.not_there(blob)
                self._wanted.set()
                continue
            for word in words:
                self._heard(word)

    def send_all(self) -> None:
        """Until nothing waits. One that the hub refuses loses its turn to those behind it.

        Raises what the line says, and the refusal of one that came round again: then it is time to wait.
        """
        refused: set[bytes] = set()
        while not self._stopping.is_set() and (waiting := self._kept.next()) is not None:
            try:
                self._send(waiting)
            except PeerFault as fault:
                self._kept.put_off(waiting.blob, fault.code)
                if waiting.blob in refused:
                    raise
                self.counts[fault.code] += 1
                refused.add(waiting.blob)

    def _send(self, waiting: Waiting) -> None:
        chunks = chunks_of(waiting.bytes)
        for n in missing_in(self._hub.want(waiting.blob, waiting.bytes), chunks):
            data = self._kept.chunk(waiting.blob, n)
            self._hub.put(waiting.blob, n, data, self._hash32(data))
            if self._bytes_per_s and self._stopping.wait(len(data) / self._bytes_per_s):
                return
        words = self._hub.finish(waiting.blob)
        self._kept.accepted(waiting.blob)
        for word in words:
            self._heard(word)
