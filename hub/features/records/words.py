"""What states, questions and outcomes are called on the hub's screens."""

from __future__ import annotations

from hub.features.records.changes import OUTCOME_WORDS, REASON_WORDS, VERDICT_WORDS
from kiosk_ui.kit.screens.words import N_

STATE = {
    "unheard": N_("名单里没有"),
    "in_house": N_("还在住院"),
    "discharged": N_("待收"),
    "collected": N_("已收回"),
    "received": N_("已到病案室"),
    "cancelled": N_("入院已撤销"),
}
STATE_GLYPH = {
    "unheard": "person",
    "in_house": "todo",
    "discharged": "todo",
    "collected": "tick",
    "received": "ack",
    "cancelled": "off",
}
QUESTION = {
    "collected.twice": N_("同一份，两人都收了"),
    "collected.sealed": N_("封存之后又收了"),
    "collected.cancelled": N_("收下了，可医院说还没出院"),
    "room.missing": N_("取件员交了，病案室没见到"),
    "room.extra": N_("病案室见到了，没人说收过"),
    "stay.unknown": N_("收下了，名单里没有"),
    "name.differs": N_("姓名写法不同"),
}
HOW = {"gun": N_("扫描"), "hand": N_("手输"), "backfill": N_("补录"), "rebuilt": N_("从回执重建")}
STATION = {
    "discharged": N_("出院"),
    "listed": N_("列入待收"),
    "collected": N_("病区收回"),
    "received": N_("病案室点收"),
    "labelled": N_("贴标签"),
}
OUTCOME_NOTE = {
    "kept-first": N_("后一次留在记录里，不计数。"),
    "kept-second": N_("先一次留在记录里，不计数。"),
    "kept": N_("记录里注明当时不知情。"),
    "returned": N_("送回去以后，请在那边重新收。"),
    "found": N_("病案室补扫一次，这件事就结了。"),
    "searching": N_("先放着，还会留在这里。"),
    "accepted-extra": N_("以手里的这一份为准。"),
}
OUTCOME = OUTCOME_WORDS
VERDICT = VERDICT_WORDS
REASON = REASON_WORDS
