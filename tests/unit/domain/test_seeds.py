"""What two packages tell us: the published days of a year, and how a name begins. Names are invented or legendary."""

from __future__ import annotations

import pytest

from sync.adapters.calendar_seed import published_days
from sync.adapters.pinyin_initials import initials


@pytest.mark.row("A13.1")
def test_a_published_year_gives_its_holidays_and_make_up_days() -> None:
    days = published_days(2026)
    assert days is not None
    assert (days[101], days[1001], days[1010]) == (0, 0, 1), "New Year, National Day, a Saturday that is worked"
    assert 103 not in days, "a Saturday off is a plain week"


@pytest.mark.row("A13.2")
@pytest.mark.parametrize("year", [1999, 2100])
def test_a_year_that_is_not_published_gives_none(year: int) -> None:
    assert published_days(year) is None


@pytest.mark.row("A05.6")
@pytest.mark.parametrize(
    ("name", "letters", "why"),
    [
        ("王小明", "WXM", "plain"),
        ("单雄信", "SXX", "Shan, not dan"),
        ("仇英", "QY", "Qiu, not chou"),
        ("曾国", "ZG", "Zeng, not ceng"),
        ("查良", "ZL", "Zha, not cha"),
        ("区大", "OD", "Ou, not qu"),
        ("解小", "XX", "Xie, not jie"),
        ("欧阳锋", "OYF", "two characters"),
        ("尉迟恭", "YCG", "Yu, not wei"),
        ("万俟元", "MQY", "Mo qi, not wan si"),
        ("阿卜杜拉·买买提", "ABDLMMT", "the middle dot is no letter"),
        ("Wolf Müller", "WM", "Latin words"),
        ("Élodie d'Arc", "EDA", "an accent falls away"),
        ("𠮷田", "𠮷T", "no dictionary has it"),
        ("王３", "W3", "a full-width digit"),
        ("", "", "nobody"),
        (" \t", "", "blanks"),
    ],
)
def test_initials(name: str, letters: str, why: str) -> None:
    assert initials(name) == letters, why
