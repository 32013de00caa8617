from __future__ import annotations

import pytest

from sync.adapters.clock import ShiftedClock, SystemClock


def test_forward_clocks_do_not_go_back() -> None:
    clock = SystemClock()
    monos = [clock.mono_s() for _ in range(100)]
    boots = [clock.boot_s() for _ in range(100)]
    assert monos == sorted(monos)
    assert boots == sorted(boots)


def test_boot_id_is_one_per_boot() -> None:
    assert SystemClock().boot_id() == SystemClock().boot_id()
    assert len(SystemClock().boot_id()) == 36


@pytest.mark.parametrize("wall_ms", [0, 4_102_444_800_000], ids=["1970", "2100"])
def test_a_wrong_wall_clock_leaves_the_other_clocks_alone(wall_ms: int) -> None:
    right = SystemClock()
    wrong = ShiftedClock.starting_at(right, wall_ms)
    assert wall_ms <= wrong.wall_ms() < wall_ms + 60_000
    assert abs(wrong.boot_s() - right.boot_s()) < 60
    assert abs(wrong.mono_s() - right.mono_s()) < 60
    assert wrong.boot_id() == right.boot_id()
