"""A stay's story told in facts, one row per thing that must come out of it. All numbers are invented."""

from __future__ import annotations

from typing import Any

import pytest

from sync import catalog
from sync.domain.tracking import facts, words
from sync.domain.tracking.standing import EVENTS, STANDING
from sync.domain.tracking.state import CANCELLED, DISCHARGED, IN_HOUSE, UNHEARD, Stay
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId
from sync.merge.machine import diagram

KEY = "00731846-1"
ROUND_A, ROUND_B = "courier-aaaaaaaa.00000001", "courier-bbbbbbbb.00000001"
HANDIN = "records-cccccccc.00000001"
A, B, ROOM, HUB = "courier-aaaaaaaa", "courier-bbbbbbbb", "records-cccccccc", "hub-dddddddd"


class Story:
    """Facts with made-up places, folded in the order in which they are told."""

    def __init__(self) -> None:
        self.state = Stay()
        self.told: list[tuple[Fact, FactId, Annotation]] = []

    def tell(self, new: NewFact, node: str = HUB, actor: str | None = None, *, pending: bool = False) -> FactId:
        at = len(self.told) + 1
        fid = FactId(node, 7, 1, at)
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=(1_700_000_000_000 + at) << 16, actor=actor)
        catalog.check_fact(fact, node.partition("-")[0])
        ann = Annotation(fact.hlc, None if pending else at)
        self.told.append((fact, fid, ann))
        self.state = catalog.fold_fact(facts.STAY, self.state, fact, fid, ann)
        return fid

    def collected(self, node: str, who: str, round_key: str, **more: object) -> FactId:
        told = {
            "round_key": round_key,
            "ward": "W12",
            "verdict": words.GOOD,
            "how": words.GUN,
            "read_no": "00731846",
            "at_ms": 1_700_000_000_000 + len(self.told),
            "list_as_of_ms": 1_699_999_000_000,
        }
        return self.tell(facts.collected(KEY, **{**told, **more}), node, who)  # type: ignore[arg-type]


def discharged_story() -> Story:
    story = Story()
    story.tell(facts.opened(KEY, ward="W12", admitted_on="2026-11-02", event_at_ms=100, control="m1"))
    story.tell(facts.discharged(KEY, ward="W12", discharged_on="2026-11-17", event_at_ms=200, control="m2"))
    return story


def codes(stay: Stay, *, open_only: bool = True) -> list[str]:
    return [one.code for one in stay.anomalies if one.open or not open_only]


@pytest.mark.row("F14.1")
def test_a_quiet_day_ends_in_the_records_room() -> None:
    story = discharged_story()
    assert (story.state.state, story.state.discharged_on, story.state.ward) == ("discharged", "2026-11-17", "W12")
    story.collected(A, "u-lin", ROUND_A)
    assert story.state.state == "collected"
    story.tell(facts.received(KEY, HANDIN, words.GUN), ROOM, "u-he")
    story.tell(facts.label_printed(KEY, "job-1", 0), ROOM)
    assert (story.state.state, story.state.anomalies, len(story.state.labels)) == ("received", (), 1)


@pytest.mark.parametrize("state", [UNHEARD, IN_HOUSE, DISCHARGED, CANCELLED])
@pytest.mark.parametrize("word", list(EVENTS.values()))
def test_every_pair_of_standing_and_message_leads_somewhere_known(state: str, word: str) -> None:
    assert STANDING.get((state, word), state) in {IN_HOUSE, DISCHARGED, CANCELLED} | {state}


def test_the_diagram_names_every_state_of_the_table() -> None:
    drawn = diagram(STANDING, UNHEARD)
    assert drawn.startswith("stateDiagram-v2\n    [*] --> unheard\n")
    assert "discharged --> in_house: discharge_cancelled" in drawn


def message_of(letter: str, at: int) -> NewFact:
    told: dict[str, Any] = {"event_at_ms": at, "control": f"m{at}"}
    if letter == "o":
        return facts.opened(KEY, ward="W12", admitted_on=None, **told)
    if letter == "d":
        return facts.discharged(KEY, ward="W12", discharged_on="2026-11-17", **told)
    return facts.discharge_cancelled(KEY, **told) if letter == "c" else facts.admission_cancelled(KEY, **told)


@pytest.mark.parametrize(
    ("messages", "standing", "why"),
    [
        (["d200", "o100"], DISCHARGED, "the admission came after the discharge"),
        (["c300", "o100", "d200"], IN_HOUSE, "the cancellation came first"),
        (["o100", "d200", "c300", "d200"], IN_HOUSE, "the discharge was played again"),
        (["o100", "d200", "c300", "d400"], DISCHARGED, "discharged once more"),
        (["x150", "o100"], CANCELLED, "the admission itself was cancelled"),
    ],
)
def test_messages_count_by_their_own_time(messages: list[str], standing: str, why: str) -> None:
    story = Story()
    for message in messages:
        at = int(message[1:])
        story.tell(message_of(message[0], at))
    assert story.state.standing == standing, why
    assert (story.state.discharged_on is not None) == (standing == DISCHARGED)


@pytest.mark.row("F10.19")
def test_two_couriers_are_a_question_and_one_courier_twice_is_none() -> None:
    story = discharged_story()
    first = story.collected(A, "u-lin", ROUND_A)
    story.collected(A, "u-lin", ROUND_A)
    assert codes(story.state) == []
    second = story.collected(B, "u-bao", ROUND_B)
    (asked,) = story.state.anomalies
    assert asked.code == words.COLLECTED_TWICE and {first, second} <= set(asked.facts)
    story.tell(facts.anomaly_settled(KEY, asked.code, asked.id, "kept-second"), ROOM, "u-he")
    assert not story.state.has_open_anomaly
    assert story.state.collection is not None and story.state.collection.who == "u-bao"


def test_a_third_courier_opens_the_question_again() -> None:
    story = discharged_story()
    story.collected(A, "u-lin", ROUND_A)
    story.collected(B, "u-bao", ROUND_B)
    (asked,) = story.state.anomalies
    story.tell(facts.anomaly_settled(KEY, asked.code, asked.id, "kept-first"), ROOM, "u-he")
    story.collected("courier-eeeeeeee", "u-sun", "courier-eeeeeeee.00000001")
    assert story.state.has_open_anomaly and story.state.anomalies[0].id != asked.id


@pytest.mark.parametrize("rebuilt_first", [True, False])
@pytest.mark.row("F10.13")
def test_a_rebuilt_scan_and_its_original_are_one(rebuilt_first: bool) -> None:
    original = FactId(A, 7, 1, 40)
    new = facts.collected(
        KEY, round_key=ROUND_A, ward="W12", verdict=words.GOOD, how=words.GUN, read_no="00731846", at_ms=5,
        list_as_of_ms=1,
    )  # fmt: skip
    twin = facts.collected(
        KEY, round_key=ROUND_A, ward="W12", verdict=words.GOOD, how=words.REBUILT, read_no="00731846", at_ms=5,
        list_as_of_ms=1, rebuilt_from=original, courier="u-lin",
    )  # fmt: skip
    told = [
        (Fact(new.kind, 1, facts.STAY, KEY, new.body, hlc=9 << 16, actor="u-lin"), original),
        (Fact(twin.kind, 1, facts.STAY, KEY, twin.body, hlc=8 << 16, actor="u-he"), FactId(ROOM, 3, 1, 2)),
    ]
    state = discharged_story().state
    for fact, fid in reversed(told) if rebuilt_first else told:
        state = catalog.fold_fact(facts.STAY, state, fact, fid, Annotation(fact.hlc, 3))
    (one,) = state.collections
    assert (one.fact, one.how, one.rebuilt_from, one.who) == (original, words.GUN, None, "u-lin")
    assert one.also == (FactId(ROOM, 3, 1, 2),) and state.anomalies == ()


def test_an_undo_takes_the_act_back_with_all_its_copies() -> None:
    story = discharged_story()
    scan = story.collected(A, "u-lin", ROUND_A)
    story.tell(facts.collection_undone(KEY, scan, "put back"), A, "u-lin")
    assert story.state.state == "discharged" and story.state.collections[0].undone


def test_undoing_a_rebuilt_copy_leaves_the_original_standing() -> None:
    story = discharged_story()
    scan = story.collected(A, "u-lin", ROUND_A)
    twin = story.collected(ROOM, "u-he", ROUND_A, how=words.REBUILT, rebuilt_from=scan, courier="u-lin")
    story.tell(facts.collection_undone(KEY, twin, "wrong paper"), ROOM, "u-he")
    assert story.state.state == "collected"


def test_an_undo_may_be_heard_before_what_it_names() -> None:
    story = discharged_story()
    story.tell(facts.collection_undone(KEY, FactId(A, 7, 1, 4), "put back"), A, "u-lin")
    story.collected(A, "u-lin", ROUND_A)
    assert story.told[-1][1] == FactId(A, 7, 1, 4) and story.state.state == "discharged"


@pytest.mark.row("F14.2")
def test_a_corrected_scan_stays_readable_and_counts_no_more() -> None:
    story = discharged_story()
    scan = story.collected(A, "u-lin", ROUND_A)
    story.tell(facts.collection_corrected(KEY, scan, "00731846-2", "second stay"), A, "u-lin")
    (one,) = story.state.collections
    assert one.corrected_to == "00731846-2" and not one.counts and story.state.state == "discharged"


def test_a_discharge_that_comes_later_closes_the_unknown_stay() -> None:
    story = Story()
    story.collected(A, "u-lin", ROUND_A, verdict=words.UNKNOWN, reason="list-is-old")
    assert codes(story.state) == [words.STAY_UNKNOWN] and story.state.record_no == "00731846"
    story.tell(facts.discharged(KEY, ward="W12", discharged_on="2026-11-17", event_at_ms=1, control="m"))
    assert codes(story.state) == []


def test_what_the_carried_list_did_not_know_is_asked_at_the_hub() -> None:
    story = discharged_story()
    story.tell(facts.sealed(KEY, "dispute"), HUB, "u-wang")
    story.tell(facts.discharge_cancelled(KEY, event_at_ms=300, control="m3"))
    story.collected(A, "u-lin", ROUND_A)
    assert codes(story.state) == [words.COLLECTED_SEALED, words.COLLECTED_CANCELLED]


def test_who_was_warned_is_not_asked_again() -> None:
    story = discharged_story()
    story.tell(facts.sealed(KEY, "dispute"), HUB, "u-wang")
    story.collected(A, "u-lin", ROUND_A, verdict=words.SEALED, reason="office-agreed")
    assert codes(story.state) == []
    story.tell(facts.unsealed(KEY, "closed"), HUB, "u-wang")
    assert not story.state.sealed


def test_sealing_what_is_already_collected_asks_nobody() -> None:
    story = discharged_story()
    story.collected(A, "u-lin", ROUND_A)
    story.tell(facts.sealed(KEY, "dispute"), HUB, "u-wang")
    assert codes(story.state) == []


@pytest.mark.row("F14.3")
def test_missing_is_closed_by_scanning_it_and_a_search_leaves_it_open() -> None:
    story = discharged_story()
    story.collected(A, "u-lin", ROUND_A)
    story.tell(facts.missed(KEY, HANDIN), ROOM, "u-he")
    (asked,) = story.state.anomalies
    story.tell(facts.anomaly_settled(KEY, asked.code, asked.id, words.SEARCHING), ROOM, "u-he")
    assert story.state.has_open_anomaly and story.state.anomalies[0].settled == words.SEARCHING
    story.tell(facts.received(KEY, HANDIN, words.GUN), ROOM, "u-he")
    assert story.state.anomalies == () and story.state.state == "received"


@pytest.mark.row("F10.15")
def test_received_without_collection_is_extra() -> None:
    story = discharged_story()
    got = story.tell(facts.received(KEY, HANDIN, words.HAND), ROOM, "u-he")
    assert codes(story.state) == [words.ROOM_EXTRA]
    story.tell(facts.reception_undone(KEY, got), ROOM, "u-he")
    assert codes(story.state) == [] and story.state.state == "discharged"


def test_a_reason_may_be_given_later() -> None:
    story = discharged_story()
    scan = story.collected(A, "u-lin", ROUND_A, verdict=words.WRONG_WARD)
    story.tell(facts.reason_given(KEY, scan, "moved-lately"), A, "u-lin")
    assert story.state.collections[0].reason == "moved-lately"


def test_an_own_scan_is_pending_until_the_centre_has_it() -> None:
    story = discharged_story()
    new = facts.collected(
        KEY, round_key=ROUND_A, ward="W12", verdict=words.GOOD, how=words.GUN, read_no="00731846", at_ms=5,
        list_as_of_ms=1,
    )  # fmt: skip
    story.tell(new, A, "u-lin", pending=True)
    assert story.state.collections[0].pending
