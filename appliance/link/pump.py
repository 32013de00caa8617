"""What one thing heard does to the line: to the session as an event, and what the session wants, performed in order.

No thread and no queue are here: the runner feeds it, one thing at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.performer import Performer
from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.outcome import PeerFault
from sync.protocol import events
from sync.protocol.session import Session


class Pump:
    """Used by one thread at a time. `ended`: the line is being closed, so what is left of an event's work is left."""

    def __init__(
        self,
        store: ApplianceStore,
        book: TrustBook,
        letters: Letters,
        session: Session,
        performer: Performer,
        gauge: Gauge,
        *,
        reset_feeds: Callable[[], None],
        ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._book = book
        self._letters = letters
        self._session = session
        self._performer = performer
        self._gauge = gauge
        self._reset_feeds = reset_feeds
        self._ended = ended
        self._known: dict[tuple[int, int], int] = {}
        self._stumbled = False
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """The process is up. Raises Unavailable as every call here does, when the disk does not take it."""
        streams = tuple(self._letters.streams())
        self._step(events.Started(streams, self._store.meta_int("hub_epoch")))

    def astray(self) -> None:
        """Somebody else moved what the disk holds: the session reads it again before the next event."""
        self._stumbled = True

    def take(self, what: str, name: str = "", raw: bytes = b"") -> None:
        """`what`: commit, up, received, hello, asks, tick, or why a carrier is down. `name`: the carrier."""
        now = self._now()
        if self._stumbled:
            epoch = self._store.meta_int("hub_epoch")
            again = events.Stumbled(self._letters.streams(), epoch, self._store.incarnation)
            self._stumbled = False
            self._step(again)
        match what:
            case "commit":
                self._tell_committed()
            case "up":
                self._gauge.up(now)
                self._step(events.CarrierUp(name))
            case "refused" | "no-answer" | "lost" | "denied":
                self._gauge.down(what, now)
                self._reset_feeds()
                self._step(events.CarrierDown(name))
            case "received":
                self._received(raw)
            case "hello":
                self._step(events.HelloWanted())
            case "asks":
                self._step(events.AsksOpen(now))
            case _:
                self._step(events.Tick())

    def _received(self, raw: bytes) -> None:
        try:
            opened = self._book.open(raw)
        except PeerFault as fault:
            self.counts[fault.code] += 1
            return
        self._step(events.Received(opened, raw))

    def _tell_committed(self) -> None:
        incarnation = self._store.incarnation
        for lane, last in self._store.lasts().items():
            if last > self._known.get((incarnation, lane), 0):  # a process may begin another incarnation
                self._known[incarnation, lane] = last
                self._step(events.FactCommitted(incarnation, lane, last))

    def _step(self, event: events.Event) -> None:
        """Give the session an event, perform what it wants, and the events that this leads to, in order."""
        todo: list[events.Event] = [event]
        try:
            while todo and not self._ended():
                for effect in self._session.on(todo.pop(0), self._now()):
                    todo += self._performer.perform(effect, self._now())
        except Exception:
            self._stumbled = True  # what the session believes and what the disk holds may differ now
            raise

    def _now(self) -> float:
        return self._store.clock.mono_s()
