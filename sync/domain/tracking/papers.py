"""What the receipt and the cover label say. Words first in Chinese, in English where the reader asks for it.

The receipt stays on the ward and proves what went; so it names people and records in full, and every difference. A copy
says on its first and last line that it is one, in both languages, because it may be read by anybody.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sync.domain.tracking import words
from sync.domain.tracking.codes import code_text
from sync.domain.tracking.facts import split_stay_key
from sync.kernel.paper import Block, Code2d, Columns, Feed, Label, Line, Rule, Slip

LABEL_WIDTH_MM: Final = 60
LABEL_HEIGHT_MM: Final = 40

_ZH: Final[Mapping[str, str]] = {
    "title": "病案取件回执",
    "ward": "病区",
    "courier": "取件人",
    "nurse": "交接护士",
    "at": "交接时间",
    "list": "名单截至",
    "expected": "应收",
    "scanned": "扫到",
    "by_hand": "清点",
    "unit": "{} 份",
    "equal": "三个数一样",
    "unequal": "三个数不一样，差在这里：",
    "differs": "有出入：",
    words.NOT_SCANNED: "没扫到",
    words.OTHER_WARD: "别的病区的",
    words.COUNT_DIFFERS: "清点与扫到的数不一样",
    "records": "收走的病案",
    "none": "这一趟没有收走病案",
    "code": "第 {} 张（共 {} 张）",
    "foot": "请留在病区。手持机丢了，扫上面的码就能补回这一批。",
    "discharged": "出院 {}",
    "stay": "第 {} 次住院",
    "hand": "手工输入",
    "backfill": "补单录入",
}
_EN: Final[Mapping[str, str]] = {
    "title": "Receipt for records",
    "ward": "Ward",
    "courier": "Courier",
    "nurse": "Nurse",
    "at": "Handed over",
    "list": "List as of",
    "expected": "Expected",
    "scanned": "Scanned",
    "by_hand": "Counted by hand",
    "unit": "{}",
    "equal": "All three counts agree",
    "unequal": "The counts differ:",
    "differs": "Differences:",
    words.NOT_SCANNED: "Not scanned",
    words.OTHER_WARD: "Of another ward",
    words.COUNT_DIFFERS: "Counted and scanned differ",
    "records": "Records taken",
    "none": "No record was taken on this round",
    "code": "Code {} of {}",
    "foot": "Keep this on the ward. If the hand-held is lost, these codes bring the batch back.",
    "discharged": "Discharged {}",
    "stay": "Stay {}",
    "hand": "typed by hand",
    "backfill": "written up later",
}
LANGUAGES: Final = ("zh-CN", "en")


class PaperRecord(NamedTuple):
    """One record as paper names it; `name` "" where no list told it. `how` as in the fact."""

    stay_key: str
    name: str
    how: str = words.GUN


class PaperDifference(NamedTuple):
    """A difference as paper names it; `stay_key` "" for one of counts."""

    stay_key: str
    name: str
    code: str


class ReceiptFacts(NamedTuple):
    """All that a receipt says. Times are in the site's zone."""

    hospital: str
    ward: str
    courier: str
    nurse: str
    handed_over_at: datetime.datetime
    list_as_of: datetime.datetime | None
    expected: int
    scanned: int
    by_hand: int
    differences: Sequence[PaperDifference]
    records: Sequence[PaperRecord]
    codes: Sequence[str]


def in_fours(record_no: str) -> str:
    """0073 1846: how people read a number aloud."""
    return " ".join(record_no[at : at + 4] for at in range(0, len(record_no), 4))


def stay_words(stay_key: str) -> str:
    """The record number in fours, and the stay where it was told."""
    number, stay = split_stay_key(stay_key)
    return in_fours(number) if stay == "0" else f"{in_fours(number)} -{stay}"


def receipt_slip(told: ReceiptFacts, *, copy_no: int = 0, lang: str = "zh-CN") -> Slip:
    """The receipt of one round. `copy_no` 0 is the original; from 1 on it is marked."""
    say = _EN if lang == "en" else _ZH
    blocks: list[Block] = [*_copy_mark(copy_no)]
    blocks += [Line(told.hospital, bold=True, align="centre"), Line(say["title"], size=2, align="centre"), Rule()]
    blocks += [
        Columns(say["ward"], told.ward),
        Columns(say["courier"], told.courier),
        Columns(say["nurse"], told.nurse),
    ]
    blocks.append(Columns(say["at"], _minute(told.handed_over_at)))
    if told.list_as_of is not None:
        blocks.append(Columns(say["list"], _minute(told.list_as_of)))
    blocks.append(Rule())
    for name, count in (("expected", told.expected), ("scanned", told.scanned), ("by_hand", told.by_hand)):
        blocks.append(Columns(say[name], say["unit"].format(count)))
    blocks += _differences(told, say)
    blocks += [Rule(), *_records(told.records, say)]
    for k, code in enumerate(told.codes, 1):
        blocks += [Feed(), Code2d(code, say["code"].format(k, len(told.codes)))]
    blocks += [Feed(), Line(say["foot"]), *_copy_mark(copy_no), Feed(2)]
    return Slip(tuple(blocks))


def _copy_mark(copy_no: int) -> Iterator[Block]:
    if copy_no:
        yield Line(f"补打 第 {copy_no} 次 / REPRINT {copy_no}", bold=True, align="centre")


def _differences(told: ReceiptFacts, say: Mapping[str, str]) -> Iterator[Block]:
    equal = told.expected == told.scanned == told.by_hand
    if equal and not told.differences:
        yield Line(say["equal"], bold=True)
        return
    yield Line(say["differs"] if equal else say["unequal"], bold=True)
    for one in told.differences:
        if one.stay_key:
            yield Columns(say[one.code], stay_words(one.stay_key))
            if one.name:
                yield Line(one.name, align="right")
        else:
            yield Line(say[one.code])


def _records(records: Sequence[PaperRecord], say: Mapping[str, str]) -> Iterator[Block]:
    if not records:
        yield Line(say["none"])
        return
    yield Columns(say["records"], say["unit"].format(len(records)))
    for one in records:
        mark = f" · {say[one.how]}" if one.how in (words.HAND, words.BACKFILL) else ""
        yield Columns(stay_words(one.stay_key) + mark, one.name)


def cover_label(
    stay_key: str, name: str, discharged_on: str | None, *, prefix: str = "", copy_no: int = 0, lang: str = "zh-CN"
) -> Label:
    """The sticky label of a record's cover. Its code reads back to the same record and stay. Dates as YYYY-MM-DD."""
    say = _EN if lang == "en" else _ZH
    number, stay = split_stay_key(stay_key)
    lines = [in_fours(number), name]
    if discharged_on is not None:
        lines.append(say["discharged"].format(discharged_on))
    if stay != "0":
        lines.append(say["stay"].format(stay))
    if copy_no:
        lines.append(f"补打 第 {copy_no} 次 / REPRINT {copy_no}")
    return Label(
        LABEL_WIDTH_MM, LABEL_HEIGHT_MM, tuple(line for line in lines if line), code_text(prefix, number, stay)
    )


def _minute(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")
