"""Hybrid logical time: wall clock where it can be believed, never backwards.

A stamp is 48 bits of milliseconds since 1970 UTC and a 16-bit counter. Source: protocol way/1, section 2.
"""

from __future__ import annotations

from sync.kernel.limits import CLOCK_AHEAD_MS_MAX, CLOCK_CEILING_MS

UNKNOWN, REAL_TIME_CLOCK, SYNCHRONISED = 0, 1, 2
"""Clock quality: not known since boot, a real-time clock, synchronised in the last 24 h."""


def ms_of(stamp: int) -> int:
    """The milliseconds since 1970 UTC in a stamp."""
    return stamp >> 16


def stamp_of(wall_ms: int) -> int:
    """The first stamp of a millisecond."""
    return wall_ms << 16


def believed(wall_ms: int, build_ms: int, floor_ms: int) -> bool:
    """Whether a wall clock may be used.

    Not before the software was built, not past 2100, not below the last signed hub time seen (`floor_ms`).
    """
    return max(build_ms, floor_ms) <= wall_ms < CLOCK_CEILING_MS


def next_stamp(high: int, wall_ms: int | None) -> int:
    """The stamp of the next fact, always above `high`. `wall_ms` None: the clock is not believed (clock quality 0)."""
    return high + 1 if wall_ms is None else max(wall_ms << 16, high + 1)


def raise_by_hub(high: int, hub_hlc: int, wall_ms: int | None, clock: int) -> int:
    """The high mark after hearing hub time. A believed, synchronised clock is never dragged more than 5 min ahead."""
    if clock == SYNCHRONISED and wall_ms is not None:
        hub_hlc = min(hub_hlc, (wall_ms + CLOCK_AHEAD_MS_MAX) << 16)
    return max(high, hub_hlc)


def is_ahead(own_ms: int, hub_ms: int) -> bool:
    """Whether a node's time is so far ahead of hub time that it must be amended."""
    return own_ms > hub_ms + CLOCK_AHEAD_MS_MAX


def order_stamp(fact_hlc: int, hub_hlc: int) -> int:
    """What the hub sorts a fact by: its own stamp, or hub time at acceptance when it claims > 5 min ahead of it."""
    return hub_hlc if is_ahead(ms_of(fact_hlc), ms_of(hub_hlc)) else fact_hlc
