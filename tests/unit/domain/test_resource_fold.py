"""What the hub sees of leases: every unit once, a copied box as the same unit twice, a late holder as such."""

import pytest

from sync.catalog import check_fact
from sync.domain.leases import facts, fold
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId

ID, OTHER = bytes(16), bytes([1]) * 16
RESOURCE = "record:W12"


def folded(*written: NewFact) -> fold.Resource:
    state = fold.Resource()
    for seq, new in enumerate(written, 1):
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, seq << 16, lease=new.lease)
        check_fact(fact, "courier")
        state = fold.fold(state, fact, FactId("ward-a3k7q2xw", 7, 0, seq), Annotation(seq << 16, seq))
    assert fold.load(fold.dump(state)) == state
    return state


def read(used: int, units: int = 1, lease: bytes = ID) -> NewFact:
    return facts.spent(RESOURCE, lease, "read", units=units, quota=3, used=used, spent_s=1)


def act(fence: int) -> NewFact:
    return facts.spent("shelf:A1", ID, "hold", units=1, quota=0, used=fence, spent_s=1)


def codes(state: fold.Resource) -> list[str]:
    return [anomaly.code for anomaly in state.anomalies]


def test_units_are_summed_by_lease() -> None:
    state = folded(read(1), read(3, 2), read(1, lease=OTHER))
    assert state.open == {ID: fold.Spent(3, 3), OTHER: fold.Spent(1, 1)}
    assert not state.anomalies


@pytest.mark.row("E05.2")
def test_a_unit_taken_twice_is_seen_and_so_is_more_than_was_granted() -> None:
    state = folded(read(1), read(2), read(2), read(3))
    assert codes(state) == ["unit-twice", "over-quota"]
    assert [str(anomaly.fact)[-3:] for anomaly in state.anomalies] == ["0/3", "0/4"]


def test_a_unit_that_was_lost_with_a_crash_is_no_anomaly() -> None:
    assert not folded(read(1), read(3)).anomalies


@pytest.mark.row("E05.3")
def test_an_act_under_an_old_fence_is_folded_as_an_anomaly() -> None:
    assert codes(folded(act(5), act(5), act(7), act(5), act(7))) == ["stale-fence"]


def test_giving_back_is_no_act_and_what_follows_it_is_seen() -> None:
    back = facts.returned(RESOURCE, ID, "read", used=2, spent_s=9, why="returned")
    state = folded(read(2, 2), back, back, read(3))
    assert state.open == {}
    assert codes(state) == ["after-return"]
    late = facts.returned("shelf:A1", ID, "hold", used=0, spent_s=9, why="spent", fence=5)
    assert not folded(act(7), late).anomalies


def test_the_list_of_anomalies_is_bounded() -> None:
    assert len(folded(act(9), *[act(1)] * 60).anomalies) == fold.ANOMALIES_MAX
