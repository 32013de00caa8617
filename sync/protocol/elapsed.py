"""How long something has lasted on a machine whose wall clock may lie: a meter that only goes forward.

Within one boot the boot clock counts, suspend included. Over a reboot the wall clock's difference counts, at least a
minute. Where the wall clock cannot be trusted the meter still goes on, and says so: leases then sleep until the hub is
heard. Forward jumps spend; nothing refunds. Source: protocol way/1, section 7.3, "Elapsed".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sync.kernel.limits import LEASE_REBOOT_S_MIN, LEASE_SET_BACK_S_MAX

_REBOOT_MS = round(LEASE_REBOOT_S_MIN * 1000)
_SET_BACK_MS = round(LEASE_SET_BACK_S_MAX * 1000)


@dataclass(frozen=True, slots=True)
class Reading:
    """The clocks of one moment. `boot_ms` compares only under one `boot_id`; `believed`: the wall clock can be true."""

    boot_id: str
    boot_ms: int
    wall_ms: int
    believed: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the meter stood at a reading. `wall_ms` is the highest that was believed, or what the hub's word found."""

    meter_ms: int
    boot_id: str
    boot_ms: int
    wall_ms: int
    believed: bool


def first_mark(now: Reading) -> Mark:
    """A meter that begins."""
    return Mark(0, now.boot_id, now.boot_ms, now.wall_ms if now.believed else 0, now.believed)


def advance(mark: Mark, now: Reading) -> tuple[Mark, bool]:
    """(the mark now, whether the wall clock is in doubt). A doubt stays until `heard`."""
    set_back = now.wall_ms < mark.wall_ms - _SET_BACK_MS
    if now.boot_id == mark.boot_id:
        passed_ms = max(0, now.boot_ms - mark.boot_ms)
        doubt = set_back or (mark.believed and not now.believed)
    else:
        passed_ms = max(_REBOOT_MS, now.wall_ms - mark.wall_ms if now.believed else 0)
        doubt = set_back or not now.believed
    wall_ms = mark.wall_ms if doubt or not now.believed else max(mark.wall_ms, now.wall_ms)
    believed = mark.believed if doubt else now.believed
    return Mark(mark.meter_ms + passed_ms, now.boot_id, now.boot_ms, wall_ms, believed), doubt


def heard(mark: Mark, now: Reading) -> Mark:
    """The hub spoke: from here on the clocks are compared with what they say now, whatever that is."""
    return replace(advance(mark, now)[0], wall_ms=now.wall_ms, believed=now.believed)
