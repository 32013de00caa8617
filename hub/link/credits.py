"""Credit at the door: asked for in hellos, spent by batches, told in welcomes and acknowledgements."""

from __future__ import annotations

import threading

from hub.link.voice import Voice
from sync.adapters.clock import Clock
from sync.kernel import hlc
from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import CUT_FACTS, WINDOW_CONTROL
from sync.protocol.ack import Credit
from sync.protocol.batch import Header
from sync.protocol.credit import Granter
from sync.protocol.hello import Hello


class Credits:
    """One hub process's turns, on its clock. Thread-safe."""

    def __init__(self, clock: Clock, voice: Voice) -> None:
        self._clock = clock
        self._voice = voice
        self._granter = Granter()
        self._lock = threading.Lock()
        self._at_once: set[str] = set()

    def greeted(self, node: str, hello: Hello) -> Credit | None:
        """What a welcome tells a node; None where nothing of its waits for credit."""
        with self._lock:
            self._granter.asked(node, waiting_facts(hello), self._clock.mono_s())
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

    def _admit(self) -> None:
        self._at_once.update(self._granter.admit(self._clock.mono_s()))

    def _told(self, node: str) -> Credit | None:
        self._admit()
        self._at_once.discard(node)
        turn = self._granter.turn(node, self._clock.mono_s())
        if turn is None:
            return None
        now_ms = hlc.ms_of(self._voice.hub_time())
        return Credit(turn.bytes, turn.batches, now_ms + round(turn.wait_s * 1000), turn.good_for_s)


def waiting_facts(hello: Hello) -> int:
    """Facts of a node that wait for credit: bulk, and what control has beyond its own window."""
    waits = {CONTROL: 0, BULK: 0}
    for stream in hello.streams:
        if stream.lane in waits:
            waits[stream.lane] += max(0, stream.last - stream.acked)
    return waits[BULK] + max(0, waits[CONTROL] - WINDOW_CONTROL * CUT_FACTS)
