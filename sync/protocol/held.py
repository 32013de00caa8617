"""A lease on the box that holds it: what may still be used, and what each thing that happens makes of it.

Pure: time comes as the box's meter (`elapsed`), what was on disk comes as values. The owner commits the outcome before
anybody sees an effect. Source: protocol way/1, sections 1 ("Leases under restore and clone"), 5.4, 7.3 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sync.kernel.limits import NUMBER_BLOCKS_HELD, NUMBER_REFILL_PERCENT
from sync.kernel.outcome import Refused
from sync.protocol import lease_states as states
from sync.protocol.lease import COUNTED, HOLD, NUMBER, Lease
from sync.protocol.states import EPOCH_RISES


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the file outside the data folder says of a lease: units used, whether it is done with."""

    used: int
    done: bool


@dataclass(frozen=True, slots=True)
class Held:
    """`used`: units or numbers. `began_ms`: the meter when the term began; `heard_ms`: when the hub confirmed it."""

    lease: Lease
    state: str
    used: int
    began_ms: int
    heard_ms: int

    @property
    def left(self) -> int:
        """Units or numbers that are left; of a hold one while it may be used."""
        if self.lease.kind == HOLD:
            return int(self.state == states.USABLE)
        return max(0, self.lease.units - self.used) if self.state == states.USABLE else 0

    def spent_s(self, meter_ms: int) -> int:
        """Seconds of the term that are over, rounded up: a part of a second is spent."""
        return max(0, -(-(meter_ms - self.began_ms) // 1000))


def granted(lease: Lease, began_ms: int, meter_ms: int, used: int = 0) -> Held:
    """A lease that arrived and counts from `began_ms`: when it was asked for, never when it came."""
    return Held(lease, states.LEASE[states.ASKED, states.GRANTED], used, began_ms, meter_ms)


def move(held: Held, said: str) -> Held:
    """One step of the table; the same lease where it has no such pair."""
    after = states.LEASE.get((held.state, said))
    return held if after is None else replace(held, state=after)


def use(held: Held, units: int, meter_ms: int) -> Held | Refused:
    """Take `units` of it, or the reason why not."""
    assert units > 0
    now = aged(held, meter_ms)
    if now.state != states.USABLE:
        return Refused(f"lease.{now.state}")
    if held.lease.kind == HOLD:
        return move(now, states.USE)
    if now.used + units > held.lease.units:
        return Refused("lease.quota", {"left": held.lease.units - now.used})
    return replace(move(now, states.USE), used=now.used + units)


def aged(held: Held, meter_ms: int) -> Held:
    """The lease at this meter: over when its quota or its term is, asleep when unconfirmed for too long."""
    lease = held.lease
    over = lease.lasts_s > 0 and meter_ms - held.began_ms >= lease.lasts_s * 1000
    if over or (lease.kind != HOLD and held.used >= lease.units):
        return move(held, states.USED_UP)
    if lease.kind in COUNTED and meter_ms - held.heard_ms >= lease.offline_s * 1000:
        return move(held, states.OFFLINE_TOO_LONG)
    return held


def started(held: Held, incarnation: int, witnessed: Witnessed | None) -> Held:
    """What a process start makes of a lease found in the database.

    Numbers belong to the incarnation they were granted to. Of counted ones the higher mark counts: a crash between
    witness and commit costs a unit, a database that was put back refunds none. A hold goes on.
    """
    kind = held.lease.kind
    if kind == NUMBER:
        return held if held.lease.incarnation == incarnation else move(held, states.STARTED_NUMBERS)
    if kind == HOLD:
        return held
    if witnessed is None or witnessed.used < held.used:
        return move(held, states.STARTED_DOUBTING)
    known = replace(held, used=witnessed.used)
    if witnessed.done:
        return replace(known, state=states.SPENT) if known.state in (states.USABLE, states.ASLEEP) else known
    return move(known, states.STARTED_KNOWING)


def doubted(held: Held, said: str) -> Held:
    """The clock was set back, the disk rewound or the hub's epoch rose: all but numbers, and at a raise holds, sleep.

    Numbers do not depend on time, and the hub reserves them outside its database. Source: section 5.4.
    """
    if held.lease.kind == NUMBER or (said == EPOCH_RISES and held.lease.kind == HOLD):
        return held
    return move(held, said)


def confirmed(held: Held, used: int, spent_s: int, meter_ms: int) -> Held:
    """The hub knows the lease: the higher of both marks counts from now on."""
    told = replace(
        held,
        used=max(held.used, used),
        began_ms=min(held.began_ms, meter_ms - spent_s * 1000),
        heard_ms=meter_ms,
    )
    return aged(move(told, states.CONFIRMED), meter_ms)


def renewed(held: Held, lease: Lease, asked_ms: int, meter_ms: int) -> Held:
    """A hold whose term begins anew, counted from when that was asked for."""
    assert lease.kind == HOLD and lease.id == held.lease.id
    return aged(move(replace(held, lease=lease, began_ms=asked_ms, heard_ms=meter_ms), states.CONFIRMED), meter_ms)


def blocks_wanted(blocks: Iterable[Held], asked: int) -> int:
    """How many blocks of one resource to ask for now, `asked` being on their way.

    Two are held, and the next is asked for when no more than 30 % of both is left.
    """
    usable = [block for block in blocks if block.left]
    whole = sum(block.lease.units for block in usable)
    low = 100 * sum(block.left for block in usable) <= NUMBER_REFILL_PERCENT * whole
    missing = NUMBER_BLOCKS_HELD - len(usable) + int(low and len(usable) == NUMBER_BLOCKS_HELD)
    return max(0, missing - asked)


def overflow_number(node: str, tag: str, counter: int) -> str:
    """A number of the series that a box without blocks prints: never that of another box or another start."""
    return f"{node.rsplit('-', 1)[-1]}-{tag}-{counter}"
