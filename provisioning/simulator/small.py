"""The protocol's numbers made small, so that a short schedule meets borders that a hospital meets in a month."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.link import performer, rounds
from hub.link import feed_desk, lease_office
from sync.adapters.sqlite_log import hub_feeds, hub_inbound, hub_snapshots
from sync.protocol import outbound, sets

PARKED_SMALL = 3
_NUMBERS = (
    (outbound, "CUT_FACTS", 5),
    (performer, "CUT_FACTS", 5),
    (hub_feeds, "SEGMENT_ENTRIES", 8),
    (hub_snapshots, "SEGMENT_ENTRIES", 2),
    (hub_inbound, "PARKED_BATCHES_MAX", PARKED_SMALL),
    (rounds, "ROUND_ENTRIES_MAX", 60),
    (rounds, "WANTED_MAX", 3),
    (feed_desk, "CHECKPOINTS_TOGETHER", 2),
    (sets, "PART_BYTES", 6_000),
    (lease_office, "HOLD_S_MAX", 300),
)


@contextmanager
def small_numbers(wanted: bool) -> Iterator[None]:
    """Within this block, where it is wanted."""
    kept = [(room, name, getattr(room, name)) for room, name, _ in _NUMBERS]
    try:
        if wanted:
            for room, name, value in _NUMBERS:
                setattr(room, name, value)
        yield
    finally:
        for room, name, value in kept:
            setattr(room, name, value)
