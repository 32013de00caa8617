"""Where a process may die: just before and just after each durable step, and beside it."""

from __future__ import annotations

from collections.abc import Mapping

from sync.adapters.sqlite_log.steps import STEPS

BESIDE = ("trust.save",)
"""Durable, and not a unit of the store: a file that stands beside a database."""
OFTEN = frozenset(
    (
        "act", "start", "ack.apply", "round.apply", "repair.apply", "sets.checked", "batch.append", "digest.run",
        "hello.note", "seen.note", "epoch.tick", "epoch.file",
    )
)  # fmt: skip
"""Steps that nearly every schedule takes, many times."""
LATER = ("entity.forget",)
"""Steps that came after seeds were recorded: drawn after the others, so that those are drawn as before."""

NEVER_FILLED = frozenset(("mirror.drop", "mirror.return", "blob.drop"))
"""Steps of a box that makes room: a simulated disk takes nothing for a while, and is never filled by what is on it."""


def places(steps: frozenset[str]) -> frozenset[str]:
    """Just before and just after each of these steps."""
    return frozenset(f"{step}:{side}" for step in steps for side in ("before", "after"))


OF_KEYS = places(frozenset(("key.next", "key.identity", "key.switch", "key.change", "node.key")))
"""Steps of a key change: passed where one is drawn, which draws its crashes itself (`faults/keys`)."""
UNDRAWN = OF_KEYS | places(NEVER_FILLED | {"node.leaf"})
"""Points that the fault of named crashes leaves alone, so that its draws stay what they were without them."""
POINTS = places(frozenset((*STEPS, *BESIDE))) | OF_KEYS

_STORE = "tests/adapters/store/test_crash_points.py"
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "entities.reread", "fact.withhold", "feed.forget", "repair.told", "salvage.put", *NEVER_FILLED,
        ),
        _STORE,
    ),
    "node.leaf": "tests/adapters/links/test_certificates.py",
}  # fmt: skip
"""Steps no simulated site takes in its weather, and the test whose processes die there."""
