"""I5 convergence and I6 scope: what a box shows of its scopes is what the hub holds there, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.judges.outside import held_outside
from provisioning.simulator.judges.rest import judged
from sync.adapters.sqlite_log import digest
from sync.catalog import ENTITY_TYPES
from sync.kernel.canonical import encode

if TYPE_CHECKING:
    from provisioning.simulator.world import World


def differing(world: World) -> Iterator[str]:
    """Members, revisions, digests and states, byte for byte."""
    for box in judged(world):
        row = world.hub.store.node_row(box.node)
        assert row is not None
        for label in row.scopes:
            with world.hub.store.read() as conn:
                want = {
                    (r[0], r[1]): tuple(r[2:])
                    for r in conn.execute(
                        "SELECT e.etype, e.key, e.rev, e.d, e.x, e.state FROM feed_member m JOIN entity e "
                        "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ? ORDER BY 1, 2",
                        (label,),
                    )
                }
            with box.store.read() as conn:
                have = {
                    (r[0], r[1]): tuple(r[2:])
                    for r in conn.execute(
                        "SELECT e.etype, e.key, e.rev, e.d, e.x, e.state FROM member m JOIN entity e "
                        "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ? ORDER BY 1, 2",
                        (label,),
                    )
                }
            yield from _compare(f"{box.label} {label}", want, have)


def _compare(
    where: str, want: dict[tuple[int, str], tuple[object, ...]], have: dict[tuple[int, str], tuple[object, ...]]
) -> Iterator[str]:
    for name in sorted(want.keys() | have.keys()):
        if name not in have:
            yield f"{where} lacks {name}"
        elif name not in want:
            yield f"{where} holds {name}, which is not there"
        else:
            for word, a, b in zip(("rev", "d", "x", "state"), want[name], have[name], strict=True):
                if a != b:
                    yield f"{where} has another {word} of {name}"
                    break


def unfolded(world: World) -> Iterator[str]:
    """The hub's states are what its facts fold to, and lie in the feeds where the catalog places them."""
    with world.hub.store.read() as conn:
        rows = conn.execute("SELECT etype, key, rev, state FROM entity ORDER BY etype, key").fetchall()
        for etype, key, rev, state in rows:
            kind = ENTITY_TYPES[etype]
            folded = digest.refold(conn, etype, key)
            if encode(kind.dump(folded)) != state:
                yield f"hub shows another state of {etype}/{key} than its facts fold to"
            count = conn.execute(
                "SELECT count(*) FROM entity_fact WHERE etype = ? AND key = ?", (etype, key)
            ).fetchone()
            if count[0] != rev:
                yield f"hub counts {rev} facts of {etype}/{key} and holds {count[0]}"
            placed = kind.place(folded)
            found = {
                r[0]
                for r in conn.execute(
                    "SELECT label FROM feed_member WHERE etype = ? AND key = ? ORDER BY label", (etype, key)
                )
            }
            if placed != found:
                yield f"hub feeds {etype}/{key} to {sorted(found)}, placed in {sorted(placed)}"


def outside(world: World) -> Iterator[str]:
    """Nothing of a scope that the box does not hold lies in its tables."""
    for box in judged(world):
        yield from held_outside(box)
