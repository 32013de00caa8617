"""The meter under every kind of clock: it goes forward, and says when the wall clock is not to be trusted."""

import pytest

from sync.protocol.elapsed import Mark, Reading, advance, first_mark, heard

DAY = 86_400_000
WALL = 1_795_000_000_000
HERE = Mark(5_000, "boot-1", 10_000, WALL, True)


@pytest.mark.row("E05.2")
@pytest.mark.parametrize(
    ("why", "now", "passed", "doubt"),
    [
        ("the boot clock counts", Reading("boot-1", 70_000, WALL + 60_000, True), 60_000, False),
        ("a forward jump within a boot spends nothing more", Reading("boot-1", 11_000, WALL + DAY, True), 1_000, False),
        ("a small step back is a clock being set right", Reading("boot-1", 11_000, WALL - 120_000, True), 1_000, False),
        ("a larger one is a doubt", Reading("boot-1", 11_000, WALL - 120_001, True), 1_000, True),
        ("1970 is a doubt", Reading("boot-1", 11_000, 0, False), 1_000, True),
        ("2100 is a doubt", Reading("boot-1", 11_000, WALL + 100_000 * DAY, False), 1_000, True),
        ("a reboot costs a minute at least", Reading("boot-2", 500, WALL + 1_000, True), 60_000, False),
        ("over a reboot the wall clock counts", Reading("boot-2", 500, WALL + DAY, True), DAY, False),
        ("set back over a reboot is a doubt", Reading("boot-2", 500, WALL - DAY, True), 60_000, True),
        ("no clock after a reboot is a doubt", Reading("boot-2", 500, 0, False), 60_000, True),
        ("a boot clock never goes back", Reading("boot-1", 9_000, WALL, True), 0, False),
    ],
)
def test_what_has_passed(why: str, now: Reading, passed: int, doubt: bool) -> None:
    after, doubted = advance(HERE, now)
    assert (after.meter_ms - HERE.meter_ms, doubted) == (passed, doubt), why


def test_a_doubt_stays_until_the_hub_is_heard() -> None:
    back = Reading("boot-1", 11_000, WALL - DAY, True)
    after, _ = advance(HERE, back)
    assert advance(after, Reading("boot-1", 12_000, WALL - DAY, True))[1]
    assert not advance(heard(after, back), Reading("boot-1", 12_000, WALL - DAY + 1_000, True))[1]


def test_small_steps_back_do_not_add_up() -> None:
    mark, doubt = HERE, False
    for step in range(1, 4):
        mark, doubt = advance(mark, Reading("boot-1", 10_000 + step, WALL - step * 50_000, True))
    assert doubt


def test_a_machine_that_never_knows_the_time_can_hold_leases_after_hearing_the_hub() -> None:
    mark = heard(first_mark(Reading("boot-1", 0, 7_000, False)), Reading("boot-1", 0, 7_000, False))
    mark, doubt = advance(mark, Reading("boot-1", 60_000, 67_000, False))
    assert (mark.meter_ms, doubt) == (60_000, False)
    assert advance(mark, Reading("boot-2", 0, 7_000, False))[1]
