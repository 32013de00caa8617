"""What a reception looks like to a page: plain values, no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from appliance.features.receiving.service import Received
from appliance.features.receiving.store import AnomalyRow, CounterRow, HandInRow
from kiosk_ui.kit.screens.words import N_, Message
from sync.domain.tracking import words


def received_data(received: Received) -> dict[str, Any]:
    """A reception as JSON: for the event stream of this box's own screen and for its API."""
    return {
        "verdict": received.verdict,
        "at_ms": received.at_ms,
        "got": received.got,
        "expected": received.expected,
        "key": received.key,
        "record_no": received.record_no,
        "name": received.name,
        "notes": list(received.notes),
        "choices": [choice._asdict() for choice in received.choices],
        "fact": None if received.fact is None else str(received.fact),
        "label_job": received.label_job,
        "refused": None if received.refused is None else received.refused.code,
    }


def counter_data(row: HandInRow, records: Sequence[CounterRow]) -> dict[str, Any]:
    """A hand-in and its records: received ones newest first, then those still missing."""
    return {
        **asdict(row),
        "records": [
            {**asdict(one), "reception": None if one.reception is None else str(one.reception)} for one in records
        ],
    }


ANOMALY_WORDS: Final[Mapping[str, str]] = {
    words.ROOM_MISSING: N_("签收了，没交到"),
    words.ROOM_EXTRA: N_("交到了，没签收过"),
    words.COLLECTED_TWICE: N_("两个人都收了"),
    words.COLLECTED_SEALED: N_("收的是封存的"),
    words.COLLECTED_CANCELLED: N_("收下了，名单上却没出院"),
    words.STAY_UNKNOWN: N_("名单里没有这一次住院"),
}
OUTCOME_WORDS: Final[Mapping[str, str]] = {
    "found": N_("找到了，补点收"),
    "searching": N_("没到，开追查"),
    "accepted-extra": N_("收下，算多交"),
    "returned": N_("退回病区"),
    "kept": N_("留下"),
    "kept-first": N_("算第一个人的"),
    "kept-second": N_("算第二个人的"),
}
_SIDES: Final[Mapping[str, tuple[str, str]]] = {
    words.ROOM_MISSING: (N_("%(at)s 扫到，病区签过字"), N_("没有点到这一份")),
    words.ROOM_EXTRA: (N_("没有扫到这一份"), N_("%(got)s 点到 1 份")),
    words.COLLECTED_TWICE: (N_("两台手持机都扫到"), N_("%(got)s 点到 1 份")),
    words.COLLECTED_SEALED: (N_("%(at)s 扫到，当时是封存的"), N_("%(got)s 点到")),
    words.COLLECTED_CANCELLED: (N_("%(at)s 扫到"), N_("名单上没有出院")),
    words.STAY_UNKNOWN: (N_("%(at)s 扫到"), N_("名单里没有这个号")),
}


def sides(one: AnomalyRow, taken: str, received: str) -> tuple[Message, Message]:
    """What the courier says and what the room says; the times are already in the reader's words, "—" where unknown."""
    courier, room = _SIDES[one.code]
    told = {"at": taken, "got": received}
    return Message(courier, told), Message(room, told)
