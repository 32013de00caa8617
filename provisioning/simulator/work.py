"""What people do in a schedule: lists at the hub, scans at the boxes, records that move between wards."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from provisioning.simulator.plan import WARDS, Event, Hand, Shape
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.fleet import facts as fleet
from sync.domain.patients import facts as patients
from sync.domain.tracking import facts as stays
from sync.kernel.ids import BULK

if TYPE_CHECKING:
    from provisioning.simulator.box import Box
    from provisioning.simulator.world import World

RECORDS = tuple(f"0073{n:04d}-1" for n in range(8))
NAMES = ("仇建国", "区小英", "解放", "查良")
ENROL_S = 20.0


DOINGS: Mapping[str, int] = {
    "list": 2, "move": 1, "withdraw": 1, "seal": 1,
    "scan": 4, "pile": 1, "note": 1, "undo": 1, "bulk": 1, "receive": 1,
}  # fmt: skip
"""How often each thing is done, in parts of the whole."""
AT_HUB = frozenset({"list", "move", "withdraw", "seal"})
WHOLE = 14


def draw_work(seed: int, shape: Shape) -> list[Event]:
    """Everything that people do, each kind by chance of its own. Box 0 joins at once, others may join later."""
    rng = random.Random(f"{seed} work")
    events = [
        Event(0.0 if n == 0 or rng.random() < 0.7 else round(rng.uniform(0, shape.lasts_s / 2), 3), "enrol", n, 0)
        for n in range(shape.boxes)
    ]
    doings = rng.choice((10, 20, 35))
    for what, parts in DOINGS.items():
        own = random.Random(f"{seed} work {what}")
        for _ in range(doings):
            if own.random() < parts / WHOLE:
                who = -1 if what in AT_HUB else own.randrange(shape.boxes)
                events.append(Event(round(own.uniform(0.5, shape.lasts_s), 3), what, who, own.getrandbits(48)))
    return events


def _enrol(world: World, event: Event) -> None:
    box = world.boxes[event.who]
    if not box.enrolled:
        box.enrolled = world.staff.enrol(box)
        if not box.enrolled:
            world.after(ENROL_S, "enrol again", partial(_enrol, world, event))
            return
    box.start()


def _list(world: World, event: Event) -> None:
    rng = event.draw
    key, ward, name = rng.choice(RECORDS), rng.choice(WARDS), rng.choice(NAMES)
    at = world.hub.clock.wall_ms()

    def write(unit: Unit) -> None:
        unit.append(stays.opened(key, ward=ward, admitted_on=None, event_at_ms=at, control=f"a{event.n}"))
        unit.append(
            stays.discharged(key, ward=ward, discharged_on="2026-11-17", event_at_ms=at + 1, control=f"b{event.n}")
        )
        unit.append(
            patients.listed(key, name=name, sex="M", ward=ward, discharged_on="2026-11-17", initials="", settles=False)
        )

    world.staff.act(write)


def _move(world: World, event: Event) -> None:
    rng = event.draw
    key, ward = rng.choice(RECORDS), rng.choice(WARDS)
    # A message about the past: it sorts before what is known.
    at = world.hub.clock.wall_ms() - rng.choice((0, 0, 3_600_000))
    world.staff.act(
        lambda unit: unit.append(stays.moved(key, ward=ward, event_at_ms=at, control=f"m{event.n}")) and None
    )


def _withdraw(world: World, event: Event) -> None:
    key = event.draw.choice(RECORDS)
    world.staff.act(lambda unit: unit.append(patients.withdrawn(key)) and None)


def _seal(world: World, event: Event) -> None:
    key = event.draw.choice(RECORDS)
    world.staff.act(lambda unit: unit.append(stays.sealed(key, "office")) and None)


def scan_into(unit: Unit, box: Box, rng: random.Random, lane: int | None = None) -> None:
    """One record collected."""
    key = rng.choice(RECORDS)
    unit.append(
        stays.collected(
            key,
            round_key=f"{box.node}.0000000{rng.randrange(3)}",
            ward=rng.choice(WARDS),
            verdict="good",
            how="gun",
            read_no=key.split("-")[0],
            at_ms=max(0, box.clock.wall_ms()),
            list_as_of_ms=0,
        ),
        scopes=("site:stays",),
        lane=lane,
    )


def _scan(world: World, event: Event) -> None:
    box = world.boxes[event.who]
    box.act(lambda unit: scan_into(unit, box, event.draw))


def _pile(world: World, event: Event) -> None:
    """Several records scanned in one go."""
    box, rng = world.boxes[event.who], event.draw

    def write(unit: Unit) -> None:
        for _ in range(rng.randint(2, 12)):
            scan_into(unit, box, rng)

    box.act(write)


def _bulk(world: World, event: Event) -> None:
    box, rng = world.boxes[event.who], event.draw

    def write(unit: Unit) -> None:
        for _ in range(rng.randint(1, 8)):
            scan_into(unit, box, rng, BULK)

    box.act(write)


def _note(world: World, event: Event) -> None:
    box = world.boxes[event.who]
    box.act(lambda unit: unit.append(fleet.noted(box.node, "list.exported", detail=str(event.n))) and None)


def _undo(world: World, event: Event) -> None:
    """The last scan of a record is taken back by whoever sees it."""
    box, key = world.boxes[event.who], event.draw.choice(RECORDS)

    def write(unit: Unit) -> None:
        stay = unit.state(stays.STAY, key)
        if stay is not None and stay.collections:
            unit.append(stays.collection_undone(key, stay.collections[-1].fact, "mistake"))
        else:
            scan_into(unit, box, event.draw)

    box.act(write)


def _receive(world: World, event: Event) -> None:
    box, key = world.boxes[event.who], event.draw.choice(RECORDS)
    if box.role != "records":
        _scan(world, event)
        return
    box.act(lambda unit: unit.append(stays.received(key, f"{box.node}.0000000a", "gun")) and None)


WORK: Mapping[str, Hand] = {
    "enrol": _enrol,
    "list": _list,
    "move": _move,
    "withdraw": _withdraw,
    "seal": _seal,
    "scan": _scan,
    "pile": _pile,
    "bulk": _bulk,
    "note": _note,
    "undo": _undo,
    "receive": _receive,
}
