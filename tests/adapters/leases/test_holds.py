"""Things held alone: one holder at a time by hub time, whatever box and line do."""

from typing import Any

import pytest

from sync.adapters.leases import hub_tables
from sync.kernel.limits import HOLD_GRACE_S, HOLD_S_MAX
from sync.kernel.outcome import Refused
from sync.protocol.lease import Lease

SHELF = "shelf:A1"


def held(box: Any, lasts_s: int = 600) -> Lease | Refused:
    done = box.leases.hold(SHELF, lasts_s)
    box.leases.line_up()
    box.talk()
    return box.leases.hold(SHELF, lasts_s) if isinstance(done, Refused) else done


def code(done: Lease | Refused) -> str:
    return done.code if isinstance(done, Refused) else "held"


@pytest.mark.row("E05.3")
def test_one_holder_until_term_and_grace_are_over(box: Any, new_box: Any) -> None:
    other = new_box("records-cccccccc")
    first = held(box)
    assert isinstance(first, Lease)
    assert code(held(other)) == "lease.held"
    box.leases._holding.clear()  # its feature does not want it any longer and says nothing
    box.pass_time(599)
    other.clock.true_s += 599
    assert code(held(other)) == "lease.held"
    box.pass_time(1)
    assert not box.leases.listing(), "the holder stops by its own clock before anybody else begins"
    box.pass_time(HOLD_GRACE_S)
    other.clock.true_s += HOLD_GRACE_S + 1
    second = held(other)
    assert isinstance(second, Lease) and second.fence > first.fence


@pytest.mark.row("E05.3")
def test_what_is_given_back_is_free_as_soon_as_the_hub_knows(box: Any, new_box: Any) -> None:
    other = new_box("records-cccccccc")
    first = held(box)
    assert isinstance(first, Lease)
    box.leases.give_back(first.id)
    assert code(held(other)) == "lease.held"
    box.deliver()
    other.clock.true_s += 61
    assert code(held(other)) == "held"


def test_a_hold_that_its_asker_never_heard_of_ends_at_the_hub(box: Any, centre: Any) -> None:
    assert code(box.leases.hold(SHELF, 60)) == "lease.asked"
    box.leases.line_up()
    box.ask(deaf=True)
    assert not box.greet(), "the hub knows of a lease that the box does not"
    box.leases._holding.clear()
    box.pass_time(60 + HOLD_GRACE_S + 1)
    centre.office.tidy()
    assert box.greet(), "both see the same leases again"


@pytest.mark.row("E05.3")
def test_an_act_under_an_old_fence_is_kept_and_shown(box: Any, new_box: Any, centre: Any) -> None:
    other = new_box("records-cccccccc")
    first = held(box)
    assert isinstance(first, Lease)
    # The first box's clock stood still: it still believes in its hold.
    centre.clock.true_s += 600 + HOLD_GRACE_S
    second = held(other)
    assert isinstance(second, Lease)
    other.clock.true_s += 1
    for at, lease in ((other, second), (box, first)):
        with at.store.write() as unit:
            assert not isinstance(at.leases.use(unit, lease.id), Refused)
        at.deliver()
        box.clock.true_s += 10
    with centre.store.read() as conn:
        assert [(found.code, found.lease) for found in hub_tables.reviews(conn)] == [("stale-fence", first.id)]


def test_a_hold_goes_on_over_a_restart_and_is_renewed_in_time(box: Any) -> None:
    first = held(box)
    assert isinstance(first, Lease)
    box.restart()
    assert code(box.leases.hold(SHELF, 600)) == "held"
    for _ in range(8):
        box.pass_time(200)
        box.talk()
    again = box.leases.hold(SHELF, 600)
    assert isinstance(again, Lease) and again.fence == first.fence and again.granted > first.granted


@pytest.mark.row("E05.3")
def test_after_a_raised_epoch_nothing_is_held_anew_until_the_longest_term_is_over(
    box: Any, new_box: Any, centre: Any
) -> None:
    first = held(box)
    assert isinstance(first, Lease)
    other = new_box("records-cccccccc")
    with centre.store.write() as unit:
        unit.conn.execute("DELETE FROM granted_lease")
    centre.epochs.above(1)
    assert code(held(other)) == "lease.held"
    other.clock.true_s += HOLD_S_MAX
    centre.clock.true_s += HOLD_S_MAX
    assert code(held(other)) == "lease.held"
    other.clock.true_s += HOLD_GRACE_S + 61
    centre.clock.true_s += HOLD_GRACE_S + 61
    second = held(other)
    assert isinstance(second, Lease) and second.fence > first.fence


def test_a_hold_taken_back_by_a_person_stays_taken_until_it_must_be_over(box: Any, new_box: Any, centre: Any) -> None:
    other = new_box("records-cccccccc")
    first = held(box)
    assert isinstance(first, Lease)
    assert not isinstance(centre.office.void(first.id, "u-admin"), Refused)
    assert code(held(other)) == "lease.held"
    box.greet()
    assert not box.leases.listing()
