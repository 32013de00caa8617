"""What facts of leases say. Entity type 2, key: the resource. The lease id and the unit stand in the fact's field 12.

Source: protocol way/1, section 2 (kinds 3 and 4) and 7.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync.kernel.fact import NewFact
from sync.merge.shape import Shape, body_of, one_of, pattern, prose, text, uint

RESOURCE: Final = 2
LEASE_SPENT, LEASE_RETURNED = 3, 4

KINDS_OF_LEASES: Final = ("number", "hold", "read", "print", "glass")
ENDS: Final = ("returned", "spent", "void")
REASON_CHARS_MAX: Final = 200

resource_key: Final = pattern(r"[a-z][a-z0-9-]{0,20}(:[A-Za-z0-9._-]{1,40})?")
_KIND: Final = one_of(*KINDS_OF_LEASES)

SHAPES: Final[Mapping[int, Shape]] = {
    LEASE_SPENT: Shape({1: _KIND, 2: uint(), 3: uint(), 4: uint()}, {5: prose(REASON_CHARS_MAX), 6: text(120)}),
    LEASE_RETURNED: Shape({1: _KIND, 2: uint(), 3: uint(), 4: one_of(*ENDS)}),
}


def spent(
    resource: str,
    lease: bytes,
    kind: str,
    *,
    units: int,
    quota: int,
    used: int,
    spent_s: int,
    reason: str | None = None,
    purpose: str | None = None,
) -> NewFact:
    """`units` were taken and `used` is the count after them. Of a hold `used` is its fence. `reason`: break-glass."""
    told = {1: kind, 2: units, 3: quota, 4: spent_s, 5: reason, 6: purpose}
    return NewFact(LEASE_SPENT, RESOURCE, resource, body_of(SHAPES[LEASE_SPENT], told), (lease, used))


def returned(resource: str, lease: bytes, kind: str, *, used: int, spent_s: int, why: str, fence: int = 0) -> NewFact:
    """The lease is done with on this box; what it did not use is void."""
    body = body_of(SHAPES[LEASE_RETURNED], {1: kind, 2: used, 3: spent_s, 4: why})
    return NewFact(LEASE_RETURNED, RESOURCE, resource, body, (lease, fence or used))
