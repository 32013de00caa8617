"""The thread that takes rounds: wanted as often as heads move, run one at a time, tried again when the line fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from appliance.link.rounds import HubFeeds, Rounds
from appliance.link.trust_book import TrustBook
from sync.adapters import bugs
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.pruning import prune
from sync.kernel.outcome import PeerFault, Unavailable

AGAIN_S_MIN, AGAIN_S_MAX = 0.5, 30.0
STOP_S_MAX = 0.5
TIDY_EVERY_S = 3600.0
AFTER_S_MAX = 1.0
"""How long a round lets facts go first that are written in a row."""
AFTER_STEP_S = 0.02


class ResettableFeeds(HubFeeds, Protocol):
    """Feeds whose calls another thread can end."""

    def reset(self) -> None: ...

    def cut(self) -> None: ...


class Fetcher:
    """`want` from any thread; a round that is wanted while one runs is taken after it."""

    def __init__(
        self,
        store: ApplianceStore,
        feeds: ResettableFeeds,
        book: TrustBook,
        hello: Callable[[], None],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`hello` is called when a round meets another hub epoch than the one known.

        `busy`: whether facts are written in a row just now. A round, which has the writer for its length, lets them go
        first, for a second at most: it mostly brings back what they say.
        """
        self._busy = busy
        self._rounds = Rounds(store, feeds, book)
        self._feeds = feeds
        self._hello = hello
        self._round = threading.Lock()
        self._wanted = threading.Event()
        self._store = store
        self._tidied_s = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-fetch", daemon=True)
        self.counts: Counter[str] = Counter()
        self.rounds = 0

    def start(self) -> None:
        self._thread.start()

    def want(self) -> None:
        """Take a round soon."""
        self._wanted.set()

    def aside(self) -> AbstractContextManager[object]:
        """No round is taken while it is held."""
        return self._round

    def reset(self) -> None:
        """The line fell: end what is under way."""
        self._feeds.reset()

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()
        self._feeds.cut()
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    def _run(self) -> None:
        again = AGAIN_S_MIN
        while True:
            self._wanted.wait()
            waited_s = 0.0
            while self._busy() and waited_s < AFTER_S_MAX and not self._stopping.wait(AFTER_STEP_S):
                waited_s += AFTER_STEP_S
            if self._stopping.is_set():
                return
            self._wanted.clear()
            try:
                with self._round:
                    done = self._rounds.run()
                self._tidy()
            except Exception as fault:
                if isinstance(fault, (Unavailable, PeerFault)):
                    self.counts[fault.code] += 1
                else:
                    self.counts["bug"] += 1
                    bugs.note("link-fetch", fault)
                # The hub may have moved on meanwhile; a bell that rings earlier is not waited out.
                if not self._wanted.wait(again):
                    self._wanted.set()
                again = min(AGAIN_S_MAX, 2 * again)
                continue
            self.rounds += 1
            if not done.applied:
                self._hello()
            if done.begun or done.repaired:
                # What was mended is compared once more at the next head; one that stays unequal is not asked in a row.
                if done.repaired and not self._wanted.wait(again):
                    again = min(AGAIN_S_MAX, 2 * again)
                self._wanted.set()
            else:
                again = AGAIN_S_MIN

    def _tidy(self) -> None:
        """Drop what the hub's backups hold and nobody needs here any more."""
        now_s = self._store.clock.mono_s()
        if now_s - self._tidied_s >= TIDY_EVERY_S:
            self._tidied_s = now_s
            prune(self._store)
