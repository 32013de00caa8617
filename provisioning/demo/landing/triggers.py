"""Which code the gun reads when a visitor pulls the trigger without typing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiosk_ui.kit.screens.words import N_
from provisioning.demo import town
from provisioning.demo.landing.happenings import BADGE
from sync.kernel.outcome import Refused

COURIER_KINDS = {
    "due": N_("这个病区的下一份"),
    "stray": N_("别的病区的一份"),
    "in-house": N_("还没出院的一份"),
    "again": N_("刚才那份再扫一次"),
    "unknown": N_("名单里没有的一份"),
}
ROOM_KINDS = {
    "collected": N_("取件员收来的下一份"),
    "again": N_("刚才那份再扫一次"),
    "due": N_("没有人收过的一份"),
    "unknown": N_("名单里没有的一份"),
}
_STRANGER = 100_000


@dataclass(frozen=True, slots=True)
class Pile:
    """The records of the hospital, and what guns have read so far: `own` by this gun, `couriers` by the couriers'."""

    discharges: Sequence[town.Discharge]
    own: Sequence[str]
    couriers: Sequence[str]

    def next_code(self, kind: str, ward: str) -> str | Refused:
        """The text of the barcode; Refused `trigger.none` when there is no such record any more."""
        records = [code for code in self.own if not code.startswith(BADGE)]
        match kind:
            case "again":
                return records[-1] if records else Refused("trigger.none")
            case "unknown":
                return f"{town.PREFIX}{_STRANGER + len(records):08d}-1"
            case "collected":
                codes = [code for code in self.couriers if not code.startswith(BADGE)]
            case _:
                codes = [f"{town.PREFIX}{row.key}" for row in self.discharges if _fits(row, kind, ward)]
        gone = {*self.own, *self.couriers} if kind != "collected" else {*self.own}
        return next((code for code in codes if code not in gone), Refused("trigger.none"))


def _fits(row: town.Discharge, kind: str, ward: str) -> bool:
    if kind == "in-house":
        return row.discharged_on is None
    if row.discharged_on is None:
        return False
    return row.ward != ward if kind == "stray" else not ward or row.ward == ward
