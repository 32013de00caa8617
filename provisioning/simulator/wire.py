"""The line between boxes and hub: two carriers that lose, double, hold up, cut and lie as the weather has it.

A message on MQTT goes through a broker that outlives the hub, keeps the last head of each scope and answers for what
it then drops. HTTPS keeps its order, and whoever is not answered there loses the line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from provisioning.simulator.site import Machine, Site
from sync.kernel.outcome import Unavailable

MQTT, HTTPS = "mqtt", "https"
ANSWER_S = 10.0
KEEPALIVE_S = 60.0
T = TypeVar("T")


class SimCarrier:
    """One box's way to the hub. Source: the contract in `sync.adapters.carrier`."""

    def __init__(self, box: Machine, name: str) -> None:
        self.box = box
        self.name = name
        self.up = False
        self.labels: frozenset[str] = frozenset()
        self._talk = 0
        self._calling = False

    def open(self) -> None:
        if self.up or self._calling:
            return
        self._talk += 1
        self._calling = True
        wire = self.box.world.wire
        self.box.after(wire.delay_s(self.box, "call"), f"{self.name} call", partial(self._called, self._talk))

    def _called(self, talk: int) -> None:
        if talk != self._talk:
            return
        self._calling = False
        world = self.box.world
        if world.wire.is_cut(self.box, "up") or world.wire.is_cut(self.box, "down"):
            self.box.hear("no-answer", self.name)
        elif self.name == HTTPS and not world.hub.alive:
            self.box.hear("refused", self.name)
        else:
            self.up = True
            self.box.hear("up", self.name)
            if self.name == MQTT:
                for label in sorted(self.labels & world.wire.retained.keys()):
                    world.wire.down(self, world.wire.retained[label])

    def send(self, message: bytes) -> bool:
        if self.up:
            self.box.world.wire.upwards(self, message)
        return self.up

    def hold(self, labels: frozenset[str]) -> None:
        self.labels = labels

    def close(self) -> None:
        self._talk += 1
        self.up = self._calling = False

    def lose(self, talk: int | None = None) -> None:
        """The talk ends from outside. `talk`: only that one."""
        if self.up and talk in (None, self._talk):
            self.close()
            self.box.hear("lost", self.name)

    def lose_later(self, in_s: float) -> None:
        """Nobody answers, and it is noticed after a while."""
        self.box.after(in_s, f"{self.name} lost", partial(self.lose, self._talk))


class Wire:
    """Every line of the site, and the broker."""

    def __init__(self, world: Site) -> None:
        self._world = world
        self.retained: dict[str, bytes] = {}
        self.longest_s = 0.0
        """How long anything was on its way until now: by so much a box may know the hub's time too late."""
        self.cut_until: dict[tuple[str, str], float] = {}
        self._free_at: dict[tuple[str, str], float] = {}
        self.flying = 0

    def is_cut(self, box: Machine, way: str) -> bool:
        """`way`: up or down."""
        return self._world.trouble and self.cut_until.get((box.label, way), 0.0) > self._world.now_s

    def cut(self, box: Machine, ways: tuple[str, ...], for_s: float) -> None:
        """Nothing passes for a while. A broker's client notices by its keep-alive."""
        for way in ways:
            self.cut_until[box.label, way] = self._world.now_s + for_s
        if for_s > KEEPALIVE_S and box.alive:
            box.carriers[MQTT].lose_later(1.5 * KEEPALIVE_S)

    def delay_s(self, box: Machine, way: str) -> float:
        """How long something takes on this box's line. `way`: what it is."""
        world, where = self._world, f"{box.label} {way}"
        if world.chance("delay", where):
            world.hit("delay")
            dice = world.dice(f"delayed {where}")
            taken_s = dice.choice((0.3, 1.0, 3.0, 9.0, 40.0)) * dice.random()
        else:
            taken_s = 0.001 + 0.02 * world.dice(f"takes {where}").random()
        self.longest_s = max(self.longest_s, taken_s)
        return taken_s

    def upwards(self, carrier: SimCarrier, raw: bytes) -> None:
        """From a box to the hub."""
        world, box = self._world, carrier.box
        if carrier.name == MQTT and world.chance("broker-lies", box.label):
            world.hit("broker-lies")
            world.tell(f"{box.label} up taken and dropped")
            return
        for delay_s, data in self._passes(carrier, "up", raw):
            self._fly(delay_s, f"{box.label} up {kind_of(data)}", partial(world.hub.arrives, carrier, data))

    def down(self, carrier: SimCarrier, raw: bytes) -> None:
        """From the hub, or the broker, to a box."""
        for delay_s, data in self._passes(carrier, "down", raw):
            name = f"{carrier.box.label} down {kind_of(data)}"
            self._fly(delay_s, name, partial(self._arrives, carrier, carrier.box.starts, data))

    def _fly(self, delay_s: float, name: str, land: Callable[[], None]) -> None:
        self.flying += 1

        def landed() -> None:
            self.flying -= 1
            land()

        self._world.after(delay_s, name, landed)

    def _arrives(self, carrier: SimCarrier, start: int, raw: bytes) -> None:
        if carrier.up and carrier.box.starts == start:
            carrier.box.hear("received", carrier.name, raw)

    def _passes(self, carrier: SimCarrier, way: str, raw: bytes) -> list[tuple[float, bytes]]:
        """How often, when and in which state a message arrives."""
        world, where = self._world, f"{carrier.box.label} {way}"
        if self.is_cut(carrier.box, way) or world.chance("loss", where):
            world.hit("loss")
            world.tell(f"{carrier.box.label} {way} lost")
            if carrier.name == HTTPS:
                carrier.lose_later(ANSWER_S)
            return []
        if world.chance("garble", where):
            world.hit("garble")
            raw = garbled(raw, world.dice(f"garbled {where}").randrange(1 << 30))
        copies = [(self.delay_s(carrier.box, way), raw)]
        if carrier.name == HTTPS:
            place = (carrier.box.label, way)
            at_s = max(self._free_at.get(place, 0.0), world.now_s + copies[0][0])
            self._free_at[place] = at_s
            return [(at_s - world.now_s, raw)]
        if world.chance("duplicate", where):
            world.hit("duplicate")
            copies.append((self.delay_s(carrier.box, way) * 20, raw))
        return copies

    def publish(self, label: str, raw: bytes) -> None:
        """The hub rings for a scope: the broker keeps the head and tells who listens."""
        self.retained[label] = raw
        for box in self._world.machines:
            for carrier in box.carriers.values():
                if carrier.up and label in carrier.labels:
                    self.down(carrier, raw)

    def ask(self, box: Machine, question: Callable[[], T]) -> T:
        """One call and its answer over HTTPS; the rest of the site goes on meanwhile. Raises Unavailable."""
        self._there_or_not(box, "up")
        if not self._world.hub.alive:
            raise Unavailable("line.refused", 2.0)
        answer = self._world.hub.living(question)
        if answer is None:
            raise Unavailable("line.lost", 2.0)
        self._there_or_not(box, "down")
        return answer

    def _there_or_not(self, box: Machine, way: str) -> None:
        world = self._world
        lost = self.is_cut(box, way) or world.chance("loss", f"{box.label} ask {way}")
        box.wait(ANSWER_S if lost else self.delay_s(box, f"ask {way}"))
        if lost:
            world.hit("loss")
            raise Unavailable("line.no-answer", 2.0)


def kind_of(raw: bytes) -> str:
    """What a message claims to be: its magic and type."""
    return f"{raw[:4].decode('ascii', 'replace')}{raw[6] if len(raw) > 6 else ''}"


def garbled(raw: bytes, n: int) -> bytes:
    """One bit of the message is another, or its end is missing."""
    at = n % len(raw)
    if n % 5 == 0:
        return raw[:at]
    return raw[:at] + bytes((raw[at] ^ (1 << n % 8),)) + raw[at + 1 :]
