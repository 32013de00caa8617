import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.kernel import hlc

DAY = 86_400_000
NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("wall", "build", "floor", "answer", "why"),
    [
        (NOW, NOW - DAY, 0, True, "an ordinary day"),
        (0, NOW - DAY, 0, False, "1970"),
        (4102444800000, NOW, 0, False, "2100"),
        (NOW, NOW, 0, True, "the build's own instant"),
        (NOW, NOW - DAY, NOW + 1, False, "below hub time already seen"),
    ],
)
def test_believed(wall: int, build: int, floor: int, answer: bool, why: str) -> None:
    assert hlc.believed(wall, build, floor) is answer, why


@pytest.mark.parametrize(
    ("high", "wall", "answer", "why"),
    [
        (0, 5, 5 << 16, "wall ahead"),
        (9 << 16, 5, (9 << 16) + 1, "wall behind"),
        (7, None, 8, "no wall"),
        (5 << 16, 5, (5 << 16) + 1, "the same ms"),
    ],
)
def test_next_stamp(high: int, wall: int | None, answer: int, why: str) -> None:
    assert hlc.next_stamp(high, wall) == answer, why


@pytest.mark.parametrize(
    ("hub_ms", "wall", "clock", "answer_ms", "why"),
    [
        (NOW + DAY, NOW, 2, NOW + 300_000, "a synchronised clock is dragged 5 min at most"),
        (NOW + DAY, NOW, 1, NOW + DAY, "a clock that is not synchronised follows"),
        (NOW + DAY, None, 0, NOW + DAY, "no clock follows"),
        (NOW - DAY, NOW, 2, NOW, "never backwards"),
    ],
)
def test_raise_by_hub(hub_ms: int, wall: int | None, clock: int, answer_ms: int, why: str) -> None:
    assert hlc.ms_of(hlc.raise_by_hub(NOW << 16, hub_ms << 16, wall, clock)) == answer_ms, why


def test_a_claim_more_than_five_minutes_ahead_sorts_at_hub_time() -> None:
    hub = hlc.stamp_of(NOW)
    assert hlc.order_stamp(hlc.stamp_of(NOW + 300_000), hub) == hlc.stamp_of(NOW + 300_000)
    assert hlc.order_stamp(hlc.stamp_of(NOW + 300_001), hub) == hub
    assert hlc.order_stamp(5, hub) == 5


@given(st.integers(0, 2**62), st.lists(st.none() | st.integers(0, 4102444800000)))
def test_stamps_never_repeat_or_fall(high: int, walls: list[int | None]) -> None:
    for wall in walls:
        stamp = hlc.next_stamp(high, wall)
        assert stamp > high
        high = stamp
