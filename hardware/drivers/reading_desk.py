"""One reading of an identity document at a time: asked for by a page, answered by a reader, forgotten soon.

Nothing is read that nobody asked for. What was read stays in memory until it is taken back or `KEPT_S` have passed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from hardware.codecs.identity.document import IdentityDocument
from sync.kernel.outcome import Refused

KEPT_S = 60.0
ReadingState = Literal["waiting", "card", "done", "refused", "expired", "cancelled"]
OPEN: tuple[ReadingState, ...] = ("waiting", "card")


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """How a reading is. `owner` asked for it. `photo` is opaque (WLT) and handed on, never opened or kept.

    `code` says why it was refused, or what last kept a waiting one from being read (`card.read`, …).
    """

    reading: str
    device: str
    owner: str
    state: ReadingState
    ends_mono_s: float
    code: str = ""
    document: IdentityDocument | None = None
    photo: bytes = b""

    def __repr__(self) -> str:
        return f"<reading at {self.device}: {self.state} {self.code}>"


class ReadingDesk:
    """Between pages and one reader. Any thread may call; `told` is called outside the lock after each change."""

    def __init__(self, device: str, mono_s: Callable[[], float], told: Callable[[Reading], None]) -> None:
        self.device = device
        self._mono_s = mono_s
        self._told = told
        self._changed = threading.Condition()
        self._now: Reading | None = None

    def ask(self, reading: str, owner: str, wait_s: float) -> Refused | Reading:
        """Begin to wait for a document. Refused `identity.busy` while another reading is open."""
        with self._changed:
            self._age()
            if self._now is not None and self._now.state in OPEN:
                return Refused("identity.busy")
            self._now = made = Reading(reading, self.device, owner, "waiting", self._mono_s() + wait_s)
            self._changed.notify_all()
        self._told(made)
        return made

    def wanted(self) -> str | None:
        """The reading that is open now, for the reader's thread; None when nobody waits any more."""
        with self._changed:
            ended = self._age()
            wanted = self._now.reading if self._now is not None and self._now.state in OPEN else None
        if ended is not None:
            self._told(ended)
        return wanted

    def saw_card(self, reading: str) -> None:
        self._turn(reading, "card")

    def stumbled(self, reading: str, code: str) -> None:
        """A try came to nothing; the reading stays open."""
        self._turn(reading, "waiting", code)

    def refuse(self, reading: str, code: str) -> None:
        self._turn(reading, "refused", code)

    def finish(self, reading: str, document: IdentityDocument, photo: bytes = b"") -> None:
        self._turn(reading, "done", document=document, photo=photo)

    def cancel(self, reading: str) -> bool:
        """Stop waiting, or forget what was read; whether there was such a reading."""
        with self._changed:
            if self._now is None or self._now.reading != reading:
                return False
            if self._now.state not in OPEN:
                self._now = None
                return True
        self._turn(reading, "cancelled")
        return True

    def look(self, reading: str, wait_s: float = 0.0) -> Reading | None:
        """The reading, after at most `wait_s` of waiting for its end; None for one that is not kept here any more."""
        until_s = self._mono_s() + wait_s
        while True:
            with self._changed:
                ended = self._age()
                found = self._now if self._now is not None and self._now.reading == reading else None
                left_s = until_s - self._mono_s()
                if ended is None and found is not None and found.state in OPEN and left_s > 0:
                    self._changed.wait(min(left_s, found.ends_mono_s - self._mono_s()))
                    continue
            if ended is not None:
                self._told(ended)
            return found

    def _turn(
        self,
        reading: str,
        state: ReadingState,
        code: str = "",
        document: IdentityDocument | None = None,
        photo: bytes = b"",
    ) -> None:
        """An open reading becomes so; one that was cancelled or is past stays what it is."""
        with self._changed:
            before = self._now
            if before is None or before.reading != reading or before.state not in OPEN:
                return
            if (before.state, before.code) == (state, code):
                return
            ends_s = before.ends_mono_s if state in OPEN else self._mono_s() + KEPT_S
            self._now = after = replace(
                before, state=state, code=code, document=document, photo=photo, ends_mono_s=ends_s
            )
            self._changed.notify_all()
        self._told(after)

    def _age(self) -> Reading | None:
        """Called with the lock. An open reading whose time is over has expired; a closed one is forgotten."""
        now = self._now
        if now is None or self._mono_s() < now.ends_mono_s:
            return None
        if now.state not in OPEN:
            self._now = None
            return None
        self._now = ended = replace(now, state="expired", ends_mono_s=self._mono_s() + KEPT_S)
        self._changed.notify_all()
        return ended
