"""How safe what the centre holds is, as its page says it: backups, the hub's own facts, a refill that goes on."""

from __future__ import annotations

from dataclasses import dataclass

STALE_MS = 36 * 3600 * 1000
"""A backup every night, and half a day in which somebody notices that last night's is missing."""


@dataclass(frozen=True, slots=True)
class Safety:
    """`newest_ms`: when the newest backup that counts began. `own_lag`: the hub's own facts that lie nowhere else.

    `missed`: the last backup that the hub began itself was not made. `relied_on`: two backups count, so boxes may drop
    what is old. `waits_for`: machines that still give back what a restored hub lost; None when no refill goes on.
    `key_from_ms`: when the hub goes over to another signing key; `key_missing`: it is not on this machine.
    """

    epoch: int
    place: bool
    newest_ms: int | None
    counting: int
    fault: bool
    missed: bool
    same_disk: bool
    own_lag: int
    now_ms: int
    waits_for: int | None
    key_from_ms: int | None = None
    key_missing: bool = False

    @property
    def relied_on(self) -> bool:
        return self.counting > 1

    @property
    def stale(self) -> bool:
        return self.newest_ms is not None and self.now_ms - self.newest_ms > STALE_MS

    def figures(self) -> dict[str, float]:
        """For programs that watch. The age is left out while there is no backup."""
        aged = {} if self.newest_ms is None else {"backup_age_seconds": max(0, self.now_ms - self.newest_ms) / 1000}
        return {
            "epoch": self.epoch,
            "backups_counting": self.counting,
            "backup_place_missing": float(not self.place or self.fault),
            "backup_failed": float(self.missed),
            "hub_key_missing": float(self.key_missing),
            "own_facts_not_copied": self.own_lag,
            "refill_machines_awaited": self.waits_for or 0,
            **aged,
        }
