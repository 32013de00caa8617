"""The box's line to the hub: one thread at a time performs the session's effects, one fetches what comes down.

The session decides, the store keeps, a carrier moves bytes. Nothing here is waited for by people: a line that hangs
holds up this thread's next message and nothing else.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from appliance.link.blob_sender import BlobSender
from appliance.link.certificate import Certificate
from appliance.link.fetcher import Fetcher, ResettableFeeds
from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.performer import Performer
from appliance.link.pump import Pump
from appliance.link.rekeying import Rekeying
from appliance.link.trust_book import TrustBook
from kiosk_ui.kit.screens.line import LineFacts
from sync.adapters import bugs
from sync.adapters.carrier import Carrier, Heard, Why
from sync.adapters.leases.box import LOOK_EVERY_S, Leases
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Change
from sync.adapters.sqlite_log.streams import Link as Linked
from sync.kernel.limits import BACKOFF_S_MAX, CONNECT_S_MAX
from sync.kernel.outcome import Unavailable
from sync.protocol.config import Config
from sync.protocol.hello import HelloDevice
from sync.protocol.message import is_ack
from sync.protocol.session import Session
from sync.protocol.states import TALKING

EVENTS_MAX = 1024
STOP_S_MAX = 1.0
IN_A_ROW_S = 0.05
"""Facts closer than this are written by a machine, or by many people at once."""
_IDLE_S = 1.0
FORESEEN_FACTS = 8
"""More facts than one act writes are sealed once they are kept: their commit takes longer than the sealing."""

MakeCarriers = Callable[[Heard], Sequence[Carrier]]
MakeBlobs = Callable[[Callable[[bytes], None]], BlobSender]
"""Made with what takes the hub's signed words."""


class Link:
    """Runs one node's session. `start` once, `stop` once; `line_facts` from any thread."""

    def __init__(
        self,
        store: ApplianceStore,
        book: TrustBook,
        make_carriers: MakeCarriers,
        feeds: ResettableFeeds | None,
        *,
        software: str,
        draw: Callable[[], float],
        backoff_cap_s: float = BACKOFF_S_MAX,
        connect_s_max: float = CONNECT_S_MAX,
        make_blobs: MakeBlobs | None = None,
        identity: bytes = b"",
        keep_identity: Callable[[bytes], None] = lambda raw: None,
        leases: Leases | None = None,
        devices: Callable[[], Iterable[HelloDevice]] = tuple,
        free_bytes: Callable[[], int] = lambda: 0,
        rekeying: Rekeying | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        """`make_carriers(heard)` gives the carriers, best first. `draw` gives numbers in [0, 1) for jitter.

        `feeds` None: nothing comes down but answers. `make_blobs` None: this box keeps no large bytes.
        """
        self._store = store
        self._book = book
        self._events: queue.Queue[tuple[str, str, bytes]] = queue.Queue(EVENTS_MAX)
        self._turn = threading.Lock()
        self._sleeps_until_s = float("inf")
        self._stopping = threading.Event()
        self._commit_told = threading.Event()
        now = store.clock.mono_s()
        self._gauge = Gauge(now, self._heard_before())
        carriers = list(make_carriers(_Ear(self)))
        self._session = Session(
            Config(
                store.incarnation,
                tuple(carrier.name for carrier in carriers),
                draw,
                backoff_s_max=backoff_cap_s,
                connect_s_max=connect_s_max,
            )
        )
        self._fetcher = None if feeds is None else Fetcher(store, feeds, book, self.call_now, self._writing)
        self._blobs = None if make_blobs is None else make_blobs(partial(self.heard, "received", "https"))
        self._letters = Letters(store, book, software, devices, free_bytes)
        self._rekeying = rekeying
        self._performer = Performer(
            store,
            book,
            self._letters,
            {carrier.name: carrier for carrier in carriers},
            self._gauge,
            self._fetcher,
            identity,
            keep_identity,
            leases,
            (lambda blobs: None) if self._blobs is None else self._blobs.signed,
            rekeying,
        )
        self._pump = Pump(
            store,
            book,
            self._letters,
            self._session,
            self._performer,
            self._gauge,
            reset_feeds=lambda: None if self._fetcher is None else self._fetcher.reset(),
            ended=self._stopping.is_set,
        )
        self._certificate = certificate
        self._leases = leases
        self._looked_s = now
        self._asks_told = threading.Event()
        self._committed_s = float("-inf")
        self._foretold: tuple[tuple[int, int], Sequence[Linked]] | None = None
        self._counts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        self._store.listen(self._committed)
        self._store.foretell(self._committing)
        if self._fetcher is not None:
            self._fetcher.start()
        if self._leases is not None:
            self._leases.on_ask(self._ask)
        if self._blobs is not None:
            self._blobs.start()
        if self._certificate is not None:
            self._certificate.start()
        self._thread.start()

    def stop(self) -> None:
        """End within 1 s whatever the line does. What was not acknowledged stays in the store."""
        self._stopping.set()
        if self._fetcher is not None:
            self._fetcher.stop()
        if self._blobs is not None:
            self._blobs.stop()
        if self._certificate is not None:
            self._certificate.stop()
        self._tell("wake")
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    def call_now(self) -> None:
        """Greet the hub again: something changed that it should know, or a round met another epoch."""
        self._tell("hello")

    @contextmanager
    def aside(self, *, moves: bool) -> Iterator[int]:
        """The line stands still while a file is packed or taken in; gives the number of its hello.

        `moves`: what the disk holds changes, so the session reads it back and greets again.
        """
        if self._fetcher is not None:
            self._fetcher.reset()  # a round that waits for an answer is not waited for
        with self._turn, nullcontext() if self._fetcher is None else self._fetcher.aside():
            self._session.hello_number += 1
            try:
                yield self._session.hello_number
            finally:
                if moves:
                    self._pump.astray()
        self._tell("tick")

    @property
    def post_parts(self) -> tuple[Letters, TrustBook]:
        """What writes and opens its messages."""
        return self._letters, self._book

    @property
    def rekeying(self) -> Rekeying | None:
        """What changes its signing key; the line stands still while anybody else uses it."""
        return self._rekeying

    def take_round(self) -> None:
        """Fetch what comes down, though the hub has said nothing new: this box may hold more than before."""
        if self._fetcher is not None:
            self._fetcher.want()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def state(self) -> str:
        """The session's state, in the words of the protocol's table."""
        return self._performer.state

    def mark(self, incarnation: int, lane: int) -> int:
        """Up to which seq the hub has signed for an own stream, by what this process knows; 0 for one it forgot."""
        stream = self._session.streams.get((incarnation, lane))
        return 0 if stream is None else stream.acked

    @property
    def unsigned(self) -> int:
        """Facts for which this process, once it talks, still waits for the hub's signature; asks no disk."""
        return sum(stream.last - stream.acked for stream in list(self._session.streams.values()))

    @property
    def counts(self) -> dict[str, int]:
        """What was heard and changed nothing, by code."""
        blobs = Counter() if self._blobs is None else self._blobs.counts
        return dict(self._counts + self._pump.counts + self._performer.counts + blobs)

    def line_facts(self) -> LineFacts:
        """The numbers of this moment for the strip on the screen."""
        return self._gauge.facts(self._store.clock.mono_s(), self._outbox())

    def _heard_before(self) -> float | None:
        """How old the last signed hub time is by our wall clock; None when there never was one."""
        last_ms = self._store.floor_ms()
        return max(0.0, (self._store.clock.wall_ms() - last_ms) / 1000) if last_ms else None

    def _outbox(self) -> int:
        with self._store.read() as conn:
            written, signed = outbox.ledger(conn)
        return written - signed

    def _writing(self) -> bool:
        """Whether facts follow each other faster than people make them."""
        return self._now() - self._committed_s < IN_A_ROW_S

    def _committing(self, lane: int, links: Sequence[Linked]) -> None:
        """What is written now goes out next, where all before it is signed for: it can be sealed meanwhile.

        Only where facts come in a row. A person's one act is told to the person first: sealing takes the interpreter,
        and the commit would come back to it a quarter of a millisecond later.
        """
        if not self._writing():
            return
        place = (self._store.incarnation, lane)
        stream = self._session.streams.get(place)
        idle = stream is not None and stream.acked == stream.last == links[0].seq - 1
        if idle and len(links) <= FORESEEN_FACTS and self._session.state == TALKING:
            self._foretold = place, links
            self._tell("foresee")

    def _committed(self, changes: Sequence[Change]) -> None:
        if any(change.source == "own" for change in changes):
            self._committed_s = self._now()
        if not self._commit_told.is_set():
            self._commit_told.set()
            self._tell("commit")

    def _ask(self) -> None:
        if not self._asks_told.is_set():
            self._asks_told.set()
            self._tell("asks")

    def _tell(self, what: str, name: str = "", raw: bytes = b"") -> None:
        """Queue something for the thread. A full queue drops: what matters is asked for or sent again."""
        try:
            self._events.put_nowait((what, name, raw))
        except queue.Full:
            self._commit_told.clear()
            self._asks_told.clear()

    def heard(self, what: str, carrier: str, raw: bytes) -> None:
        """From a carrier's thread. An acknowledgement before which nothing waits is taken in it: no other need wake."""
        if what != "received" or not is_ack(raw) or not self._events.empty() or not self._turn.acquire(blocking=False):
            self._tell(what, carrier, raw)
            return
        try:
            if not self._stopping.is_set():
                self._survive(partial(self._pump.take, what, carrier, raw), pause=False)
            oversleeps = self._session.wakes_at_s < self._sleeps_until_s
        finally:
            self._turn.release()
        if oversleeps:
            self._tell("tick")

    def _run(self) -> None:
        with self._turn:
            self._survive(self._pump.begin)
        while not self._stopping.is_set():
            with self._turn:
                now = self._now()
                self._sleeps_until_s = min(now + _IDLE_S, self._session.wakes_at_s)
            wait = self._sleeps_until_s - now
            try:
                what, name, raw = self._events.get(timeout=wait) if wait > 0 else self._events.get_nowait()
            except queue.Empty:
                what, name, raw = "tick", "", b""
            if what == "foresee":
                self._survive(self._foresee)
                continue
            if what == "commit":
                self._commit_told.clear()
            elif what == "asks":
                self._asks_told.clear()
            if what in ("commit", "up") and self._blobs is not None:
                self._blobs.want()
            with self._turn:
                self._survive(partial(self._pump.take, what, name, raw))
                self._survive(self._look_at_leases)
        with self._turn:
            self._performer.hang_up()

    def _foresee(self) -> None:
        foretold, self._foretold = self._foretold, None
        if foretold is not None:
            with self._turn:
                self._letters.foresee(*foretold)

    def _look_at_leases(self) -> None:
        """Time ends leases also where nothing is heard and nobody asks."""
        if self._leases is not None and self._now() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._now()
            self._leases.look()

    def _survive(self, act: Callable[[], None], *, pause: bool = True) -> None:
        """What one event meets must not end the line: a full disk is waited for, a bug is told and gone past."""
        try:
            act()
            return
        except Unavailable as fault:
            self._counts[fault.code] += 1
            rest_s = min(fault.retry_s, _IDLE_S)
        except Exception as bug:
            self._counts["bug"] += 1
            bugs.note("link", bug)
            rest_s = bugs.PAUSE_S
        if pause:
            self._stopping.wait(rest_s)

    def _now(self) -> float:
        return self._store.clock.mono_s()


class _Ear:
    """What carriers call."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def up(self, carrier: str) -> None:
        self._link.heard("up", carrier, b"")

    def down(self, carrier: str, why: Why) -> None:
        self._link.heard(why, carrier, b"")

    def received(self, carrier: str, message: bytes) -> None:
        self._link.heard("received", carrier, message)
