"""Late, doubled and shuffled events lead to the same place. All numbers are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports.hl7_reader import AdtEvent, Event, Merge
from hub.features.imports.ordering import changes, control, fresh, identity, standings
from sync.domain.tracking.standing import Standing

START = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
STAY = "00123456", "1"


def event(kind: Event, minute: int, ward: str | None = None, **more) -> AdtEvent:
    plain = AdtEvent(
        event=kind, control_id=f"M{minute}", sending_app="HIS", sending_facility="HOSP",
        event_at=START + timedelta(minutes=minute), record_no=STAY[0], stay_no=STAY[1], name="", sex="U",
        ward=ward, prior_ward=None, admitted_on=None,
        discharged_on=date(2026, 11, 17) if kind == "A03" else None,
    )  # fmt: skip
    return replace(plain, **more)


def stand(*events: AdtEvent) -> Standing:
    return standings(events)[STAY]


@pytest.mark.parametrize(
    ("events", "state", "ward", "why"),
    [
        ([event("A01", 1, "W01")], "in_house", "W01", "came in"),
        ([event("A01", 1, "W01"), event("A02", 2, "W02")], "in_house", "W02", "moved"),
        ([event("A03", 3, "W02"), event("A02", 2, "W03"), event("A01", 1, "W01")], "discharged", "W02", "backwards"),
        ([event("A03", 3, "W01")], "discharged", "W01", "a discharge is all we ever heard"),
        ([event("A03", 3, "W01"), event("A13", 4)], "in_house", "W01", "stays after all"),
        ([event("A13", 4), event("A03", 3, "W01")], "in_house", "W01", "the cancel came first"),
        ([event("A03", 3, "W01"), event("A13", 4), event("A03", 5, "W02")], "discharged", "W02", "goes at last"),
        (
            [event("A03", 3, "W01"), event("A13", 4), event("A03", 3, "W01")],
            "in_house",
            "W01",
            "replay after the cancel",
        ),
        ([event("A03", 3, "W01"), event("A01", 4, "W01")], "discharged", "W01", "an admission written up later"),
        ([event("A01", 1, "W01"), event("A11", 2)], "cancelled", "W01", "never came"),
        ([event("A11", 2), event("A01", 1, "W01")], "cancelled", "W01", "never came, shuffled"),
        ([event("A01", 1, "W01"), event("A11", 2), event("A01", 3, "W02")], "in_house", "W02", "came after all"),
    ],
)
@pytest.mark.row("A05.8")
def test_where_a_stay_stands(events, state, ward, why):
    got = stand(*events)
    assert (got.standing, got.ward) == (state, ward), why
    assert got.discharged_on == ("2026-11-17" if state == "discharged" else None)


def test_updates_and_merges_move_nobody():
    assert standings([event("A08", 1, "W01"), event("A40", 2, merges=(Merge("00111111", "00123456"),))]) == {}


def test_what_settles_equal_times_is_bounded_and_still_tells_messages_apart():
    long = [event("A03", 1, "W01", sending_app="H" * 200, control_id="C" * 190 + str(i)) for i in range(20)]
    assert len({control(one) for one in long}) == 20
    assert max(len(control(one)) for one in long) <= 64
    assert control(event("A03", 1)) == "HIS/M1"


def test_a_replay_is_known_by_message_and_time_and_a_counter_begun_anew_is_none():
    first = event("A03", 3, "W01")
    tomorrow = replace(first, event_at=first.event_at + timedelta(days=1))
    assert fresh([first, first], frozenset()) == [first]
    assert fresh([first], {identity(first)}) == []
    assert fresh([tomorrow], {identity(first)}) == [tomorrow]
    assert fresh([replace(first, sending_app="EMR")], {identity(first)}) != []


def test_changes_say_what_the_event_says():
    one = event("A03", 3, "W01", name="张三", sex="M", admitted_on=date(2026, 11, 10))
    (change,) = changes(one)
    assert (change.kind, change.record_no, change.stay_no, change.ward, change.discharged_on, change.name) == (
        "discharged", "00123456", "1", "W01", date(2026, 11, 17), "张三",
    )  # fmt: skip
    assert (change.event_at_ms, change.control) == (one.event_at_ms, "HIS/M3")


def test_a_merge_gives_one_change_per_pair():
    merge = event("A40", 9, merges=(Merge("00111111", "00123456"), Merge("00222222", "00123456")))
    assert [(c.kind, c.record_no, c.stay_no, c.into_no) for c in changes(merge)] == [
        ("record_merged", "00111111", "", "00123456"),
        ("record_merged", "00222222", "", "00123456"),
    ]


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from([kind for kind in get_args(Event) if kind != "A40"]),
        st.integers(0, 6),
        st.sampled_from(["W01", "W02", None]),
        control_id=st.sampled_from(["M1", "M2", "M3"]),
        stay_no=st.sampled_from(["1", "2"]),
        name=st.sampled_from(["", "张三", "李四"]),
    ),
    max_size=12,
)


@given(EVENTS, st.data())
@pytest.mark.row("A05.8")
def test_order_and_doubling_never_matter(events, data):
    again = data.draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    shuffled = data.draw(st.permutations([*events, *again]))
    assert standings(shuffled) == standings(events)
    assert {c for e in fresh(shuffled, frozenset()) for c in changes(e)} == {
        c for e in fresh(events, frozenset()) for c in changes(e)
    }


@given(EVENTS, st.integers(0, 12))
def test_taking_them_in_two_goes_gives_the_same_changes(events, cut):
    once = {identity(e): e for e in events}
    events = list(once.values())
    first = fresh(events[:cut], frozenset())
    second = fresh(events, {identity(e) for e in first})
    assert sorted(map(identity, [*first, *second])) == sorted(once)
