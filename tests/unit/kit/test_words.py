"""Ages, numbers, masks and the ledger, as tables."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from kiosk_ui.kit.screens import age
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.mask import group4, mask_document, mask_name, thousands
from kiosk_ui.kit.screens.words import Message, say

SITE = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 20, 10, 31, 6, tzinfo=SITE)


def zh(message: Message | None) -> str:
    assert message is not None
    return say(message, lambda text: text, lambda one, _many, _count: one)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW, "10:31"),
        (NOW - timedelta(hours=10), "00:31"),
        (NOW - timedelta(hours=11), "昨天 23:31"),
        (NOW - timedelta(days=2), "11-18 10:31"),
        (NOW - timedelta(days=365), "2025-11-20 10:31"),
        (NOW + timedelta(days=1), "11-21 10:31"),
    ],
)
def test_moment(at: datetime, words: str) -> None:
    assert zh(age.moment(at, NOW)) == words


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (-9, "刚刚"),
        (59.9, "刚刚"),
        (60, "1 分钟前"),
        (3599, "59 分钟前"),
        (3600, "1 小时前"),
        (86400, "1 天前"),
        (1e8, "1,157 天前"),
    ],
)
def test_ago(age_s: float, words: str) -> None:
    assert zh(age.ago(age_s)) == words


@pytest.mark.parametrize(
    ("at", "stale", "never", "words"),
    [
        (NOW, False, False, "截至 10:31"),
        (NOW - timedelta(hours=3), False, False, "截至 07:31"),
        (NOW - timedelta(hours=3, seconds=1), True, False, "截至 07:31，3 小时前"),
        (None, True, True, None),
    ],
)
def test_as_of(at: datetime | None, stale: bool, never: bool, words: str | None) -> None:
    view = age.as_of(at, NOW, age.WARD_LIST_LIMIT_S)
    assert (view.stale, view.never) == (stale, never)
    assert (None if view.text is None else zh(view.text)) == words


def test_day_shows_another_year() -> None:
    assert (zh(age.day(date(2026, 1, 2), 2026)), zh(age.day(date(2025, 1, 2), 2026))) == ("01-02", "2025-01-02")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("仇建国", "仇**"),
        ("单于", "单**"),
        ("欧阳静姝", "欧阳**"),
        ("欧阳静", "欧阳**"),
        ("𠮷䶮", "𠮷**"),
        ("Wojciechowska Anna", "Wo**"),
        ("O'Neill", "ON**"),
        ("Å", "Å**"),
        ("买买提·艾力", "买**"),
        ("  ", ""),
    ],
)
def test_mask_name(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("00731846", "0073\u00a01846"),
        ("007318461", "0073\u00a01846\u00a01"),
        ("0073", "0073"),
        ("00731846-2", "0073\u00a01846-2"),
        ("", ""),
    ],
)
def test_group4(number: str, shown: str) -> None:
    assert group4(number) == shown
    assert shown.replace("\u00a0", "") == number


def test_documents_and_thousands() -> None:
    assert (mask_document("E12345678"), mask_document("123")) == ("****5678", "****")
    assert (thousands(999), thousands(1341)) == ("999", "1,341")


@pytest.mark.parametrize(
    ("view", "state", "missing"),
    [
        (LedgerView(1284, 1284, 0), "equal", 0),
        (LedgerView(1341, 1284, 57), "waiting", 0),
        (LedgerView(1341, 1283, 57), "missing", 1),
        (LedgerView(1341, 1283, 57, "1/0877"), "missing", 1),
        (LedgerView(10, 11, 0), "missing", 1),
        (LedgerView(0, 0, 0), "equal", 0),
        (LedgerView(9, 9, 0, "1/0004"), "missing", 0),
    ],
)
def test_ledger(view: LedgerView, state: str, missing: int) -> None:
    assert (view.state, view.missing) == (state, missing)


def test_a_message_inside_a_message_is_translated_too() -> None:
    english = {"约 %(left)s": "about %(left)s", "%(n)s 秒": "%(n)s seconds"}
    message = Message("约 %(left)s", {"left": Message("%(n)s 秒", {}, 1200)})
    assert say(message, lambda text: english[text], lambda one, _many, _count: english[one]) == "about 1,200 seconds"


def test_a_per_cent_sign_in_an_entry_is_doubled_and_shown_once() -> None:
    assert zh(Message("目标 90 %%")) == "目标 90 %"
