"""What paper says, read as a person reads it. Hospital, people and numbers are invented."""

from __future__ import annotations

import datetime

import pytest

from sync.domain.tracking import words
from sync.domain.tracking.codes import Code, parse_code
from sync.domain.tracking.papers import PaperDifference, PaperRecord, ReceiptFacts, cover_label, receipt_slip
from sync.kernel.paper import Code2d, Columns, Line, Slip

AT = datetime.datetime(2026, 11, 17, 10, 31)
TOLD = ReceiptFacts(
    hospital="示例医院",
    ward="十二病区",
    courier="林小满",
    nurse="仇一宁",
    handed_over_at=AT,
    list_as_of=datetime.datetime(2026, 11, 17, 7, 32),
    expected=3,
    scanned=2,
    by_hand=2,
    differences=[
        PaperDifference("00731848-0", "欧阳试", words.NOT_SCANNED),
        PaperDifference("", "", words.COUNT_DIFFERS),
    ],
    records=[PaperRecord("00731846-2", "单试一"), PaperRecord("00731847-0", "䶮试二", words.BACKFILL)],
    codes=["WAY1:A", "WAY1:B"],
)


def lines(slip: Slip) -> list[str]:
    said = []
    for block in slip.blocks:
        if isinstance(block, Line):
            said.append(block.text)
        elif isinstance(block, Columns):
            said.append(f"{block.left} | {block.right}")
        elif isinstance(block, Code2d):
            said.append(f"[{block.text}] {block.caption}")
    return said


@pytest.mark.row("F10.10")
def test_the_receipt_says_who_what_and_every_difference() -> None:
    assert lines(receipt_slip(TOLD)) == [
        "示例医院",
        "病案取件回执",
        "病区 | 十二病区",
        "取件人 | 林小满",
        "交接护士 | 仇一宁",
        "交接时间 | 2026-11-17 10:31",
        "名单截至 | 2026-11-17 07:32",
        "应收 | 3 份",
        "扫到 | 2 份",
        "清点 | 2 份",
        "三个数不一样，差在这里：",
        "没扫到 | 0073 1848",
        "欧阳试",
        "清点与扫到的数不一样",
        "收走的病案 | 2 份",
        "0073 1846 -2 | 单试一",
        "0073 1847 · 补单录入 | 䶮试二",
        "[WAY1:A] 第 1 张（共 2 张）",
        "[WAY1:B] 第 2 张（共 2 张）",
        "请留在病区。手持机丢了，扫上面的码就能补回这一批。",
    ]


def test_in_english_every_word_of_ours_is_english() -> None:
    said = lines(receipt_slip(TOLD._replace(hospital="H", ward="W12", courier="L", nurse="Q"), lang="en"))
    names = {"欧阳试", "单试一", "䶮试二"}
    ours = [line for line in said if not any(name in line for name in names)]
    assert all(char.isascii() or char == "·" for line in ours for char in line)
    assert "[WAY1:A] Code 1 of 2" in said


@pytest.mark.row("F10.11")
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_copy_says_so_first_and_last_and_the_original_never(lang: str) -> None:
    copy = lines(receipt_slip(TOLD, copy_no=2, lang=lang))
    assert copy[0] == copy[-1] == "补打 第 2 次 / REPRINT 2"
    assert not any("REPRINT" in line for line in lines(receipt_slip(TOLD, lang=lang)))


def test_equal_counts_with_a_stranger_among_them_are_not_called_equal() -> None:
    odd = TOLD._replace(expected=2, differences=[PaperDifference("00731847-0", "", words.OTHER_WARD)])
    said = lines(receipt_slip(odd))
    assert "有出入：" in said and "别的病区的 | 0073 1847" in said
    assert "三个数一样" in lines(receipt_slip(odd._replace(differences=[])))


def test_an_empty_round_says_so() -> None:
    said = lines(receipt_slip(TOLD._replace(expected=0, scanned=0, by_hand=0, differences=[], records=[], codes=[])))
    assert "这一趟没有收走病案" in said


@pytest.mark.row("F10.16")
def test_the_cover_label_names_the_record_and_its_code_reads_back() -> None:
    label = cover_label("00731846-2", "单试一", "2026-11-17", prefix="ZY")
    assert label.lines == ("0073 1846", "单试一", "出院 2026-11-17", "第 2 次住院")
    assert parse_code(label.code, ["ZY"]) == Code("00731846", "2")
    again = cover_label("00731846-0", "Wolf", None, copy_no=1, lang="en")
    assert again.lines == ("0073 1846", "Wolf", "补打 第 1 次 / REPRINT 1")
