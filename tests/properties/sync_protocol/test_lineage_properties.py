"""Disks that live on, are put back and are copied, told to a hub in any order: every fork is found, nothing else is."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.kernel.ids import LANES
from sync.protocol import lineage
from sync.protocol.lineage import Family, Head, Opening
from tests.soak import many

H = bytes(32)


class Disk:
    """What one disk knows: its newest stream of each lane, and the start that runs on it."""

    def __init__(self) -> None:
        self.now: int | None = None
        self.ends: dict[int, tuple[int, int]] = {}

    def copy(self) -> Disk:
        made = Disk()
        made.now, made.ends = self.now, dict(self.ends)
        return made


class Truth:
    """A node's real life. `facts`: (incarnation, lane, seq) in the order written."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.openings: dict[int, Opening] = {}
        self.facts: list[tuple[int, int, int]] = []
        self.hellos: list[list[tuple[int, int, int]]] = []
        self.started = 0

    def start(self, disk: Disk) -> None:
        self.started += 1
        name = self.started
        heads = tuple(Head(inc, lane, last, H) for lane, (inc, last) in sorted(disk.ends.items()))
        self.openings[name] = Opening(name, disk.now, heads)
        disk.now = name
        self._write(disk, 0)

    def work(self, disk: Disk) -> None:
        for _ in range(self.rng.randint(0, 4)):
            self._write(disk, self.rng.choice(LANES))
        if self.rng.random() < 0.5:
            self.hellos.append([(inc, lane, last) for lane, (inc, last) in disk.ends.items()])

    def _write(self, disk: Disk, lane: int) -> None:
        assert disk.now is not None
        inc, last = disk.ends.get(lane, (disk.now, 0))
        seq = last + 1 if inc == disk.now else 1
        disk.ends[lane] = (disk.now, seq)
        self.facts.append((disk.now, lane, seq))


class Hub:
    """Learns streams in order, each at its own pace, and hellos late; judges whenever it learns something."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.known: list[Opening] = []
        self.held: dict[tuple[int, int], int] = {}
        self.told: dict[tuple[int, int], int] = {}
        self.forked: set[int] = set()

    def learn_fact(self, incarnation: int, lane: int, seq: int) -> None:
        self.held[incarnation, lane] = seq
        if (lane, seq) == (0, 1):
            opening = self.truth.openings[incarnation]
            self.known.append(opening)
            self._judge(opening.before)
        self._judge(incarnation)

    def learn_hello(self, heads: list[tuple[int, int, int]]) -> None:
        for incarnation, lane, last in heads:
            self.told[incarnation, lane] = max(last, self.told.get((incarnation, lane), 0))
            self._judge(incarnation)

    def _judge(self, of: int | None) -> None:
        family = Family(
            of,
            [opening for opening in self.known if opening.before == of],
            held={lane: last for (inc, lane), last in self.held.items() if inc == of},
            told={lane: last for (inc, lane), last in self.told.items() if inc == of},
            forked=frozenset(self.forked),
        )
        self.forked |= {fork.incarnation for fork in lineage.judge(family)}


def tell(truth: Truth, hub: Hub, rng: random.Random, lost: frozenset[int] = frozenset()) -> None:
    """Streams in any order against each other, each in its own order; hellos in between. `lost` starts never come."""
    streams: dict[tuple[int, int], list[int]] = {}
    for incarnation, lane, seq in truth.facts:
        if incarnation not in lost:
            streams.setdefault((incarnation, lane), []).append(seq)
    hellos = [hello for hello in truth.hellos if not any(inc in lost for inc, _, _ in hello)]
    while streams or hellos:
        if hellos and rng.random() < 0.2:
            hub.learn_hello(hellos.pop(rng.randrange(len(hellos))))
            continue
        if not streams:
            continue
        name = rng.choice(sorted(streams))
        hub.learn_fact(*name, streams[name].pop(0))
        if not streams[name]:
            del streams[name]


seeds = st.integers(0, 2**32)


@settings(max_examples=many(300, 12_000), deadline=None)
@given(seeds, st.integers(1, 9))
def test_ordinary_restarts_raise_no_alarm_in_whatever_order_they_are_heard(seed: int, starts: int) -> None:
    rng = random.Random(seed)
    truth, disk = Truth(rng), Disk()
    for _ in range(starts):
        truth.start(disk)
        truth.work(disk)
    hub = Hub(truth)
    tell(truth, hub, rng)
    assert hub.forked == set()


@settings(max_examples=many(300, 12_000), deadline=None)
@given(seeds, st.integers(1, 5), st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_a_disk_put_back_or_copied_is_found_once_both_are_known(
    seed: int, before: int, first: int, second: int, restarts: bool
) -> None:
    """Whichever life is heard first, the node is forked, and the two never bear the same line."""
    rng = random.Random(seed)
    truth, disk = Truth(rng), Disk()
    for _ in range(before):
        truth.start(disk)
        truth.work(disk)
    copy = disk.copy()
    shared = set(truth.openings)
    if restarts:
        for _ in range(first):
            truth.start(disk)
            truth.work(disk)
    else:
        truth._write(disk, rng.choice(LANES))
    common = set(truth.openings)
    for _ in range(second):
        truth.start(copy)
        truth.work(copy)
    hub = Hub(truth)
    tell(truth, hub, rng)
    assert hub.forked
    numbered = {name: n for n, name in enumerate(sorted(hub.forked), 1)}
    lines = lineage.lines(list(truth.openings.values()), numbered)
    one = {lines[name] for name in common - shared} or {0}
    other = {lines[name] for name in set(truth.openings) - common}
    assert one.isdisjoint(other)


@settings(max_examples=many(200, 8_000), deadline=None)
@given(seeds, st.integers(2, 7))
def test_a_start_that_never_comes_raises_no_alarm(seed: int, starts: int) -> None:
    """A node that was shut off for good in between: what is missing is waited for, not judged."""
    rng = random.Random(seed)
    truth, disk = Truth(rng), Disk()
    for _ in range(starts):
        truth.start(disk)
        truth.work(disk)
    hub = Hub(truth)
    tell(truth, hub, rng, lost=frozenset({rng.randint(1, starts)}))
    assert hub.forked == set()
