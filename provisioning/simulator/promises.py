"""What people saw of leases, kept outside every node: numbers on paper, reads on a screen, acts under a hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256

from provisioning.simulator.clock import START_MS
from sync.protocol.lease import Lease

LEASING = frozenset({"numbers", "holds", "grants"})
"""Kinds of work that need leases; a schedule without any of them runs without the lease code."""
TICKETS, BLOCK = "ticket:hall-1", 3


def content_keys(resource: str) -> tuple[bytes, ...]:
    """What a grant on the resource lets its holder open."""
    return (sha256(resource.encode()).digest(),)


class Promises:
    """`wrong`: what must not have happened, by invariant, noted as it happened."""

    def __init__(self) -> None:
        self.printed: dict[tuple[str, str], int] = {}
        self.shown: Counter[bytes] = Counter()
        self.leases: dict[bytes, Lease] = {}
        self.fences: dict[str, tuple[int, str]] = {}
        self.wrong: dict[str, list[str]] = defaultdict(list)
        self.tags_drawn_twice = 0

    def prints(self, resource: str, number: str, incarnation: int) -> None:
        """A number is on paper. Two starts may draw one tag of 20 bits for their own series; that much is left."""
        before = self.printed.get((resource, number))
        self.printed[resource, number] = incarnation
        if before is None:
            return
        if before != incarnation and "-" in number:
            self.tags_drawn_twice += 1
        else:
            self.wrong["I8"].append(f"{resource} {number} was printed twice")

    def shows(self, lease: Lease, units: int, now_s: float, slack_s: float) -> None:
        """Units of a grant were seen. Its term counts from the hub's word, which may be off by `slack_s`."""
        self.leases[lease.id] = lease
        self.shown[lease.id] += units
        age_s = now_s - ((lease.granted >> 16) - START_MS) / 1000
        if age_s > lease.lasts_s + slack_s:
            self.wrong["I7"].append(f"{lease.resource} was shown {age_s:.0f} s into a grant of {lease.lasts_s} s")

    def acts(self, resource: str, fence: int, label: str) -> None:
        """Something was done under a hold."""
        highest, by = self.fences.get(resource, (0, label))
        if fence < highest or (fence == highest and label != by):
            self.wrong["I8"].append(f"{label} acts on {resource} under {fence}, {by} did under {highest}")
        self.fences[resource] = max((highest, by), (fence, label))
