"""Two ends joined by a false wire: real bytes, a clock that jumps from event to event, one seed.

First trouble (loss, duplicates, reorder, cuts, a restart of the process, a hub put back to an earlier log), then calm;
in calm everything written is in the hub's log, once and in order, within a bound.
"""

import heapq
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.kernel import chain
from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol import events as do
from sync.protocol import message, states
from sync.protocol.ack import Ack, Credit, StreamAck, acked_digest
from sync.protocol.batch import Withheld, is_batch, make_batch, open_batch, parse_header
from sync.protocol.config import Config
from sync.protocol.hello import Hello, HelloStream, Welcome
from sync.protocol.inbound import Append, Equivocation, Park, StreamView, place
from sync.protocol.session import Session
from tests.soak import many

NODE, HUB = "courier-a3k7q2xw", "hub-b4l8r3yz"
NODE_KEY, HUB_KEY, SEALING = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
NODE_PUBLIC, HUB_PUBLIC = suite1.signing_public(NODE_KEY), suite1.signing_public(HUB_KEY)
SEAL_TO = suite1.sealing_public(SEALING)
TROUBLE_S, CALM_S = 120.0, 400.0
CREDIT = Credit(262_144, 4, 0, 60)


class Own:
    """A stream in the box's log."""

    def __init__(self) -> None:
        self.facts: list[bytes] = []
        self.hashes: list[bytes] = [chain.H0]
        self.acked = 0
        self.withheld: set[int] = set()


class Hub:
    """Keeps what proves good, and says so. `bad`: facts that make it refuse the whole batch, as an old hub might."""

    def __init__(self) -> None:
        self.logs: dict[tuple[int, int], list[bytes]] = {}
        self.held: dict[tuple[int, int], list[object]] = {}
        self.parked: dict[tuple[int, int], dict[int, bytes]] = {}
        self.epoch = 1
        self.bad: set[bytes] = set()
        self.equivocations = 0

    def take(self, raw: bytes) -> bytes:
        if not is_batch(raw):
            opened = message.open_message(raw, keys=lambda signer, key_id: NODE_PUBLIC, audience=HUB, suite=suite1)
            hello = Hello.read(opened.body)
            told = tuple(self.told((s.incarnation, s.lane)) for s in hello.streams)
            welcome = Welcome((hello.incarnation, hello.number), Ack(told, 5 << 16, CREDIT))
            return self.say(message.WELCOME, welcome.body())
        header = parse_header(raw)
        name, refused = (header.incarnation, header.lane), ()
        try:
            self.keep(raw)
        except PeerFault as fault:
            refused = ((header.first, fault.code),)
        gaps = ()
        if ahead := self.parked.get(name):
            gaps = ((len(self.logs.get(name, [])) + 1, min(ahead) - 1),)
        return self.say(message.ACK, Ack((self.told(name, gaps, refused),), 5 << 16, CREDIT).body())

    def keep(self, raw: bytes) -> None:
        opened = open_batch(raw, parse_header(raw), public_key=NODE_PUBLIC, open_key=SEALING, suite=suite1)
        if self.bad.intersection(item for item in opened.items if isinstance(item, bytes)):
            raise PeerFault("batch.body")
        name = (opened.header.incarnation, opened.header.lane)
        log, held = self.logs.setdefault(name, []), self.held.setdefault(name, [])
        view = StreamView(len(log), False, lambda seq: log[seq - 1])
        placed = place(view, first=opened.header.first, prev=opened.header.prev, hashes=opened.hashes)
        self.equivocations += isinstance(placed, Equivocation)
        if isinstance(placed, Park):
            self.parked.setdefault(name, {})[opened.header.first] = raw
        elif isinstance(placed, Append):
            log += opened.hashes[placed.skip :]
            held += opened.items[placed.skip :]
            waiting = self.parked.pop(name, {})
            for first in sorted(waiting):
                self.keep(waiting[first])

    def told(self, name: tuple[int, int], gaps=(), refused=()) -> StreamAck:
        log = self.logs.get(name, [])
        return StreamAck(*name, len(log), log[-1] if log else chain.H0, 0, gaps, refused)

    def say(self, kind: int, body) -> bytes:
        return message.make_message(
            kind, body, signer=HUB, audience=NODE, epoch=self.epoch, signing_key=HUB_KEY, suite=suite1
        )


class World:
    """One box, one hub, one clock."""

    def __init__(self, seed: int, carriers: tuple[str, ...] = ("mqtt", "https")) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.calm = False
        self.carriers = carriers
        self.hub = Hub()
        self.own: dict[tuple[int, int], Own] = {}
        self.incarnation = 0
        self.epoch = 0
        self.links: dict[str, int] = {}
        self.calls = itertools.count()
        self.wire: list[tuple[float, int, tuple]] = []
        self.alarms: list[str] = []
        self.shown: list[str] = []
        self.hellos = 0
        self.start()

    def start(self) -> None:
        """The process starts (again): what was on its way to it is lost, its streams are on the disk."""
        self.incarnation += 1
        self.links.clear()
        for lane in (CONTROL, LIVE, BULK):
            self.own[self.incarnation, lane] = Own()
        self.session = Session(Config(self.incarnation, self.carriers, self.rng.random, backoff_s_max=8.0))
        self.write(CONTROL, 1)
        self.on(do.Started(self.streams(), self.epoch))

    def streams(self) -> tuple[do.OwnStream, ...]:
        return tuple(
            do.OwnStream(*name, len(own.facts), own.acked)
            for name, own in self.own.items()
            if own.acked < len(own.facts) or name[0] == self.incarnation
        )

    def write(self, lane: int, count: int, fact: bytes | None = None) -> None:
        own = self.own[self.incarnation, lane]
        links = chain.Chain(suite1.hasher, NODE, self.incarnation, lane)
        for _ in range(count):
            seq = len(own.facts) + 1
            own.facts.append(fact or f"{self.incarnation}/{lane}/{seq} ".encode() * 3)
            own.hashes.append(links.link(seq, own.hashes[-1], suite1.hash(own.facts[-1])))
        self.on(do.FactCommitted(self.incarnation, lane, len(own.facts)))

    def on(self, event: do.Event) -> None:
        todo: list[do.Event] = [event]
        while todo:
            for effect in self.session.on(todo.pop(0), self.now):
                todo += self.perform(effect)

    def perform(self, effect: do.Effect) -> list[do.Event]:
        match effect:
            case do.Connect(carrier):
                call = self.links[carrier] = next(self.calls)
                works = self.calm or self.rng.random() < 0.7
                self.later(self.rng.uniform(0.01, 1.0), ("up" if works else "down", carrier, call))
            case do.Disconnect(carrier):
                self.links.pop(carrier, None)
            case do.SendHello(carrier, number):
                rows = self.streams()
                digest = acked_digest(suite1.hasher, [self.own[s.incarnation, s.lane].hashes[s.acked] for s in rows])
                told = tuple(HelloStream(s.incarnation, s.lane, s.last, s.acked, 1) for s in rows)
                self.hellos += 1
                body = Hello("test", self.incarnation, number, told, digest).body()
                self.up(
                    carrier,
                    message.make_message(
                        message.HELLO,
                        body,
                        signer=NODE,
                        audience=HUB,
                        epoch=self.epoch,
                        signing_key=NODE_KEY,
                        suite=suite1,
                    ),
                )
            case do.CutAndSend(carrier, incarnation, lane, first, facts_max, bytes_max):
                last = self.cut((incarnation, lane), first, facts_max, bytes_max)
                self.send(carrier, (incarnation, lane), first, last)
                return [do.BatchCut(incarnation, lane, first, last)]
            case do.Resend(carrier, incarnation, lane, first, last):
                self.send(carrier, (incarnation, lane), first, last)
            case do.ApplyAck(ack):
                return [self.apply(row) for row in ack.streams]
            case do.RaiseEpoch(epoch):
                self.epoch = epoch
                for own in self.own.values():
                    own.acked = 0
                return [do.EpochRaised(self.streams())]
            case do.Withhold(incarnation, lane, seq):
                self.own[incarnation, lane].withheld.add(seq)
            case do.Alarm(code):
                self.alarms.append(code)
            case do.ShowState(state):
                self.shown.append(state)
        return []

    def cut(self, name: tuple[int, int], first: int, facts_max: int, bytes_max: int) -> int:
        facts, size, last = self.own[name].facts, 0, first - 1
        while last < len(facts) and last - first + 1 < facts_max and size <= bytes_max:
            size += len(facts[last])
            last += 1
        return last

    def send(self, carrier: str, name: tuple[int, int], first: int, last: int) -> None:
        own = self.own[name]
        if last < first:
            return
        items = [
            Withheld(suite1.hash(own.facts[seq - 1])) if seq in own.withheld else own.facts[seq - 1]
            for seq in range(first, last + 1)
        ]
        raw = make_batch(
            node=NODE, incarnation=name[0], lane=name[1], first=first, prev_hash=own.hashes[first - 1], items=items,
            signing_key=NODE_KEY, hub_seal_key=SEAL_TO, suite=suite1,
)  # fmt: skip
        self.up(carrier, raw)

    def apply(self, row: StreamAck) -> do.AckApplied:
        name = (row.incarnation, row.lane)
        own = self.own[name]
        if row.upto > len(own.facts):
            return do.AckApplied(*name, own.acked, "rewound")
        if own.hashes[row.upto] != row.h:
            return do.AckApplied(*name, own.acked, "other-history")
        own.acked = max(own.acked, row.upto)
        return do.AckApplied(*name, own.acked)

    def up(self, carrier: str, raw: bytes) -> None:
        self.carry(("to hub", carrier, self.links.get(carrier), raw))

    def carry(self, what: tuple) -> None:
        """Lose it, or deliver it once or twice, soon or late."""
        if not self.calm and self.rng.random() < 0.25:
            return
        for _ in range(1 if self.calm or self.rng.random() < 0.8 else 2):
            self.later(0.01 if self.calm else self.rng.expovariate(1.0), what)

    def later(self, delay_s: float, what: tuple) -> None:
        heapq.heappush(self.wire, (self.now + delay_s, next(self.calls), what))

    def deliver(self, what: tuple) -> None:
        kind, carrier, call, *rest = what
        if self.links.get(carrier) != call:
            return  # of a link that is gone
        if kind == "up":
            self.on(do.CarrierUp(carrier))
        elif kind == "down":
            del self.links[carrier]
            self.on(do.CarrierDown(carrier))
        elif kind == "to hub":
            self.carry(("to box", carrier, call, self.hub.take(rest[0])))
        else:
            opened = message.open_message(rest[0], keys=lambda signer, key_id: HUB_PUBLIC, audience=NODE, suite=suite1)
            self.on(do.Received(opened, rest[0]))

    def run(self, until: float, done=lambda: False) -> None:
        """Jump from event to event."""
        while self.now < until and not done():
            wakes = self.session.wakes_at_s
            at = min(self.wire[0][0] if self.wire else float("inf"), wakes, until)
            if at == until:
                self.now = until
                self.on(do.Tick())
                return
            self.now = max(self.now, at)
            if self.wire and self.wire[0][0] <= self.now:
                self.deliver(heapq.heappop(self.wire)[2])
            else:
                self.on(do.Tick())
                assert self.session.wakes_at_s > self.now, "a tick at the asked time leaves nothing due"

    def cut_line(self, carrier: str) -> None:
        del self.links[carrier]
        self.on(do.CarrierDown(carrier))

    def hub_goes_back(self) -> None:
        """A restore: an earlier log under a higher epoch. Its process was down, so every line was cut."""
        self.hub.epoch += 1
        self.hub.parked.clear()
        for name, log in self.hub.logs.items():
            keep = self.rng.randint(0, len(log))
            del log[keep:], self.hub.held[name][keep:]
        for carrier in sorted(self.links):
            self.cut_line(carrier)

    def drained(self) -> bool:
        return self.epoch == self.hub.epoch and all(own.acked == len(own.facts) for own in self.own.values())

    def check(self) -> None:
        assert self.drained(), (self.session.state, self.streams(), self.shown[-6:])
        for name, own in self.own.items():
            assert self.hub.logs.get(name, []) == own.hashes[1:]
        assert self.hub.equivocations == 0


def trouble(world: World, restarts: bool, hub_goes_back: bool) -> None:
    while world.now < TROUBLE_S:
        world.run(world.now + world.rng.expovariate(0.5))
        match world.rng.randrange(12):
            case 0 if restarts:
                world.start()
            case 1 if hub_goes_back:
                world.hub_goes_back()
            case 2 | 3 if world.links:
                world.cut_line(world.rng.choice(sorted(world.links)))
            case 4:
                world.on(do.HelloWanted())
            case 5:
                world.write(BULK, world.rng.randint(1, 1500))
            case 6:
                world.write(CONTROL, 1)
            case _:
                world.write(LIVE, world.rng.randint(1, 40))


@given(st.integers(0, 2**32), st.booleans(), st.booleans())
@settings(max_examples=many(25, 1_000))
def test_after_trouble_everything_arrives_once_and_in_order(seed: int, restarts: bool, hub_goes_back: bool) -> None:
    world = World(seed)
    trouble(world, restarts, hub_goes_back)
    world.calm = True
    world.run(world.now + CALM_S, world.drained)
    world.check()


@given(st.integers(0, 2**32), st.sets(st.integers(1, 60), min_size=1, max_size=3))
@settings(max_examples=many(15, 600))
def test_facts_that_the_hub_refuses_are_withheld_alone(seed: int, bad: set[int]) -> None:
    world = World(seed, ("mqtt",))
    world.calm = True
    for n in range(1, 61):
        fact = b"poison %d" % n if n in bad else None
        if fact:
            world.hub.bad.add(fact)
        world.write(LIVE, 1, fact)
    world.run(1500.0, world.drained)
    world.check()
    held = world.hub.held[1, LIVE]
    assert {seq for seq, item in enumerate(held, 1) if isinstance(item, Withheld)} == bad
    assert world.own[1, LIVE].withheld == bad
    assert world.alarms.count("fact.withheld") == len(bad)


def test_a_lone_fact_on_a_good_line_is_acknowledged_at_once() -> None:
    world = World(1)
    world.calm = True
    world.run(30.0, lambda: world.session.state == states.TALKING and world.drained())
    before = world.now
    world.write(LIVE, 1)
    world.run(before + 10, world.drained)
    assert world.now - before == pytest.approx(0.02)


def test_a_backlog_leaves_in_full_batches_within_the_windows() -> None:
    world = World(2, ("mqtt",))
    world.calm = True
    world.write(BULK, 5000)
    world.write(LIVE, 15_000)
    flying = 0
    while not world.drained():
        world.run(world.now + 0.005)
        sent = [len(stream.flights) for stream in world.session.streams.values() if stream.lane == LIVE]
        bulk = [len(stream.flights) for stream in world.session.streams.values() if stream.lane == BULK]
        assert sum(sent) <= 8
        assert sum(bulk) <= CREDIT.batches
        flying = max(flying, sum(sent))
        assert world.now < 60
    assert flying == 8
    world.check()


def test_the_idle_line_is_idle() -> None:
    world = World(3, ("mqtt",))
    world.calm = True
    world.run(30.0)
    hellos, wire = world.hellos, len(world.wire)
    world.run(3630.0)
    assert 3 <= world.hellos - hellos <= 5
    assert wire == 0
