"""A scanner under its keeper: how it is, looked at now and then, and one run of pages at a time for whoever asks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hardware.codecs.picture_files import dots_of
from hardware.drivers.supervisor import Device
from hardware.ports import PageListener, PageSource, Percent, RunEnd, ScanWish, TakenPage
from sync.kernel.outcome import Unavailable

LOOK_S = 15.0
PERSON_LOOK_S = 2.0
"""Between two looks at a scanner that waits for hands."""
NOT_ITS_FAULT = frozenset({"", "no-documents", "page-lost", "gone", "busy", "warming-up"})
"""Ends of a run that do not stand against the scanner: they pass by themselves or are asked about at the next look."""

Record = Callable[[dict[str, Any]], object]


@dataclass(slots=True)
class PageRun:
    """Somebody's wish for pages; `ended` is called once, in the desk's thread, as are the others."""

    wish: ScanWish
    on_page: PageListener
    ended: Callable[[RunEnd], None]
    stopped: Callable[[], bool]
    percent: Percent
    source: PageSource | None = None


class PageDesk:
    """A session for `supervisor.Keeper`.

    `record` gets `{"is", "reason"}`, `{"take", "colour", "dpi", "pages_max"}`, `{"page", "type", "bytes", "dots",
    "mark"}` and `{"end", "pages", "reason"}`. Of a page nothing but its size gets there: `mark` is a digest with a key
    that is drawn for this desk and kept nowhere, so that a page that came twice shows, and a page that somebody has
    cannot be looked up.
    """

    def __init__(
        self,
        source: PageSource,
        device: Device,
        *,
        key: bytes,
        look_s: float = LOOK_S,
        record: Record = lambda entry: None,
    ) -> None:
        self._source = source
        self._device = device
        self._key = key
        self._look_s = look_s
        self._record = record
        self._changed = threading.Condition()
        self._open = False
        self._dropped = False
        self._closed = False
        self._run: PageRun | None = None
        self._trouble = ""

    def ask(
        self,
        wish: ScanWish,
        on_page: PageListener,
        ended: Callable[[RunEnd], None],
        *,
        stopped: Callable[[], bool] = lambda: False,
        percent: Percent = lambda percent: None,
        source: PageSource | None = None,
    ) -> None:
        """Begin a run. Unavailable `device.busy` while another is under way, `device.gone` of one that is not open.

        `source`: in place of the desk's own, for a look that takes nothing away.
        """
        with self._changed:
            if not self._open or self._dropped:
                raise Unavailable("device.gone")
            if self._run is not None:
                raise Unavailable("device.busy")
            self._run = PageRun(wish, on_page, ended, stopped, percent, source)
            self._changed.notify_all()

    def run(self, opened: Callable[[], None]) -> None:
        """Unavailable `device.gone` once the scanner is away, `device.closed`."""
        with self._changed:
            self._dropped = False
            if self._closed:
                raise Unavailable("device.closed")
        self._look(lambda: self._say_opened(opened))
        try:
            while True:
                run = self._next()
                if run is None:
                    self._look(lambda: None)
                    continue
                self._take(run)
                self._look(lambda: None)
        finally:
            with self._changed:
                self._open = False
                left, self._run = self._run, None
            if left is not None:
                left.ended(RunEnd("failed", 0, "gone"))

    def drop(self) -> None:
        """From any thread; what is under way is stopped, and `run` may be called again."""
        with self._changed:
            self._dropped = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
        self.drop()

    def _say_opened(self, opened: Callable[[], None]) -> None:
        with self._changed:
            self._open = True
        self._trouble = ""
        opened()

    def _next(self) -> PageRun | None:
        look_s = PERSON_LOOK_S if self._source.tells_trouble and self._device.view.reason else self._look_s
        with self._changed:
            self._changed.wait_for(lambda: self._run is not None or self._dropped, look_s)
            if self._dropped:
                raise Unavailable("device.closed")
            return self._run

    def _look(self, opened: Callable[[], None]) -> None:
        state, reason = self._source.status()
        if state == "absent":
            self._record({"is": state, "reason": reason})
            raise Unavailable(f"device.{reason}", 2.0)
        if not self._open:
            opened()
        if not self._source.tells_trouble and state == "ready" and self._trouble:
            state, reason = "attention", self._trouble
        before = (self._device.view.state, self._device.view.reason)
        self._device.say(state, reason)
        if before != (state, reason):
            self._record({"is": state, "reason": reason})

    def _take(self, run: PageRun) -> None:
        self._device.say("busy")
        wish = run.wish
        told = {"colour": wish.colour, "dpi": wish.dpi, "pages_max": wish.pages_max}
        self._record({"take": wish.source, **told})

        def on_page(page: TakenPage) -> None:
            self._note(page)
            run.on_page(page)

        source = run.source or self._source
        try:
            end = source.take(wish, on_page, lambda: self._dropped or run.stopped(), run.percent)
        except OSError:
            end = RunEnd("failed", 0, "error")  # no room for the page, no program: nothing of it is a page
        except Unavailable:
            end = RunEnd("failed", 0, "gone")
        self._record({"end": end.kind, "pages": end.pages, "reason": end.reason})
        if end.kind == "done":
            self._trouble = ""
        elif end.kind == "failed" and end.reason not in NOT_ITS_FAULT:
            self._trouble = end.reason
        with self._changed:
            self._run = None
        run.ended(end)

    def _note(self, page: TakenPage) -> None:
        mark = hashlib.blake2b(page.picture, key=self._key, digest_size=8).hexdigest()
        dots = dots_of(page.picture)
        self._record({"page": page.n, "type": page.media_type, "bytes": len(page.picture), "dots": dots, "mark": mark})
