"""The HTTPS carrier, and the way feeds come down whichever carrier talks.

Up: frames in a POST, the answer's frames in the reply. Down: a long poll. A person's work never waits on either.
Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

import contextlib
import queue
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import requests

from sync.adapters.carrier import SEND_QUEUE_MAX, Heard, why_of
from sync.adapters.https_caller import ANSWER_S_MAX, FAULTS, Caller, HttpRefused, told
from sync.kernel.limits import BATCH_SENT_BYTES_MAX, FRAMES_BYTES_MAX, FRAMES_MAX, LONG_POLL_S
from sync.kernel.outcome import PeerFault
from sync.protocol import frames as framing
from sync.protocol.snapshot import run_name

_FRAME_HEAD = 4


class HttpsLink:
    """One node's line by HTTPS alone, for a site whose broker cannot be reached."""

    name = "https"

    def __init__(self, base_url: str, tls: ssl.SSLContext, ca: Path, heard: Heard) -> None:
        self._base = base_url
        self._tls = tls
        self._ca = ca
        self._heard = heard
        self._lock = threading.Lock()
        self._run: _Run | None = None

    def open(self) -> None:
        with self._lock:
            if self._run is not None:
                return
            self._run = run = _Run(self, self._base, self._tls, self._ca)
        run.start()

    def send(self, message: bytes) -> bool:
        with self._lock:
            run = self._run
        return run is not None and run.send(message)

    def hold(self, labels: frozenset[str]) -> None:
        """Nothing to do: the hub knows which scopes this node holds and ends the long poll for them."""

    def close(self) -> None:
        with self._lock:
            run, self._run = self._run, None
        if run is not None:
            run.stop()

    def heard_up(self, run: _Run) -> None:
        with self._lock:
            current = self._run is run
        if current:
            self._heard.up(self.name)

    def heard_message(self, run: _Run, message: bytes) -> None:
        with self._lock:
            current = self._run is run
        if current:
            self._heard.received(self.name, message)

    def fell(self, run: _Run, fault: Exception) -> None:
        with self._lock:
            if self._run is not run:
                return
            self._run = None
        run.stop()
        denied = isinstance(fault, HttpRefused) and fault.status in (401, 403)
        self._heard.down(self.name, "denied" if denied else why_of(fault))


class _Run:
    """One opening of the link: a thread that posts and one that polls. The first to fail ends both."""

    def __init__(self, link: HttpsLink, base_url: str, tls: ssl.SSLContext, ca: Path) -> None:
        self._link = link
        self._poster = Caller(base_url, tls, ca)
        self._poller = Caller(base_url, tls, ca)
        self._queue: queue.Queue[bytes | None] = queue.Queue(SEND_QUEUE_MAX)
        self._stopped = threading.Event()
        self._up = False

    def start(self) -> None:
        for target, name in ((self._poll, "link-https-poll"), (self._post, "link-https-post")):
            threading.Thread(target=target, name=name, daemon=True).start()

    def send(self, message: bytes) -> bool:
        if not self._up or len(message) > BATCH_SENT_BYTES_MAX:
            return False
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        self._stopped.set()
        self._poster.cut()
        self._poller.cut()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def _poll(self) -> None:
        wait = 0.0
        try:
            while not self._stopped.is_set():
                raw = self._poller.call("GET", f"/down?wait={wait:g}", wait_s=wait + ANSWER_S_MAX)
                if not self._up:
                    self._up = True
                    self._link.heard_up(self)
                self._hear(raw)
                wait = LONG_POLL_S
        except (requests.RequestException, HttpRefused, PeerFault, OSError, ValueError) as fault:
            self._link.fell(self, fault)
        finally:
            self._poller.close()

    def _post(self) -> None:
        held: bytes | None = None
        try:
            while not self._stopped.is_set():
                message = held if held is not None else self._queue.get()
                if message is None:
                    continue
                frames, held = self._gather(message)
                try:
                    self._hear(self._poster.call("POST", "/messages", framing.pack(frames)))
                except HttpRefused as refused:
                    # 400 and 422 judge these messages, not the line: the session learns it from the next ack.
                    if refused.status not in (400, 413, 422):
                        raise
        except (requests.RequestException, HttpRefused, PeerFault, OSError, ValueError) as fault:
            self._link.fell(self, fault)
        finally:
            self._poster.close()

    def _gather(self, first: bytes) -> tuple[list[bytes], bytes | None]:
        """What waits already goes along, up to 16 messages and 1 MiB; the one that no longer fits comes next."""
        frames, size = [first], len(first) + 2 * _FRAME_HEAD
        while len(frames) < FRAMES_MAX:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                break
            if message is None:
                break
            size += len(message) + _FRAME_HEAD
            if size > FRAMES_BYTES_MAX:
                return frames, message
            frames.append(message)
        return frames, None

    def _hear(self, raw: bytes) -> None:
        for message in framing.unpack(raw) if raw else ():
            self._link.heard_message(self, message)


class HttpsFeeds:
    """Heads, segments and repairs. One thread uses it; `reset` and `cut` may come from any."""

    def __init__(self, base_url: str, tls: ssl.SSLContext, ca: Path) -> None:
        self._make = lambda: Caller(base_url, tls, ca)
        self._caller = self._make()
        self._ended = False

    def heads(self) -> bytes:
        """The signed head message of all scopes this node holds, from one moment of the hub."""
        return self._call("GET", "/heads")

    def segment(self, label: str, epoch: int, first: int) -> bytes:
        """The signed segment that begins at `first`; empty when there is none yet."""
        return self._call("GET", f"/feeds/{label}/{epoch}/{first}")

    def manifest(self, label: str) -> bytes:
        """The signed manifest of the scope's newest snapshot; empty when there is none."""
        return self._call("GET", f"/feeds/{label}/manifest")

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]:
        """Segments of a snapshot from number `k` on, each as soon as it is whole; none when the hub has it no more.

        One answer brings some of them. Raises as the others do, after the last whole one.
        """
        incoming = framing.Incoming()
        try:
            for piece in self._caller.stream("GET", "/feeds/" + run_name(label, epoch, sseq, k)):
                yield from incoming.take(piece)
            incoming.end()
        except FAULTS as fault:
            raise told(fault) from fault

    def repair(self, label: str, asked: bytes) -> list[bytes]:
        """The hub's signed answers to what this node holds of a scope."""
        raw = self._call("POST", f"/feeds/{label}/repair", asked)
        return framing.unpack(raw) if raw else []

    def own_history(self, incarnation: int, lane: int, first: int) -> bytes:
        """A page of this node's own facts as the hub holds them; empty when it holds none from there on."""
        return self._call("GET", f"/streams/{incarnation:016x}/{lane}/{first}")

    def reset(self) -> None:
        """The line fell: what is under way fails now, the next call begins on a new connection."""
        before, self._caller = self._caller, self._make()
        before.cut()
        if self._ended:
            self._caller.cut()

    def cut(self) -> None:
        """For good: what is under way fails now, later calls fail at once."""
        self._ended = True
        self._caller.cut()

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            return self._caller.call(method, path, body)
        except FAULTS as fault:
            raise told(fault) from fault
