"""The protocol's numbers made small, so that a short schedule meets borders that a hospital meets in a month."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.link import performer, rounds
from hub.link import door, feed_desk, key_desk, lease_office
from sync.adapters.sqlite_log import hub_feeds, hub_inbound, hub_snapshots, mirrors, pruning
from sync.protocol import blob, outbound, sets

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
_SOON = ((pruning, "KEEP_ACKED_DAYS", 30 / (24 * 3600)), (pruning, "HOUR_MS", 10_000))
"""How long a box keeps what is signed for: half a minute instead of fourteen days."""
_CHUNKS = ((blob, "BLOB_CHUNK_BYTES", 256),)

_FEW = ((mirrors, "ENTITIES_TOGETHER", 3),)
_OVER_SOON = ((key_desk, "KEY_OVERLAP_MS", 20_000), (door, "KEYS_FRESH_S", 1.0))
"""A key that another took the place of counts for twenty seconds more instead of seven days."""


@contextmanager
def small_numbers(*, borders: bool, soon: bool, chunks: bool, keys: bool = False, few: bool = False) -> Iterator[None]:
    """Within this block: small `borders`; what the hub's backups hold goes `soon`; small `chunks` of blobs.

    `keys`: one that is changed is over soon. `few`: a mirror goes in many commits.
    """
    wanted = ((borders, _NUMBERS), (soon, _SOON), (chunks, _CHUNKS), (keys, _OVER_SOON), (few, _FEW))
    numbers = [each for asked, rows in wanted if asked for each in rows]
    kept = [(room, name, getattr(room, name)) for room, name, _ in numbers]
    try:
        for room, name, value in numbers:
            setattr(room, name, value)
        yield
    finally:
        for room, name, value in kept:
            setattr(room, name, value)
