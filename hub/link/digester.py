"""The thread that turns custody into meaning, behind the door and never in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hub.link.door import Door
from hub.link.post import Post
from hub.link.voice import Voice
from sync.adapters import bugs
from sync.adapters.sqlite_log import hub_inbound
from sync.adapters.sqlite_log.digest import Follow, digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel import hlc
from sync.kernel.outcome import Unavailable

YIELD_S_MAX = 0.25
"""How long the digest lets batches that come in a row go first; then it takes its turn between two of them."""
BRIEF_S_MAX = 1.0
"""How long what waits for the digest may be digested in runs that end for whoever comes to the door."""
BRIEF_STEP_S = 0.0005
RUN_FACTS = 250
BRIEF_RUN_FACTS = 8
"""Each changes pages here and there in every tree, and whoever comes meanwhile waits for the commit of all of them."""
DRAIN_RUN_FACTS = 50
DRAIN_REST, DRAIN_REST_S_MAX = 9, 2.0
"""While many backlogs come in, a run is short, and the door has the writer for nine times its length."""
YIELD_STEP_S = 0.01
CROWD_TELL_S = 15.0
BEHIND_TELL_S = 0.5
"""How often scopes that move are told in a crowd, and while the digest is behind: each time every machine that reads
them wakes."""
LEADING_S = 0.1
FOLLOWING_S = 1.0
"""How often several workers look for what waits: the one that digests, and those who would take its place."""

PublishHead = Callable[[str, bytes], None]
"""(label, signed head) -> retained where everyone who may read the scope finds it."""


class Digester:
    """Digests in short transactions, rings the bell for scopes that moved, tells writers of quarantined facts.

    `quiet`: whether heads are kept back.
    """

    def __init__(
        self,
        store: HubStore,
        feeds: Feeds,
        door: Door,
        voice: Voice,
        post: Post,
        *,
        follow: Follow | None = None,
        quiet: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._feeds = feeds
        self._door = door
        self._voice = voice
        self._post = post
        self._follow = follow
        self._quiet = quiet
        self._coming: Callable[[], bool] = lambda: False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._publish: PublishHead | None = None
        self._thread: threading.Thread | None = None
        self._led = False
        self._run_s = 0.0
        self._behind_s = 0.0
        self._moved: set[str] = set()
        self._told_s = float("-inf")

    @property
    def leads(self) -> bool:
        """Whether the turn to digest is this worker's."""
        return self._store.leads

    def publish_heads_by(self, publish: PublishHead | None) -> None:
        """A broker to keep retained heads on; None when it is gone. All heads are published anew at once.

        A worker whose turn it is not would only put older ones in place of newer ones.
        """
        self._publish = publish
        if publish is not None and (self.leads or not self._store.shared):
            self._heads(hub_inbound.feed_labels(self._store))

    def make_way_for(self, coming: Callable[[], bool]) -> None:
        """`coming`: whether something was sent that nobody at the door has read yet. A brief run ends for that, too."""
        self._coming = coming

    def tell_all(self) -> None:
        """Every head anew, to everybody: they were kept back."""
        labels = hub_inbound.feed_labels(self._store)
        self._heads(labels)
        self._post.moved(labels)

    def start(self) -> None:
        self._store.on_arrival(self._arrived)
        self._door.when_left(self._wake.set)
        self._wake.set()
        self._thread = threading.Thread(target=self._run, name="digester", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)

    def lag(self) -> int:
        """Facts taken that nobody has made sense of yet."""
        return hub_inbound.undigested(self._store)

    def digest_all(self) -> None:
        """Digest until nothing waits, in the caller's thread (tests, imports at boot)."""
        while self._step():
            pass
        self._tell_moved()

    def _arrived(self) -> None:
        """Who is served at the door is answered before this thread wakes, unless somebody is always there."""
        if not self._door.occupied or self._door.occupied_s > YIELD_S_MAX:
            self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                more = self._step(*self._turn())
            except Unavailable as fault:
                self._stop.wait(fault.retry_s)
                continue
            except Exception as bug:
                bugs.note("digester", bug)
                self._stop.wait(bugs.PAUSE_S)
                continue
            if not more:
                self._wake.wait(self._idle_s())
                self._wake.clear()

    def _idle_s(self) -> float | None:
        """What other workers took in rings no bell here, and what is still to be told rings none either."""
        if self._moved:
            return LEADING_S
        if not self._store.shared:
            return None
        return LEADING_S if self.leads else FOLLOWING_S

    def _turn(self) -> tuple[int, bool]:
        """Let what comes in a row go first, for a while. (Facts of the next run, whether it ends for who comes.)"""
        waited_s = 0.0
        if self._behind_s >= YIELD_S_MAX and self._brief():
            while self._door.occupied and waited_s < YIELD_STEP_S and not self._stop.wait(BRIEF_STEP_S):
                waited_s += BRIEF_STEP_S
            return BRIEF_RUN_FACTS, True
        while self._door.busy and waited_s < YIELD_S_MAX and not self._stop.wait(YIELD_STEP_S):
            waited_s += YIELD_STEP_S
        rest_s = min(DRAIN_REST_S_MAX, DRAIN_REST * self._run_s)
        while self._door.crowded and waited_s < rest_s and not self._stop.wait(YIELD_STEP_S):
            waited_s += YIELD_STEP_S
        if self._door.crowded:
            return DRAIN_RUN_FACTS, False
        brief = self._brief()
        return BRIEF_RUN_FACTS if brief and self._door.busy else RUN_FACTS, brief

    def _brief(self) -> bool:
        """Whether a run should end for whoever comes; between two pieces of a backlog that would be after each fact."""
        return self._behind_s < BRIEF_S_MAX and not self._door.draining

    def _step(self, facts: int = RUN_FACTS, brief: bool = False) -> bool:
        began_s = self._store.clock.mono_s()
        hurry = (lambda: self._door.occupied or self._coming()) if brief else (lambda: False)
        done = digest_some(self._store, self._feeds, self._follow, facts, hurry)
        self._run_s = self._store.clock.mono_s() - began_s
        now_ms = self._store.believed_wall_ms()
        self._behind_s = 0.0 if not done.oldest or now_ms is None else max(0.0, now_ms - hlc.ms_of(done.oldest)) / 1000
        if self.leads and not self._led:
            self._heads(
                hub_inbound.feed_labels(self._store)
            )  # whoever had the turn before may have died before it told
        self._led = self.leads
        self._moved |= done.labels
        every_s = CROWD_TELL_S if self._door.crowded else BEHIND_TELL_S if done.behind else 0.0
        if self._store.clock.mono_s() - self._told_s >= every_s:
            self._tell_moved()
        for node in done.quarantined:
            self._post.deliver(node, [self._door.ack(node, hub_inbound.streams_with_rejects(self._store, node))])
        for node in done.forked:
            self._post.deliver(node, [self._voice.hello_wanted(node)])
        return done.behind

    def _tell_moved(self) -> None:
        if self._moved:
            moved, self._moved, self._told_s = frozenset(self._moved), set(), self._store.clock.mono_s()
            self._heads(moved)
            self._post.moved(moved)

    def _heads(self, labels: frozenset[str]) -> None:
        publish = self._publish
        if publish is None or self._quiet():
            return
        with self._store.read() as conn:
            rows = self._feeds.heads(conn, sorted(labels))
        for row in rows:
            publish(row.label, self._voice.head([row], None))
