"""Every state table as a full matrix: each pair of state and fact, the good ones by name, the others changing nothing.

The state that fold comes to is compared with what a person would expect, not with the table read back.
"""

from __future__ import annotations

from typing import Any

import pytest

from sync import catalog
from sync.domain.calendar import facts as calendar
from sync.domain.calendar.fold import Ward
from sync.domain.fleet import facts as fleet
from sync.domain.fleet import fold as fleet_fold
from sync.domain.patients import due
from sync.domain.patients import facts as patients
from sync.domain.people import facts as people
from sync.domain.people import fold as people_fold
from sync.domain.people.badges import badge_hash
from sync.domain.people.rights import ALL_RIGHTS, RIGHTS, rights_of
from sync.domain.tracking import facts, handins, rounds
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId
from sync.merge.machine import Table, diagram, states

STAY, ROUND, HANDIN = "00731846-1", "courier-aaaaaaaa.00000001", "records-cccccccc.00000001"
BADGE = bytes(range(16))


def told(name: str = "测试甲", *, settles: bool = False) -> NewFact:
    return patients.listed(
        STAY, name=name, sex="F", ward="W12", discharged_on="2026-11-17", initials="CSJ", settles=settles
    )


def someone(*, known: bool = False, roles: tuple[str, ...] = ("nurse",)) -> NewFact:
    return people.person("u-qiu", name="仇一宁", roles=roles, badge_hash=BADGE, ward="W12", known=known)


def fold(etype: int, *news: NewFact) -> Any:
    state = catalog.ENTITY_TYPES[etype].initial()
    for at, new in enumerate(news, 1):
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=at << 16)
        catalog.KINDS[new.kind].check(new.body)
        state = catalog.fold_fact(etype, state, fact, FactId("hub-dddddddd", 7, 2, at), Annotation(at, at))
    return state


OPEN_ROUND = facts.round_opened(ROUND, "W12", "u-lin", 5)
COUNT = facts.counted(ROUND, 3)
HAND_OVER = facts.handed_over(ROUND, "u-qiu", 3, 3, 3, [])
OPEN_HANDIN = facts.handin_opened(HANDIN, "u-lin", [ROUND])
CLOSE_HANDIN = facts.handin_closed(HANDIN, 3, 2, [STAY], [])
WITHDRAW, CLOSE = patients.withdrawn(STAY), patients.closed(STAY)
JOIN = fleet.enrolled("courier-aaaaaaaa", "courier", "一号手持机", bytes(32), ["W12"])
REVOKE = fleet.revoked("courier-aaaaaaaa", "lost")

MATRICES: list[tuple[int, list[NewFact], NewFact, str]] = [
    (facts.ROUND, [], OPEN_ROUND, "open"),
    (facts.ROUND, [], COUNT, "counted"),
    (facts.ROUND, [], HAND_OVER, "handed_over"),
    (facts.ROUND, [OPEN_ROUND], OPEN_ROUND, "open"),
    (facts.ROUND, [OPEN_ROUND], COUNT, "counted"),
    (facts.ROUND, [OPEN_ROUND], HAND_OVER, "handed_over"),
    (facts.ROUND, [COUNT], OPEN_ROUND, "counted"),
    (facts.ROUND, [OPEN_ROUND, COUNT], COUNT, "counted"),
    (facts.ROUND, [OPEN_ROUND, COUNT], HAND_OVER, "handed_over"),
    (facts.ROUND, [OPEN_ROUND, HAND_OVER], OPEN_ROUND, "handed_over"),
    (facts.ROUND, [OPEN_ROUND, HAND_OVER], COUNT, "handed_over"),
    (facts.ROUND, [OPEN_ROUND, HAND_OVER], HAND_OVER, "handed_over"),
    (facts.HANDIN, [], OPEN_HANDIN, "open"),
    (facts.HANDIN, [], CLOSE_HANDIN, "closed"),
    (facts.HANDIN, [OPEN_HANDIN], OPEN_HANDIN, "open"),
    (facts.HANDIN, [OPEN_HANDIN], CLOSE_HANDIN, "closed"),
    (facts.HANDIN, [CLOSE_HANDIN], OPEN_HANDIN, "closed"),
    (facts.HANDIN, [OPEN_HANDIN, CLOSE_HANDIN], CLOSE_HANDIN, "closed"),
    (patients.DUE, [], told(), "open"),
    (patients.DUE, [], told(settles=True), "open"),
    (patients.DUE, [], WITHDRAW, "withdrawn"),
    (patients.DUE, [], CLOSE, "closed"),
    (patients.DUE, [told()], told(), "open"),
    (patients.DUE, [told()], told(settles=True), "open"),
    (patients.DUE, [told()], WITHDRAW, "withdrawn"),
    (patients.DUE, [told()], CLOSE, "closed"),
    (patients.DUE, [told(), WITHDRAW], told(), "open"),
    (patients.DUE, [told(), WITHDRAW], told(settles=True), "open"),
    (patients.DUE, [told(), WITHDRAW], WITHDRAW, "withdrawn"),
    (patients.DUE, [told(), WITHDRAW], CLOSE, "closed"),
    (patients.DUE, [told(), CLOSE], told(), "closed"),
    (patients.DUE, [told(), CLOSE], told(settles=True), "open"),
    (patients.DUE, [told(), CLOSE], WITHDRAW, "closed"),
    (patients.DUE, [told(), CLOSE], CLOSE, "closed"),
    (people.PERSON, [], someone(), "active"),
    (people.PERSON, [], someone(known=True), "active"),
    (people.PERSON, [], people.disabled("u-qiu"), "disabled"),
    (people.PERSON, [someone()], someone(), "active"),
    (people.PERSON, [someone()], someone(known=True), "active"),
    (people.PERSON, [someone()], people.disabled("u-qiu"), "disabled"),
    (people.PERSON, [someone(), people.disabled("u-qiu")], someone(), "active"),
    (people.PERSON, [someone(), people.disabled("u-qiu")], someone(known=True), "disabled"),
    (people.PERSON, [someone(), people.disabled("u-qiu")], people.disabled("u-qiu"), "disabled"),
    (fleet.NODE, [], JOIN, "enrolled"),
    (fleet.NODE, [], REVOKE, "revoked"),
    (fleet.NODE, [JOIN], JOIN, "enrolled"),
    (fleet.NODE, [JOIN], REVOKE, "revoked"),
    (fleet.NODE, [JOIN, REVOKE], JOIN, "revoked"),
    (fleet.NODE, [JOIN, REVOKE], REVOKE, "revoked"),
]


@pytest.mark.parametrize(("etype", "before", "new", "status"), MATRICES)
def test_each_pair(etype: int, before: list[NewFact], new: NewFact, status: str) -> None:
    assert fold(etype, *before, new).status == status


@pytest.mark.parametrize(
    ("table", "initial"),
    [
        (rounds.ROUND_MACHINE, rounds.NEW),
        (handins.HANDIN_MACHINE, handins.NEW),
        (due.DUE_MACHINE, due.NONE),
        (people_fold.PERSON_MACHINE, people_fold.UNKNOWN),
        (fleet_fold.NODE_MACHINE, fleet_fold.UNKNOWN),
    ],
)
def test_every_state_of_a_table_is_reached_and_drawn(table: Table, initial: str) -> None:
    reached = {initial}
    for _ in states(table):
        reached |= {following for (state, _), following in table.items() if state in reached}
    assert reached == set(states(table))
    drawn = diagram(table, initial)
    assert all(f" {state}" in drawn for state in states(table))


def test_a_round_keeps_its_first_hand_over() -> None:
    later = facts.handed_over(ROUND, "u-other", 9, 9, 9, [])
    state = fold(facts.ROUND, OPEN_ROUND, HAND_OVER, later, facts.counted(ROUND, 8))
    assert (state.nurse, state.expected, state.by_hand) == ("u-qiu", 3, 3)


def test_receipts_are_numbered_and_proved_one_by_one() -> None:
    state = fold(
        facts.ROUND,
        facts.receipt_queued(ROUND, "j1", 1, 0),
        facts.receipt_printed(ROUND, "j1", "uncertain"),
        facts.receipt_queued(ROUND, "j2", 1, 1),
        facts.receipt_printed(ROUND, "j1", "confirmed"),
    )
    assert [tuple(one) for one in state.receipts] == [("j1", 0, "confirmed"), ("j2", 1, "")] and state.next_copy_no == 2


def test_a_rebuilt_round_is_known_by_ward_and_courier_before_its_opening_comes() -> None:
    rebuilt = facts.round_rebuilt(ROUND, "records-cccccccc", 1, 3, "W12", "u-lin")
    more = facts.round_rebuilt(ROUND, "records-cccccccc", 3, 3, "W12", "u-lin")
    state = fold(facts.ROUND, rebuilt, more, rebuilt)
    assert (state.ward, state.courier, state.rebuilt) == ("W12", "u-lin", (("records-cccccccc", 3, 3),))


def test_two_spellings_are_both_kept_until_a_person_says_which() -> None:
    state = fold(patients.DUE, told("测试甲"), told("测试佳"))
    assert (state.name, state.names, state.anomalies) == ("测试佳", ("测试甲", "测试佳"), ("name.differs",))
    settled = fold(patients.DUE, told("测试甲"), told("测试佳"), told("测试甲", settles=True))
    assert (settled.names, settled.anomalies) == (("测试甲",), ())


def test_the_same_name_in_another_form_of_unicode_is_the_same_name() -> None:
    assert fold(patients.DUE, told("Mu\u0308ller"), told("Müller")).anomalies == ()


@pytest.mark.parametrize(
    "name", ["䶮\U0002a6d6", "\ue863", "\U00031350", "W\u00a0M", "阿卜杜拉·买买提", "O'Neil-Smith"]
)
def test_rare_private_and_new_characters_may_stand_in_a_name(name: str) -> None:
    assert fold(patients.DUE, told(name)).name


@pytest.mark.row("A05.9")
def test_where_a_due_entry_is_held() -> None:
    row = catalog.ENTITY_TYPES[patients.DUE]
    assert row.place(row.initial()) == frozenset()
    assert row.place(fold(patients.DUE, told())) == {"ward:W12", "room:records"}
    assert row.place(fold(patients.DUE, told(), WITHDRAW)) == {"room:records"}
    assert row.place(fold(patients.DUE, told(), CLOSE)) == {"room:records"}


def test_names_are_held_nowhere_but_with_due_entries_and_people() -> None:
    held = {label for row in catalog.ENTITY_TYPES.values() if row.name == "stay" for label in row.place(row.initial())}
    assert held == {"site:stays"}
    for secret in ("credential", "audit", "stream"):
        (row,) = [row for row in catalog.ENTITY_TYPES.values() if row.name == secret]
        assert row.place(row.initial()) == frozenset()


def test_a_merge_that_happened_later_counts_whenever_it_came() -> None:
    early = facts.number_merged("00990001", "00990002", event_at_ms=1, control="a")
    late = facts.number_merged("00990001", "00990003", event_at_ms=2, control="a")
    assert fold(facts.ALIAS, early, late).into == fold(facts.ALIAS, late, early).into == "00990003"


def test_a_wards_limit_is_two_days_unless_set_and_may_be_none_at_all() -> None:
    assert fold(calendar.WARD, calendar.configured("W12", "十二病区")) == Ward("十二病区", "", 2)
    assert fold(calendar.WARD, calendar.configured("W12", "十二病区", "Ward 12", 0)).limit_days == 0


def test_scopes_count_by_version() -> None:
    two = fleet.scopes_set("courier-aaaaaaaa", 2, ["ward:W12", "site"])
    one = fleet.scopes_set("courier-aaaaaaaa", 1, ["site"])
    assert fold(fleet.NODE, two, one).labels == ("site", "ward:W12")


def test_the_newest_password_counts() -> None:
    first, second = (
        people.password_set("u-he", f"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ${letter * 22}") for letter in "ab"
    )
    state = fold(people.CREDENTIAL, first, second)
    assert state.argon2.endswith("b" * 22) and state.set_at_ms == 2


@pytest.mark.row("H35.3")
def test_rights_come_from_roles_and_end_with_the_person() -> None:
    assert fold(people.PERSON, someone()).rights == {"handover.confirm"}
    assert fold(people.PERSON, someone(), people.disabled("u-qiu")).rights == frozenset()
    assert rights_of(["courier", "no such role"]) == RIGHTS["courier"]
    assert "audit.read" not in RIGHTS["administrator"] and "people.manage" not in RIGHTS["auditor"]
    assert all(right.count(".") == 1 for right in ALL_RIGHTS)


def test_a_badge_is_known_at_its_own_site_only() -> None:
    assert badge_hash(" B-1001\r", "site-a") == badge_hash("B-1001", "site-a") != badge_hash("B-1001", "site-b")
    assert len(badge_hash("徽章\ud800", "site-a")) == 16
