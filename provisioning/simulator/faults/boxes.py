"""A box's whole disk: put back to an earlier day, copied to a second machine that also runs, its copies damaged."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.simulator.box import Box
from provisioning.simulator.plan import Drawn, Event, Fault, times
from provisioning.simulator.process import STORE_KEY
from sync.adapters.sqlite_log.connection import connect

if TYPE_CHECKING:
    from provisioning.simulator.world import World

CLONES_MAX = 2


def _keep(world: World, box: Box, n: int) -> Path | None:
    """A photograph of the box's disk."""
    if not box.database.exists():
        return None
    into = world.folder / f"photo{n}-{world.trace.steps}"
    box.photograph(into)
    return into


def restored(world: World, event: Event) -> None:
    """Today's disk is photographed, and put back some time later."""
    box = world.boxes[event.who]
    photo = _keep(world, box, event.n)
    if photo is not None:
        world.after(
            event.draw.choice((1.0, 10.0, 60.0)), f"{box.label} disk put back", partial(put_back, world, box, photo)
        )


def put_back(world: World, box: Box, photo: Path) -> None:
    """The box's disk is the one that was photographed."""
    if not world.trouble:
        return
    world.hit("box-restored")
    if box.alive:
        box.die(3.0)
    box.look_at_disk()
    box.put_back(photo)
    box.look_at_disk(put_back=True)


def _cloned(world: World, event: Event) -> None:
    """The disk is copied into a second machine, and both run."""
    box = world.boxes[event.who]
    photo = _keep(world, box, event.n)
    if photo is None or len(world.boxes) >= world.plan.shape.boxes + CLONES_MAX:
        return
    world.hit("box-cloned")
    clone = Box(world, box.n, world.folder / f"clone{len(world.boxes)}", label=f"clone{len(world.boxes)}")
    shutil.rmtree(clone.folder)
    shutil.copytree(photo, clone.folder)
    clone.enrolled = True
    clone.look_at_disk()
    world.boxes.append(clone)
    world.after(event.draw.uniform(0.5, 20), f"{clone.label} start", clone.start)
    for at in range(event.draw.randint(1, 4)):
        world.after(
            2.0 + 7 * at,
            f"{clone.label} scans",
            partial(_scans, world, Event(0, "scan", len(world.boxes) - 1, event.n + at)),
        )


def _scans(world: World, event: Event) -> None:
    from provisioning.simulator.work import WORK

    WORK["scan"](world, event)


def _damaged(world: World, event: Event) -> None:
    """Something wrote over rows of the copy: an entity's set item, a membership, an entity."""
    box, rng = world.boxes[event.who], event.draw
    if not box.alive or not box.database.exists():
        return
    box.die(1.0)
    conn = connect(box.database, STORE_KEY, writes=True)
    try:
        rows = conn.execute("SELECT label, etype, key FROM member ORDER BY label, etype, key").fetchall()
        if rows:
            world.hit("row-damaged")
            row = rng.choice(rows)
            how = rng.randrange(3)
            if how == 0:
                conn.execute("UPDATE entity SET x = ? WHERE etype = ? AND key = ?", (b"\xff" * 16, row[1], row[2]))
            elif how == 1:
                conn.execute("DELETE FROM member WHERE label = ? AND etype = ? AND key = ?", tuple(row))
            else:
                conn.execute("DELETE FROM copy_fact WHERE etype = ? AND key = ?", (row[1], row[2]))
                conn.execute("DELETE FROM copy WHERE etype = ? AND key = ?", (row[1], row[2]))
                conn.execute("DELETE FROM entity WHERE etype = ? AND key = ?", (row[1], row[2]))
    finally:
        conn.close()


FAULTS = (
    Fault(
        "box-restored", lambda rng, shape: Drawn({}, times(rng, shape, "box-restored", 2)), {"box-restored": restored}
    ),
    Fault("box-cloned", lambda rng, shape: Drawn({}, times(rng, shape, "box-cloned", 2)), {"box-cloned": _cloned}),
    Fault("row-damaged", lambda rng, shape: Drawn({}, times(rng, shape, "row-damaged", 1)), {"row-damaged": _damaged}),
)
