"""The change log of a record: what happened, who did it, where, when, and when the centre knew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiosk_ui.kit.screens.words import N_, FieldValue, Message
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.digest import history
from sync.domain.patients import facts as lines
from sync.domain.tracking import facts as stays
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId

LATE_MS = 60_000
"""Known a minute after it happened: the line was cut in between."""

_PLAIN: Mapping[int, str] = {
    stays.OPENED: N_("入院，住 %(ward)s"),
    stays.MOVED: N_("转到 %(ward)s"),
    stays.DISCHARGED: N_("从 %(ward)s 出院，出院日期 %(on)s"),
    stays.DISCHARGE_CANCELLED: N_("撤销出院"),
    stays.ADMISSION_CANCELLED: N_("撤销入院"),
    stays.SEALED: N_("封存：%(reason)s"),
    stays.UNSEALED: N_("解除封存：%(reason)s"),
    stays.COLLECTION_UNDONE: N_("撤回一次收取"),
    stays.COLLECTION_CORRECTED: N_("改到另一份病案"),
    stays.RECEPTION_UNDONE: N_("撤回一次点收"),
    stays.MISSED: N_("交接时病案室没见到"),
    stays.REASON_GIVEN: N_("补了说明：%(reason_code)s"),
    stays.ANOMALY_SETTLED: N_("定下：%(outcome)s"),
    stays.LABEL_PRINTED: N_("封面标签打出"),
    stays.HANDED_OVER: N_("护士刷卡确认，应收 %(expected)s，扫到 %(scanned)s，手数 %(by_hand)s"),
    stays.RECEIPT_PRINTED: N_("回执：%(outcome)s"),
    stays.ROUND_REBUILT: N_("用回执重建了这一批"),
    lines.LISTED: N_("列入 %(ward)s 待收"),
    lines.WITHDRAWN: N_("从待收名单撤下"),
    lines.CLOSED: N_("待收名单上销号"),
    lines.RELISTED: N_("有人定了姓名，重新列入 %(ward)s 待收"),
}
_HOW: Mapping[str, str] = {
    "gun": N_("在 %(ward)s 扫描收下"),
    "hand": N_("在 %(ward)s 手输收下"),
    "backfill": N_("补录：在 %(ward)s 收下"),
    "rebuilt": N_("从回执重建：在 %(ward)s 收下"),
}
VERDICT_WORDS: Mapping[str, str] = {
    "good": N_("正常"),
    "duplicate": N_("重复扫描"),
    "wrong_ward": N_("不是本病区"),
    "not_discharged": N_("还没出院"),
    "taken": N_("别人已收"),
    "sealed": N_("已封存"),
    "unknown": N_("名单里没有"),
    "choose": N_("选过一次住院"),
}
REASON_WORDS: Mapping[str, str] = {
    "moved-lately": N_("刚转科"),
    "lent-to-ward": N_("借到本病区"),
    "list-is-old": N_("名单旧了"),
    "left-today": N_("今天刚出院"),
    "ward-insists": N_("病区要求先收"),
    "further-volume": N_("是另一册"),
    "handed-on": N_("同事转交"),
    "not-in-hand-before": N_("之前没拿到手"),
    "office-agreed": N_("医务处同意"),
    "seal-not-known": N_("不知道封存"),
    "label-misprinted": N_("条码印错"),
    "written-up-later": N_("事后补录"),
    "corrected": N_("更正"),
}
OUTCOME_WORDS: Mapping[str, str] = {
    "kept-first": N_("算先收的那次"),
    "kept-second": N_("算后收的那次"),
    "kept": N_("照收，不退"),
    "returned": N_("退回病区"),
    "found": N_("找到了，补扫"),
    "searching": N_("还在找"),
    "accepted-extra": N_("收下，补进名单"),
    "confirmed": N_("打好了"),
    "uncertain": N_("不确定打没打好"),
    "failed": N_("没打出来"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step. `known_ms`: when the centre knew; `proof`: lane / seq.

    `written_ms`: when a machine wrote it down, which for a back-filled act is later than the act. `day_only`: the
    civil date, where a list told no hour.
    """

    at_ms: int
    known_ms: int
    kind: int
    what: Message
    note: Message | None
    who: str | None
    node: str
    proof: str
    fact: FactId
    written_ms: int
    clock_known: bool
    day_only: str | None = None

    @property
    def late(self) -> bool:
        """It waited on the machine for a line. Of a machine whose clock was wrong nobody can say."""
        return self.known_ms - self.written_ms > LATE_MS and self.clock_known and self.kind not in _HOSPITAL


_HOSPITAL = frozenset(
    {stays.OPENED, stays.MOVED, stays.DISCHARGED, stays.DISCHARGE_CANCELLED, stays.ADMISSION_CANCELLED}
)
"""Told by the hospital's system with its own event time: late there is not a cut line of ours."""


_DATED = frozenset({stays.OPENED, stays.DISCHARGED})
LISTED = "list"
"""The control id of what a list told."""


def entries(conn: Connection, key: str, rounds: tuple[str, ...]) -> list[Entry]:
    """Newest first. `rounds` are those in which the record was collected."""
    found = [_entry(*one) for etype in (stays.STAY, lines.DUE) for one in history(conn, etype, key)]
    for name in rounds:
        found += [
            _entry(*one)
            for one in history(conn, stays.ROUND, name)
            if one[1].kind in (stays.HANDED_OVER, stays.RECEIPT_PRINTED, stays.ROUND_REBUILT)
        ]
    return sorted(found, key=lambda one: (one.at_ms, one.known_ms, one.fact), reverse=True)


def _entry(fid: FactId, fact: Fact, _: Annotation, known_at: int) -> Entry:
    body, at_ms = fact.body, fact.at_ms
    if fact.kind in _HOSPITAL:
        at_ms = body[8]
    elif fact.kind == stays.COLLECTED:
        at_ms = body[7]
    what, note = _words(fact)
    who = body.get(10) or fact.actor if fact.kind == stays.COLLECTED else fact.actor
    day = body.get(4 if fact.kind == stays.OPENED else 2) if fact.kind in _DATED and body[9] == LISTED else None
    if fact.clock == 0 and fact.kind not in _HOSPITAL:
        note = note or Message(N_("那台机器的钟当时不准"))
    return Entry(
        at_ms, known_at >> 16, fact.kind, what, note, who, fid.node, f"{fid.lane} / {fid.seq}", fid, fact.at_ms,
        fact.clock > 0, day,
    )  # fmt: skip


def _words(fact: Fact) -> tuple[Message, Message | None]:
    body = fact.body
    if fact.kind == stays.COLLECTED:
        note = None
        if body[3] != "good":
            said = Message(REASON_WORDS.get(body.get(4) or "", N_("没有说明")))
            verdict = Message(VERDICT_WORDS.get(body[3], body[3]))
            note = Message(N_("%(verdict)s，%(reason)s"), {"verdict": verdict, "reason": said})
        return Message(_HOW.get(body[5], _HOW["gun"]), {"ward": body[2]}), note
    if fact.kind == stays.RECEIVED:
        return Message(N_("病案室手输点收") if body[2] == "hand" else N_("病案室点收")), None
    fields: dict[str, FieldValue] = {}
    match fact.kind:
        case stays.OPENED | lines.LISTED | lines.RELISTED:
            fields = {"ward": body[3]}
        case stays.MOVED:
            fields = {"ward": body[1]}
        case stays.DISCHARGED:
            fields = {"ward": body[1], "on": body[2]}
        case stays.SEALED | stays.UNSEALED:
            fields = {"reason": body[1]}
        case stays.REASON_GIVEN:
            fields = {"reason_code": Message(REASON_WORDS.get(body[2], body[2]))}
        case stays.ANOMALY_SETTLED:
            fields = {"outcome": Message(OUTCOME_WORDS.get(body[3], body[3]))}
        case stays.RECEIPT_PRINTED:
            fields = {"outcome": Message(OUTCOME_WORDS.get(body[2], body[2]))}
        case stays.HANDED_OVER:
            fields = {"expected": body[2], "scanned": body[3], "by_hand": body[4]}
    added = (
        body.get(4) if fact.kind == stays.ANOMALY_SETTLED else body.get(3) if fact.kind == stays.REASON_GIVEN else ""
    )
    what = Message(_PLAIN.get(fact.kind, N_("另一件事")), fields)
    return what, Message("%(note)s", {"note": added}) if added else None
