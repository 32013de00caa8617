"""What may be done now, and what is refused with which code. All numbers and people are invented."""

from __future__ import annotations

import pytest

from sync import catalog
from sync.domain.patients import decide as due_decide
from sync.domain.patients.due import Due
from sync.domain.tracking import decide, facts, handover, words
from sync.domain.tracking.codes import Code
from sync.domain.tracking.handins import HandIn
from sync.domain.tracking.handover import Confirmer, Difference, Scanned
from sync.domain.tracking.judge import Judgement
from sync.domain.tracking.state import Stay
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId
from sync.kernel.outcome import Refused

KEY, OTHER = "00731846-1", "00731846-2"
ROUND, HANDIN = "courier-aaaaaaaa.00000001", "records-cccccccc.00000001"
NURSE = Confirmer("u-qiu", "W12", frozenset({"handover.confirm"}))


def judged(verdict: str = words.GOOD, key: str | None = KEY) -> Judgement:
    return Judgement(verdict, key, (), (), Code("00731846", None))


def collect(judgement: Judgement, **more: object) -> decide.Decision:
    told = {
        "round_key": ROUND, "round_status": "open", "ward": "W12", "how": words.GUN, "at_ms": 50, "now_ms": 100,
        "list_as_of_ms": 10,
    }  # fmt: skip
    return decide.collect(judgement, **{**told, **more})  # type: ignore[arg-type]


def refusal(decision: object) -> str | None:
    return decision.code if isinstance(decision, Refused) else None


def folded(*told: tuple[NewFact, str]) -> Stay:
    state = Stay()
    for at, (new, who) in enumerate(told, 1):
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=at << 16, actor=who)
        fid = FactId("courier-aaaaaaaa", 7, 1, at)
        state = catalog.fold_fact(facts.STAY, state, fact, fid, Annotation(fact.hlc, at))
    return state


def taken(who: str = "u-lin", verdict: str = words.GOOD) -> tuple[NewFact, str]:
    made = collect(judged(verdict))
    assert isinstance(made, list)
    return made[0], who


@pytest.mark.parametrize(
    ("judgement", "more", "code"),
    [
        (judged(), {"round_status": "handed_over"}, "round.handed-over"),
        (judged(words.CHOOSE, None), {}, "collect.choose"),
        (judged(), {"reason": "because"}, "collect.reason"),
        (judged(), {"how": words.BACKFILL}, "backfill.right"),
        (judged(), {"how": words.BACKFILL, "may_backfill": True, "at_ms": 101}, "backfill.future"),
    ],
)
def test_what_collecting_refuses(judgement: Judgement, more: dict[str, object], code: str) -> None:
    assert refusal(collect(judgement, **more)) == code


def test_a_duplicate_writes_nothing() -> None:
    assert collect(judged(words.DUPLICATE)) == []


@pytest.mark.row("F10.6")
@pytest.mark.parametrize("verdict", [words.WRONG_WARD, words.NOT_DISCHARGED, words.TAKEN, words.SEALED, words.UNKNOWN])
def test_a_warning_is_taken_with_or_without_its_reason(verdict: str) -> None:
    for reason in (None, words.REASONS[verdict][0]):
        made = collect(judged(verdict), reason=reason)
        assert isinstance(made, list) and made[0].body.get(4) == reason and made[0].body[3] == verdict


@pytest.mark.row("F10.9")
def test_a_back_fill_has_its_own_time_and_mark() -> None:
    made = collect(judged(), how=words.BACKFILL, may_backfill=True, at_ms=40, round_status="handed_over")
    assert isinstance(made, list)
    assert (made[0].body[5], made[0].body[7], made[0].body[4]) == (words.BACKFILL, 40, words.REASON_BACKFILL)


def test_only_a_back_fill_may_claim_another_time() -> None:
    made = collect(judged(), at_ms=40)
    assert isinstance(made, list) and made[0].body[7] == 100


SCANS = [
    decide.Scan("00000001-1", FactId("courier-aaaaaaaa", 7, 1, 1), "u-lin", True),
    decide.Scan("00000002-1", FactId("courier-aaaaaaaa", 7, 1, 2), "u-lin", False),
]


@pytest.mark.row("F10.7")
def test_undo_takes_the_newest_that_counts() -> None:
    made = decide.undo_last(SCANS, "u-lin", "open")
    assert isinstance(made, list) and made[0].key == "00000001-1"


@pytest.mark.parametrize(
    ("scans", "who", "status", "code"),
    [
        ([], "u-lin", "open", "undo.nothing"),
        (SCANS[1:], "u-lin", "open", "undo.nothing"),
        (SCANS, "u-bao", "open", "undo.not-own"),
        (SCANS, "u-lin", "handed_over", "round.handed-over"),
    ],
)
def test_what_undo_refuses(scans: list[decide.Scan], who: str, status: str, code: str) -> None:
    assert refusal(decide.undo_last(scans, who, status)) == code


@pytest.mark.row("F10.7")
def test_a_correction_keeps_both_entries() -> None:
    stay = folded(taken())
    made = decide.correct(KEY, stay, stay.collections[0].fact, OTHER, "second stay")
    assert isinstance(made, list)
    assert [(new.key, new.kind) for new in made] == [
        (KEY, facts.COLLECTION_CORRECTED),
        (OTHER, facts.COLLECTED),
    ]
    assert made[1].body[10] == "u-lin" and made[1].body[4] == words.REASON_CORRECTED
    assert refusal(decide.correct(KEY, stay, stay.collections[0].fact, KEY, "")) == "correct.same"
    assert refusal(decide.correct(KEY, folded(taken(), (made[0], "u-lin")), stay.collections[0].fact, OTHER, "")) == (
        "correct.gone"
    )


def test_a_later_undo_needs_its_reason() -> None:
    stay = folded(taken())
    assert refusal(decide.undo_collection(KEY, stay, stay.collections[0].fact, " ")) == "correct.reason"
    made = decide.undo_collection(KEY, stay, stay.collections[0].fact, "handed back")
    assert isinstance(made, list) and made[0].kind == facts.COLLECTION_UNDONE


def test_a_reason_answers_its_own_warning_only() -> None:
    stay = folded(taken(verdict=words.SEALED))
    fact = stay.collections[0].fact
    assert refusal(decide.give_reason(KEY, stay, fact, "moved-lately")) == "reason.unknown"
    made = decide.give_reason(KEY, stay, fact, "office-agreed")
    assert isinstance(made, list) and made[0].kind == facts.REASON_GIVEN
    assert decide.give_reason(KEY, folded(taken(verdict=words.SEALED), (made[0], "u-lin")), fact, "office-agreed") == []


def test_receiving_twice_in_one_hand_in_writes_once() -> None:
    made = decide.receive(KEY, Stay(), HANDIN, HandIn("open"), words.GUN)
    assert isinstance(made, list)
    assert decide.receive(KEY, folded((made[0], "u-he")), HANDIN, HandIn("open"), words.GUN) == []
    assert refusal(decide.receive(KEY, Stay(), HANDIN, HandIn("closed"), words.GUN)) == "handin.closed"
    assert refusal(decide.receive(None, Stay(), HANDIN, HandIn("open"), words.GUN)) == "receive.choose"


@pytest.mark.row("F10.15")
def test_closing_names_what_is_missing_and_what_is_extra() -> None:
    made = decide.close_handin(HANDIN, HandIn("open"), [KEY, OTHER], [OTHER, "00000009-1"])
    assert isinstance(made, list)
    assert (made[0].body[3], made[0].body[4]) == ([KEY], ["00000009-1"])
    assert [(new.kind, new.key) for new in made[1:]] == [(facts.MISSED, KEY)]
    assert refusal(decide.close_handin(HANDIN, HandIn("closed"), [KEY], [])) == "handin.closed"
    assert refusal(decide.close_handin(HANDIN, HandIn("open"), [], [])) == "handin.empty"


def test_settling_is_for_open_questions_and_their_own_outcomes() -> None:
    stay = folded(taken("u-lin"), taken("u-bao"))
    asked = next(one for one in stay.anomalies if one.code == words.COLLECTED_TWICE)
    assert refusal(decide.settle(KEY, stay, "nothing", "found")) == "anomaly.gone"
    assert refusal(decide.settle(KEY, stay, asked.id, "found")) == "anomaly.outcome"
    made = decide.settle(KEY, stay, asked.id, "kept-first")
    assert isinstance(made, list)
    settled = folded(taken("u-lin"), taken("u-bao"), (made[0], "u-he"))
    assert refusal(decide.settle(KEY, settled, asked.id, "kept-second")) == "anomaly.settled"


@pytest.mark.row("F14.4")
def test_a_seal_is_set_and_lifted_once() -> None:
    made = decide.seal(KEY, Stay(), True, "dispute")
    assert isinstance(made, list) and made[0].kind == facts.SEALED
    stay = folded((made[0], "u-wang"))
    assert decide.seal(KEY, stay, True, "dispute") == []
    lifted = decide.seal(KEY, stay, False, "settled")
    assert isinstance(lifted, list) and lifted[0].kind == facts.UNSEALED
    assert refusal(decide.seal(KEY, Stay(), True, "  ")) == "seal.reason"


def test_a_message_played_again_is_not_written_again() -> None:
    new = facts.opened(KEY, ward="W12", admitted_on=None, event_at_ms=1, control="m1")
    assert decide.administrative(Stay(), new) == [new]
    assert decide.administrative(folded((new, "hub")), new) == []


def test_what_was_collected_under_a_bare_number_moves_to_the_stay_that_the_list_names() -> None:
    bare = "00731846-0"
    made = collect(judged(words.UNKNOWN, bare), reason="list-is-old")
    assert isinstance(made, list)
    stay = folded((made[0], "u-lin"))
    assert decide.adopt_unknown(bare, stay, []) == decide.adopt_unknown(bare, stay, [KEY, OTHER]) == []
    correction, moved = decide.adopt_unknown(bare, stay, [KEY])
    assert (moved.key, moved.body[3], moved.body[10], moved.body[7]) == (KEY, words.UNKNOWN, "u-lin", 100)
    after = folded((made[0], "u-lin"), (correction, "hub"))
    assert after.anomalies == () and decide.adopt_unknown(bare, after, [KEY]) == []
    told = facts.discharged(KEY, ward="W12", discharged_on="2026-11-17", event_at_ms=1, control="m")
    named = folded((told, "hub"), (moved, "hub"))
    assert (named.state, named.anomalies) == ("collected", ())


@pytest.mark.row("F10.10")
def test_differences_are_named() -> None:
    went = [Scanned(KEY, "W12"), Scanned("00000009-1", "W07"), Scanned("00000008-0", None)]
    assert handover.differences("W12", [KEY, OTHER], went, 4) == (
        Difference(OTHER, words.NOT_SCANNED),
        Difference("00000009-1", words.OTHER_WARD),
        Difference("", words.COUNT_DIFFERS),
    )
    assert handover.differences("W12", [KEY], went[:1], 1) == ()


@pytest.mark.row("F10.10")
@pytest.mark.parametrize(
    ("status", "by_hand", "badge", "code"),
    [
        ("handed_over", 1, NURSE, "handover.done"),
        ("open", None, NURSE, "handover.count-missing"),
        ("open", 1, None, "handover.badge-unknown"),
        ("open", 1, NURSE._replace(rights=frozenset()), "handover.badge-no-right"),
        ("open", 1, NURSE._replace(ward="W07"), "handover.badge-other-ward"),
        ("open", 1, NURSE._replace(ward=None), "handover.badge-other-ward"),
        ("open", 1, NURSE, None),
    ],
)
def test_who_may_confirm(status: str, by_hand: int | None, badge: Confirmer | None, code: str | None) -> None:
    made = handover.decide_confirm(ROUND, status, "W12", [KEY], [Scanned(KEY, "W12")], by_hand, badge)
    assert refusal(made) == code
    if isinstance(made, list):
        assert made[1].body == {1: "u-qiu", 2: 1, 3: 1, 4: 1, 5: []}


def test_listing_what_stands_writes_nothing() -> None:
    told = {"name": "测试甲", "sex": "F", "ward": "W12", "discharged_on": "2026-11-17", "initials": "CSJ"}
    (new,) = due_decide.list_due(KEY, Due(), **told)
    due = catalog.fold_fact(
        new.etype, Due(), Fact(new.kind, 1, new.etype, KEY, new.body, 1), FactId("hub-dddddddd", 1, 2, 1),
        Annotation(1, 1),
    )  # fmt: skip
    assert due_decide.list_due(KEY, due, **told) == []
    assert due_decide.list_due(KEY, due, **{**told, "ward": "W07"}) != []
    assert refusal(due_decide.relist(KEY, Due(), "测试甲", "CSJ")) == "due.gone"
    assert [new.kind for new in due_decide.withdraw(KEY, due)] == [61]
    assert due_decide.withdraw(KEY, Due()) == []


@pytest.mark.row("F10.8")
@pytest.mark.parametrize(
    ("typed", "known", "code"),
    [
        ("csj", "CSJ", None),
        (" c s j ", "CSJ", None),
        ("", "CSJ", "hand.initials-missing"),
        ("CSY", "CSJ", "hand.initials-differ"),
        ("", None, None),
    ],
)
def test_a_number_typed_by_hand_is_confirmed_by_initials(typed: str, known: str | None, code: str | None) -> None:
    assert refusal(due_decide.check_hand_entry(typed, known)) == code
