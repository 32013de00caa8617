"""What a round looks like to a page or a program: plain values, and the words of each code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from appliance.features.collecting.due import WardDue
from appliance.features.collecting.scan import Verdict
from appliance.features.collecting.service import Counts
from appliance.features.collecting.store import RoundRow, TakenRow
from kiosk_ui.kit.screens.words import N_


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON: for the event stream of this box's own screen and for its API."""
    return {
        "verdict": verdict.verdict,
        "at_ms": verdict.at_ms,
        "n": verdict.n,
        "key": verdict.key,
        "record_no": verdict.record_no,
        "name": verdict.name,
        "ward": verdict.ward,
        "discharged_on": verdict.discharged_on,
        "notes": list(verdict.notes),
        "reasons": list(verdict.reasons),
        "choices": [choice._asdict() for choice in verdict.choices],
        "fact": None if verdict.fact is None else str(verdict.fact),
        "refused": None if verdict.refused is None else verdict.refused.code,
        "list_as_of_ms": verdict.list_as_of_ms,
    }


def ward_data(one: WardDue, *, with_records: bool = True) -> dict[str, Any]:
    """A ward's list: how many wait, how many too long, how old the list is."""
    told = {
        "ward": one.ward.code,
        "name_zh": one.ward.name_zh,
        "name_en": one.ward.name_en,
        "limit_days": one.ward.limit_days,
        "due": len(one.records),
        "overdue": one.late,
        "as_of_ms": one.as_of_ms,
        "calendar_confirmed": one.confirmed,
    }
    if with_records:
        told["records"] = [
            {
                "key": record.row.key,
                "record_no": record.row.record_no,
                "stay_no": record.row.stay_no,
                "name": record.row.name,
                "initials": record.row.initials,
                "discharged_on": record.row.discharged_on,
                "sealed": record.row.sealed,
                "days": record.days,
                "overdue": record.late,
            }
            for record in one.records
        ]
    return told


def round_data(row: RoundRow, scans: Sequence[TakenRow]) -> dict[str, Any]:
    """A round and its scans, oldest first."""
    return {
        "round": row.key,
        "status": row.status,
        "ward": row.ward,
        "courier": row.courier,
        "opened_at_ms": row.opened_at_ms,
        "list_as_of_ms": row.list_as_of_ms,
        "by_hand": row.by_hand,
        "nurse": row.nurse,
        "handed_over_at_ms": row.handed_over_at_ms,
        "records": [{**asdict(scan), "fact": str(scan.fact)} for scan in scans],
    }


def counts_data(counts: Counts) -> dict[str, Any]:
    return {
        "round": counts.round.key,
        "expected": counts.expected,
        "scanned": counts.scanned,
        "by_hand": counts.by_hand,
        "differences": [difference._asdict() for difference in counts.differences],
    }


REASON_WORDS: Final[Mapping[str, str]] = {
    "moved-lately": N_("刚转科"),
    "lent-to-ward": N_("替邻病区交"),
    "list-is-old": N_("名单旧了"),
    "left-today": N_("今天刚出院"),
    "ward-insists": N_("病区要先交"),
    "further-volume": N_("还有一册"),
    "handed-on": N_("同事转交的"),
    "not-in-hand-before": N_("之前没拿到手"),
    "office-agreed": N_("医务处同意了"),
    "seal-not-known": N_("病区不知道封存"),
    "label-misprinted": N_("条码印错了"),
    "written-up-later": N_("补录"),
    "corrected": N_("更正来的"),
}
VERDICT_WORDS: Final[Mapping[str, str]] = {
    "good": N_("已收下"),
    "duplicate": N_("刚才扫过了"),
    "wrong_ward": N_("不是本病区"),
    "not_discharged": N_("还没出院"),
    "taken": N_("别人已收"),
    "sealed": N_("已封存"),
    "unknown": N_("名单里没有"),
}
HOW_WORDS: Final[Mapping[str, str]] = {
    "gun": N_("扫描"),
    "hand": N_("手工输入"),
    "backfill": N_("补录"),
    "rebuilt": N_("回执重建"),
}
RECEIPT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "queued": (N_("排着队，回执机好了就打"), "held"),
    "sent": (N_("正在打"), "held"),
    "confirmed": (N_("打好了，撕下来交给护士"), "tick"),
    "failed": (N_("没有打出来"), "off"),
    "uncertain": (N_("说不准打没打出来，看一眼"), "person"),
}
"""State of a receipt's job to its words and glyph."""
