"""Numbers: no number twice, whatever happens to box, disk, line or hub."""

from typing import Any

import pytest

from sync.kernel.outcome import Unavailable

TICKETS = "ticket:hall-1"


def draw(box: Any, count: int = 1) -> list[str]:
    numbers = []
    for _ in range(count):
        with box.store.write() as unit:
            number = box.leases.next_number(unit, TICKETS)
        numbers.append(number.text)
    return numbers


@pytest.mark.row("G18.2")
def test_two_blocks_are_held_and_the_next_comes_before_they_are_dry(box: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    assert [held.lease.first for held in box.leases.listing()] == [1, 11]
    assert draw(box, 13) == [str(n) for n in range(1, 14)]
    assert box.ask() == 1  # the first block was dry
    assert draw(box, 27) == [str(n) for n in range(14, 31)] + [f"bbbbbbbb-{tag(box)}-{n}" for n in range(1, 11)]


def tag(box: Any) -> str:
    from sync.adapters.leases.box import incarnation_tag

    return incarnation_tag(box.store.incarnation)


@pytest.mark.row("G18.2")
def test_with_the_line_cut_the_own_series_goes_on_and_numbers_come_back_with_the_line(box: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    assert draw(box, 2) == [f"bbbbbbbb-{tag(box)}-1", f"bbbbbbbb-{tag(box)}-2"]
    box.talk()
    assert draw(box) == ["1"]


@pytest.mark.row("G18.1")
def test_blocks_die_with_the_process_and_are_not_given_again(box: Any, centre: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    first = draw(box, 3)
    box.restart()
    assert not box.leases.listing()
    box.leases.want_numbers(TICKETS, 10)
    offline = draw(box, 2)
    box.talk()
    assert draw(box) == ["21"]
    assert not set(first) & set(offline)
    box.deliver()
    with centre.store.read() as conn:
        rows = conn.execute("SELECT state, used FROM granted_lease ORDER BY granted_ms, id").fetchall()
    assert sorted(map(tuple, rows)) == [("closed", 0), ("closed", 3), ("open", 0), ("open", 0)]


@pytest.mark.row("G18.1")
def test_an_incarnation_that_begins_in_the_middle_of_a_process_is_granted_new_blocks(box: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    first = draw(box, 3)
    box.store.begin_again("clock amended")
    drawn = draw(box, 17)
    box.talk()
    drawn += draw(box, 5)
    assert drawn[-1].isdigit(), "the hub's answer counts in the incarnation that asked"
    assert len({*first, *drawn}) == 25


@pytest.mark.row("G18.1")
def test_a_lost_answer_is_the_same_block_again(box: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    box.ask(deaf=True)
    box.pass_time(60)
    box.talk()
    assert [(held.lease.first, held.lease.last) for held in box.leases.listing()] == [(1, 10), (11, 20)]


@pytest.mark.row("G18.1")
def test_a_hub_that_was_put_back_gives_none_twice(box: Any, centre: Any) -> None:
    copy = centre.back_up()
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    before = draw(box, 15)
    centre.put_back(copy)
    box.restart()
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    after = draw(box, 15)
    assert not set(before) & set(after)
    assert after[0] == "21"


@pytest.mark.row("G18.1")
def test_two_copies_of_one_disk_print_different_numbers(box: Any) -> None:
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    copy = box.back_up()
    box.leases.want_numbers(TICKETS, 10)
    one = draw(box, 4)
    box.put_back(copy)
    two = draw(box, 4)
    assert not set(one) & set(two)


@pytest.mark.parametrize("place", ["lease.take:before", "lease.grant:before"])
@pytest.mark.row("G18.1")
def test_a_cut_at_the_grant_loses_numbers_and_doubles_none(box: Any, centre: Any, place: str) -> None:
    def cut(at: str) -> None:
        if at == place:
            raise Unavailable("test.cut")

    box.leases.want_numbers(TICKETS, 10)
    box.point = centre.store.point = cut
    with pytest.raises(Unavailable):
        box.ask()
    box.point = centre.store.point = lambda at: None
    drawn = draw(box)
    box.restart()
    box.leases.want_numbers(TICKETS, 10)
    box.talk()
    assert not set(drawn) & set(draw(box, 20))


def test_a_flood_of_asks_meets_a_bound(box: Any) -> None:
    from sync.kernel.limits import NUMBER_BLOCKS_A_START_MAX
    from sync.protocol.lease import NUMBER

    for _ in range(NUMBER_BLOCKS_A_START_MAX + 5):
        box.leases._asks.want(NUMBER, TICKETS, 10)
    box.ask()
    assert len(box.leases.listing()) == NUMBER_BLOCKS_A_START_MAX
