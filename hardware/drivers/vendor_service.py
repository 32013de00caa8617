"""Asks a vendor's service on this machine for one signature or one look at a face, by its mapping file.

A signature's picture is handed over and not kept; of a face nothing but the verdict gets past the codec.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hardware.codecs.service_mapping import (
    ANSWER_BYTES_MAX,
    Call,
    ServiceMapping,
    ServiceStep,
    filled,
    read_step,
)
from hardware.transports.loopback import loopback_base
from sync.kernel.outcome import PeerFault, Unavailable

CONNECT_S = 2.0
LOOK_S = 0.1
"""How long a cancel may stay unheard while a socket is silent."""


@dataclass(frozen=True, slots=True, repr=False)
class ServiceOutcome:
    """How it ended. `done` has an image or a verdict; `code` says why the others have neither."""

    state: Literal["done", "cancelled", "failed", "expired"]
    code: str = ""
    image: bytes = b""
    passed: bool | None = None

    def __repr__(self) -> str:
        return f"<service {self.state} {self.code}>"


class VendorService:
    """One service. ValueError `not-loopback` for an address that is not this machine's.

    `record` gets `{"asked": …}`, `{"heard": state, …}` and `{"fault": code}`: never an image, never a word of a body.
    """

    def __init__(
        self,
        mapping: ServiceMapping,
        url: str = "",
        mono_s: Callable[[], float] = time.monotonic,
        record: Callable[[dict[str, Any]], object] = lambda entry: None,
    ) -> None:
        self.mapping = mapping
        self._record = record
        self._base = loopback_base(url or mapping.url, "http" if mapping.line == "http" else "ws")
        self._mono_s = mono_s
        self._cancelled = threading.Event()
        self._busy = threading.Lock()

    def cancel(self) -> None:
        """From any thread: what is asked now ends as `cancelled`, and the device is told so."""
        self._cancelled.set()

    def ask(self, words: Mapping[str, str]) -> ServiceOutcome:
        """Blocks until the person signed or was looked at, the deadline, or `cancel`. One at a time.

        `words` fill the bodies of the mapping; `request` is one of them. Unavailable `device.gone` when nothing answers
        at the address, `device.busy` while another is asked.
        """
        if not self._busy.acquire(blocking=False):
            raise Unavailable("device.busy")
        try:
            self._cancelled.clear()
            until_s = self._mono_s() + self.mapping.deadline_s
            asked = self._http if self.mapping.line == "http" else self._socket
            return asked(dict(words), until_s)
        except PeerFault as fault:
            self._record({"fault": fault.code})
            return ServiceOutcome("failed", fault.code)
        finally:
            self._busy.release()

    def _http(self, words: dict[str, str], until_s: float) -> ServiceOutcome:
        assert self.mapping.poll is not None
        with http_line(self._base, self.mapping.answer_s, self._mono_s) as say:
            self._record({"asked": "start"})
            step = self._heard(say(self.mapping.start, words))
            words["session"] = step.session
            while step.state == "waiting":
                left_s = until_s - self._mono_s()
                if left_s <= 0 or self._cancelled.wait(min(self.mapping.poll_every_s, left_s)):
                    self._tell_cancel(say, words)
                    return self._given_up()
                step = self._heard(say(self.mapping.poll, words))
            return _outcome(step)

    def _socket(self, words: dict[str, str], until_s: float) -> ServiceOutcome:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        uri = self._base + (self.mapping.start.path or "/")
        try:
            with connect(
                uri, open_timeout=CONNECT_S, close_timeout=1.0, max_size=ANSWER_BYTES_MAX, proxy=None, compression=None
            ) as socket:

                def say(call: Call, told: Mapping[str, str]) -> bytes:
                    socket.send(json.dumps(filled(call.body, told), ensure_ascii=False))
                    return b""

                self._record({"asked": "start"})
                say(self.mapping.start, words)
                heard_until_s = self._mono_s() + self.mapping.answer_s
                heard = False
                while self._mono_s() < until_s and not self._cancelled.is_set():
                    try:
                        answer = socket.recv(timeout=LOOK_S)
                    except TimeoutError:
                        if not heard and self._mono_s() >= heard_until_s:
                            return ServiceOutcome("failed", "service.silent")
                        continue
                    heard = True
                    step = self._heard(answer)
                    words["session"] = step.session or words.get("session", "")
                    if step.state != "waiting":
                        return _outcome(step)
                words.setdefault("session", "")
                self._tell_cancel(say, words)
                return self._given_up()
        except (OSError, TimeoutError):
            raise Unavailable("device.gone", retry_s=2.0) from None
        except WebSocketException:
            return ServiceOutcome("failed", "service.answer")

    def _heard(self, answer: bytes | str) -> ServiceStep:
        step = read_step(self.mapping, answer)
        self._record({"heard": step.state, "image_bytes": len(step.image), "passed": step.passed})
        return step

    def _tell_cancel(self, say: Callable[[Call, Mapping[str, str]], bytes], words: Mapping[str, str]) -> None:
        self._record({"asked": "cancel"})
        if self.mapping.cancel is not None:
            with contextlib.suppress(Unavailable, PeerFault):
                say(self.mapping.cancel, words)

    def _given_up(self) -> ServiceOutcome:
        if self._cancelled.is_set():
            return ServiceOutcome("cancelled", "service.cancelled")
        return ServiceOutcome("expired", "service.deadline")


def _outcome(step: ServiceStep) -> ServiceOutcome:
    match step.state:
        case "done":
            return ServiceOutcome("done", "", step.image, step.passed)
        case "cancelled":
            return ServiceOutcome("cancelled", "service.cancelled-there")
    return ServiceOutcome("failed", "service.failed")


@contextlib.contextmanager
def http_line(
    base: str, answer_s: float, mono_s: Callable[[], float]
) -> Iterator[Callable[[Call, Mapping[str, str]], bytes]]:
    """Calls to one service, each whole within `answer_s`; no proxy, no redirect, no cookie of another."""
    import requests

    with requests.Session() as session:
        session.trust_env = False

        def say(call: Call, words: Mapping[str, str]) -> bytes:
            until_s = mono_s() + answer_s
            body: Any = None if call.body is None else json.dumps(filled(call.body, words), ensure_ascii=False).encode()
            try:
                with session.request(
                    call.method,
                    base + filled(call.path, words),
                    data=body,
                    headers={"Content-Type": "application/json"} if body else {},
                    timeout=(CONNECT_S, answer_s),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    if answer.status_code != 200:
                        raise PeerFault("service.status")
                    held = b""
                    for piece in answer.iter_content(64 * 1024):
                        held += piece
                        if len(held) > ANSWER_BYTES_MAX or mono_s() > until_s:
                            raise PeerFault("service.answer")
                    return held
            except requests.ConnectionError:
                raise Unavailable("device.gone", retry_s=2.0) from None
            except requests.RequestException:
                raise PeerFault("service.silent") from None

        yield say
