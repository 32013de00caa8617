"""Credit at the door: asked for in hellos, spent by batches, told in welcomes and acknowledgements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hub.link.voice import Voice
from sync.adapters.clock import Clock
from sync.kernel import hlc
from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import CUT_FACTS, WINDOW_CONTROL
from sync.protocol.ack import Credit
from sync.protocol.batch import Header
from sync.protocol.credit import Granter
from sync.protocol.hello import Hello, HelloStream

LOOK_EVERY_S = 0.25

Held = Callable[[str, Sequence[tuple[int, int]]], Mapping[tuple[int, int], int]]
"""(node, its streams as (incarnation, lane)) -> how far each has been taken, by whichever worker."""


class Credits:
    """One hub process's turns, on its clock. Thread-safe."""

    def __init__(self, clock: Clock, voice: Voice, held: Held | None = None) -> None:
        """`held`: what all workers have taken of a node's streams, where there may be others; None: only what we see.

        A node's hello goes to one worker and its batches to any: without that, a place would be kept for a node that
        has delivered elsewhere, until a minute is over, and whoever waits here would wait for it.
        """
        self._clock = clock
        self._voice = voice
        self._held = held
        self._told_streams: dict[str, tuple[HelloStream, ...]] = {}
        self._looked_s = float("-inf")
        self._granter = Granter()
        self._lock = threading.Lock()
        self._at_once: set[str] = set()

    def greeted(self, node: str, hello: Hello) -> Credit | None:
        """What a welcome tells a node; None where nothing of its waits for credit."""
        with self._lock:
            facts = waiting_facts(hello.streams)
            self._granter.asked(node, facts, self._clock.mono_s())
            if self._held is not None:
                self._told_streams.pop(node, None)
                if facts:
                    self._told_streams[node] = hello.streams
            return self._told(node)

    def taken(self, header: Header, size: int) -> None:
        """A batch was taken, or was there already."""
        if header.lane != LIVE:
            with self._lock:
                self._granter.taken(header.node, header.count, size, self._clock.mono_s())

    def told(self, node: str) -> Credit | None:
        """What an acknowledgement tells a node."""
        with self._lock:
            return self._told(node)

    def turns(self) -> list[tuple[str, Credit]]:
        """Nodes whose turn has come and who were not told yet: an acknowledgement of its own for each."""
        with self._lock:
            self._admit()
            fresh, self._at_once = sorted(self._at_once), set()
            return [(node, credit) for node in fresh if (credit := self._told(node)) is not None]

    def _look(self, held: Held) -> None:
        """Who has a turn here may have delivered to another worker. Asked only while somebody waits, and seldom."""
        now_s = self._clock.mono_s()
        if not self._granter.waiting or now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        for node in self._granter.active:
            streams = self._told_streams.get(node, ())
            upto = held(node, [(each.incarnation, each.lane) for each in streams])
            now = [replace(each, acked=upto.get((each.incarnation, each.lane), each.acked)) for each in streams]
            self._granter.waits(node, waiting_facts(now))

    def _admit(self) -> None:
        if self._held is not None:
            self._look(self._held)
        self._at_once.update(self._granter.admit(self._clock.mono_s()))

    def _told(self, node: str) -> Credit | None:
        self._admit()
        self._at_once.discard(node)
        turn = self._granter.turn(node, self._clock.mono_s())
        if turn is None:
            return None
        now_ms = hlc.ms_of(self._voice.hub_time())
        return Credit(turn.bytes, turn.batches, now_ms + round(turn.wait_s * 1000), turn.good_for_s)


def waiting_facts(streams: Iterable[HelloStream]) -> int:
    """Facts of a node that wait for credit: bulk, and what control has beyond its own window."""
    waits = {CONTROL: 0, BULK: 0}
    for stream in streams:
        if stream.lane in waits:
            waits[stream.lane] += max(0, stream.last - stream.acked)
    return waits[BULK] + max(0, waits[CONTROL] - WINDOW_CONTROL * CUT_FACTS)
