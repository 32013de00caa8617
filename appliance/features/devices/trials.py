"""Trying a device: one page, one picture, one sentence, one signature. What comes of it is shown and forgotten.

A trial belongs to who asked for it; others see that there is one. It ends by itself, by that person's wish, or after
`LASTS_S`. A picture is held in memory alone, for its person alone, and let go after `KEEP_S`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from hardware.codecs.picture_files import dots_of
from hardware.ports import DeviceView
from sync.kernel.outcome import Refused, Unavailable

Kind = Literal["page", "still", "sentence", "signature", "look", "press", "card"]
State = Literal["running", "done", "failed", "stopped"]
OPEN = ("ready", "busy", "attention")
"""A scanner that is jammed is tried to see whether it is still."""
LASTS_S = 120.0
KEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class CodeOnPage:
    """`count` barcodes of one kind with as many characters."""

    symbology: str
    chars: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """`reason` of one that failed is the device's own word. `size_bytes`, `dots` outlive the picture.

    `codes` None: nobody has looked for any.
    """

    n: int
    device: str
    kind: Kind
    owner: str
    began_mono_s: float
    state: State = "running"
    reason: str = ""
    percent: int | None = None
    size_bytes: int = 0
    dots: tuple[int, int] | None = None
    media_type: str = ""
    codes: tuple[CodeOnPage, ...] | None = None
    picture: bytes = field(default=b"", repr=False)


class Hand:
    """What a device is given for one trial: it asks whether to stop, shows what comes, and says how it ended."""

    def __init__(self, change: Callable[..., None]) -> None:
        self._change = change
        self._stop = threading.Event()
        self._late = False
        self._on_stop: Callable[[], object] = lambda: None

    def on_stop(self, call: Callable[[], object]) -> None:
        """Called when somebody stops the trial or its time is over; for devices that cannot ask `stopped`."""
        self._on_stop = call

    def stop(self, *, late: bool = False) -> None:
        self._late = late
        self._stop.set()
        self._on_stop()

    def stopped(self) -> bool:
        return self._stop.is_set()

    def percent(self, percent: int) -> None:
        self._change(percent=percent)

    def show(self, picture: bytes, media_type: str) -> None:
        self._change(picture=picture, media_type=media_type, size_bytes=len(picture), dots=dots_of(picture))

    def codes(self, found: tuple[CodeOnPage, ...] | None) -> None:
        """What barcodes are on the picture that was shown."""
        self._change(codes=found)

    def measure(self, size_bytes: int) -> None:
        """Of what came nothing but its size is shown."""
        self._change(size_bytes=size_bytes)

    def end(self, state: State, reason: str = "") -> None:
        """Once. What a stop ended is told as stopped, or as having had no answer in all its time."""
        if state != "done" and self._stop.is_set():
            state, reason = ("failed", "no-answer") if self._late else ("stopped", "")
        self._change(state=state, reason=reason)


Begin = Callable[[Hand], None]
"""Starts the trial and comes back; Unavailable when the device cannot be tried now. `Hand.end` is called once."""


class Trials:
    """One trial a device. `changed(device)` is called after each change, in any thread."""

    def __init__(
        self,
        mono_s: Callable[[], float],
        changed: Callable[[str], None],
        views: Callable[[], Iterable[DeviceView]],
        *,
        lasts_s: float = LASTS_S,
        keep_s: float = KEEP_S,
    ) -> None:
        self._mono_s = mono_s
        self._changed = changed
        self._views = views
        self._lasts_s = lasts_s
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._n = 0
        self._offers: dict[str, tuple[Kind, Begin]] = {}
        self._held: dict[str, Trial] = {}
        self._hands: dict[str, Hand] = {}
        self._timers: dict[str, threading.Timer] = {}

    def offer(self, device: str, kind: Kind, begin: Begin) -> None:
        """This device can be tried so."""
        self._offers[device] = (kind, begin)

    def kind(self, device: str) -> Kind | None:
        offer = self._offers.get(device)
        return None if offer is None else offer[0]

    def of(self, device: str) -> Trial | None:
        """The newest one, running or lately ended."""
        return self._held.get(device)

    def begin(self, device: str, owner: str) -> Trial | Refused:
        """Refused `trial.none` of a device that cannot be tried, `trial.busy`, `trial.away`."""
        offer = self._offers.get(device)
        if offer is None:
            return Refused("trial.none")
        kind, begin = offer
        if not any(view.name == device and view.state in OPEN for view in self._views()):
            return Refused("trial.away")
        with self._lock:
            before = self._held.get(device)
            if before is not None and before.state == "running":
                return Refused("trial.busy")
            self._n += 1
            trial = self._held[device] = Trial(self._n, device, kind, owner, self._mono_s())
            hand = self._hands[device] = Hand(partial(self._change, device, trial.n))
            self._later(device, self._lasts_s, partial(hand.stop, late=True))
        try:
            begin(hand)
        except Unavailable as fault:
            self._forget(device, trial.n)
            return Refused("trial.busy" if fault.code == "device.busy" else "trial.away")
        self._changed(device)
        return self._held.get(device, trial)

    def stop(self, device: str) -> Refused | None:
        """A running one ends as soon as the device lets go; one that has ended is forgotten. Refused `trial.over`."""
        trial, hand = self._held.get(device), self._hands.get(device)
        if trial is None or hand is None:
            return Refused("trial.over")
        if trial.state == "running":
            hand.stop()
        else:
            self._forget(device, trial.n)
        return None

    def close(self) -> None:
        with self._lock:
            timers, hands = list(self._timers.values()), list(self._hands.values())
        for timer in timers:
            timer.cancel()
        for hand in hands:
            hand.stop()

    def _change(self, device: str, n: int, **what: object) -> None:
        """Of the trial numbered `n`, unless it is over."""
        with self._lock:
            before = self._held.get(device)
            if before is None or before.n != n or before.state != "running":
                return
            after = self._held[device] = replace(before, **what)  # type: ignore[arg-type]  # a hand names its fields
            if after.state != "running":
                self._later(device, self._keep_s, partial(self._forget, device, n))
        if after != before:
            self._changed(device)

    def _forget(self, device: str, n: int) -> None:
        """It and its picture."""
        with self._lock:
            held = self._held.get(device)
            if held is None or held.n != n:
                return
            del self._held[device], self._hands[device]
            self._timers.pop(device).cancel()
        self._changed(device)

    def _later(self, device: str, span_s: float, call: Callable[[], object]) -> None:
        before = self._timers.get(device)
        if before is not None:
            before.cancel()
        timer = self._timers[device] = threading.Timer(span_s, call)
        timer.daemon = True
        timer.start()
