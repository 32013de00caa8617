"""One scan, one verdict: a table of situations with the reason of each. All numbers are invented."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from sync.domain.tracking.codes import Code, code_text, parse_code
from sync.domain.tracking.judge import CarriedStay, Judgement, judge, judge_chosen, judge_reception
from sync.kernel.outcome import Refused


@dataclass
class View:
    stays: list[CarriedStay] = field(default_factory=list)
    merges: dict[str, str] = field(default_factory=dict)

    def stays_of(self, record_no: str) -> Sequence[CarriedStay]:
        return [stay for stay in self.stays if stay.key.rpartition("-")[0] == record_no]

    def alias(self, record_no: str) -> str | None:
        return self.merges.get(record_no)

    def merged_from(self, record_no: str) -> Iterable[str]:
        return [old for old, into in self.merges.items() if into == record_no]


@dataclass
class Walk:
    courier: str = "u-lin"
    keys: frozenset[str] = frozenset()

    def scanned(self, stay_key: str) -> bool:
        return stay_key in self.keys


def stay(key: str, ward: str = "W12", state: str = "discharged", **more: object) -> CarriedStay:
    told = {"discharged_on": "2026-11-17" if state != "in_house" else None, "sealed": False, **more}
    return CarriedStay(key, ward, state, **told)  # type: ignore[arg-type]


N = "00731846"


@pytest.mark.parametrize(
    ("code", "stays", "scanned", "verdict", "key", "notes", "why"),
    [
        (Code(N, None), [stay(f"{N}-1")], (), "good", f"{N}-1", (), "the only due stay of this ward"),
        (Code(N, "1"), [stay(f"{N}-1"), stay(f"{N}-2")], (), "good", f"{N}-1", (), "the code names the stay"),
        (Code(N, None), [stay(f"{N}-1", "W07")], (), "wrong_ward", f"{N}-1", (), "the only one of the site"),
        (Code(N, None), [stay(f"{N}-1"), stay(f"{N}-2", "W07")], (), "good", f"{N}-1", (), "this ward comes first"),
        (Code(N, None), [stay(f"{N}-1"), stay(f"{N}-2")], (), "choose", None, (), "two are due here"),
        (Code(N, None), [stay(f"{N}-1", "W07"), stay(f"{N}-2", "W08")], (), "choose", None, (), "two elsewhere"),
        (Code(N, None), [stay(f"{N}-1", state="in_house")], (), "not_discharged", f"{N}-1", (), "still in bed"),
        (
            Code(N, None),
            [stay(f"{N}-1", state="collected", takers=("u-bao",))],
            (),
            "taken",
            f"{N}-1",
            (),
            "a colleague was here",
        ),
        (Code(N, None), [stay(f"{N}-1", state="received")], (), "taken", f"{N}-1", ("received",), "in the room"),
        (Code(N, None), [stay(f"{N}-1", sealed=True)], (), "sealed", f"{N}-1", (), "the office has sealed it"),
        (
            Code(N, None),
            [stay(f"{N}-1", "W07", sealed=True)],
            (),
            "sealed",
            f"{N}-1",
            ("wrong_ward",),
            "the seal weighs more than the ward",
        ),
        (Code(N, None), [], (), "unknown", f"{N}-0", (), "no list names it"),
        (Code(N, "3"), [stay(f"{N}-1")], (), "unknown", f"{N}-3", (), "that stay is on no list"),
        (Code(N, None), [], (f"{N}-0",), "duplicate", f"{N}-0", (), "unknown and scanned already"),
        (Code(N, None), [stay(f"{N}-1")], (f"{N}-1",), "duplicate", f"{N}-1", (), "scanned in this round"),
        (
            Code(N, None),
            [stay(f"{N}-1", state="collected", takers=("u-lin",))],
            (),
            "duplicate",
            f"{N}-1",
            (),
            "one's own from an earlier round",
        ),
        (
            Code(N, None),
            [stay(f"{N}-1", state="collected", takers=("u-lin",)), stay(f"{N}-2")],
            (f"{N}-1",),
            "choose",
            None,
            ("scanned_before",),
            "a gun that fires twice must not collect the second stay",
        ),
        (
            Code(N, None),
            [stay(f"{N}-1", state="received"), stay(f"{N}-2", state="in_house")],
            (),
            "not_discharged",
            f"{N}-2",
            (),
            "an old stay is in the room, the patient is back in bed",
        ),
    ],
)
@pytest.mark.row("F10.5")
def test_verdicts(
    code: Code,
    stays: list[CarriedStay],
    scanned: tuple[str, ...],
    verdict: str,
    key: str | None,
    notes: tuple[str, ...],
    why: str,
) -> None:
    judged = judge(code, "W12", View(stays), Walk(keys=frozenset(scanned)))
    assert (judged.verdict, judged.stay_key, judged.notes) == (verdict, key, notes), why
    assert bool(judged.choices) == (verdict == "choose")


@pytest.mark.row("A05.9")
def test_a_merged_number_leads_to_the_stays_of_both_and_says_so() -> None:
    view = View([stay("00990002-1")], {"00990001": "00990002"})
    judged = judge(Code("00990001", None), "W12", view, Walk())
    assert (judged.verdict, judged.stay_key, judged.notes) == ("good", "00990002-1", ("merged",))


@pytest.mark.row("A05.9")
def test_a_stay_filed_under_the_old_number_is_found_by_the_new_one() -> None:
    view = View([stay("00990001-1")], {"00990001": "00990002"})
    judged = judge(Code("00990002", None), "W12", view, Walk())
    assert (judged.verdict, judged.stay_key, judged.notes) == ("good", "00990001-1", ())


def test_what_an_undone_scan_left_behind_is_still_unknown_and_hides_no_merge() -> None:
    left = CarriedStay("00990102-0", None, "unheard", None, False)
    assert judge(Code("00990102", None), "W12", View([left]), Walk()).verdict == "unknown"
    view = View([left, stay("00990103-1")], {"00990102": "00990103"})
    judged = judge(Code("00990102", None), "W12", view, Walk())
    assert (judged.verdict, judged.stay_key, judged.notes) == ("good", "00990103-1", ("merged",))


def test_numbers_merged_in_a_circle_end() -> None:
    view = View([stay("00990002-1")], {"00990001": "00990002", "00990002": "00990001"})
    assert judge(Code("00990001", None), "W12", view, Walk()).stay_key == "00990002-1"


def test_choices_come_newest_first_with_their_dates_and_one_is_judged_when_picked() -> None:
    view = View([stay(f"{N}-1", discharged_on="2026-11-02"), stay(f"{N}-2", discharged_on="2026-11-17", sealed=True)])
    judged = judge(Code(N, None), "W12", view, Walk())
    assert [(one.stay_key, one.discharged_on) for one in judged.choices] == [
        (f"{N}-2", "2026-11-17"),
        (f"{N}-1", "2026-11-02"),
    ]
    assert judge_chosen(judged, f"{N}-2", "W12", view, Walk()).verdict == "sealed"


@pytest.mark.parametrize(
    ("code", "stays", "expected", "received", "verdict", "key"),
    [
        (Code(N, None), [stay(f"{N}-1", state="collected")], {f"{N}-1"}, set(), "good", f"{N}-1"),
        (Code(N, None), [stay(f"{N}-1", state="collected")], {f"{N}-1"}, {f"{N}-1"}, "duplicate", f"{N}-1"),
        (Code(N, None), [stay(f"{N}-1")], set(), set(), "taken", f"{N}-1"),
        (Code(N, None), [], set(), set(), "unknown", f"{N}-0"),
        (Code(N, None), [], {f"{N}-0"}, set(), "good", f"{N}-0"),
        (Code(N, None), [stay(f"{N}-1"), stay(f"{N}-2")], {f"{N}-1", f"{N}-2"}, set(), "choose", None),
        (Code(N, None), [stay(f"{N}-1"), stay(f"{N}-2")], {f"{N}-2"}, set(), "good", f"{N}-2"),
    ],
)
def test_the_records_room_asks_by_what_was_signed_for(
    code: Code, stays: list[CarriedStay], expected: set[str], received: set[str], verdict: str, key: str | None
) -> None:
    judged: Judgement = judge_reception(code, View(stays), frozenset(expected), frozenset(received))
    assert (judged.verdict, judged.stay_key) == (verdict, key)


@pytest.mark.parametrize(
    ("text", "read", "why"),
    [
        ("ZY00731846", Code(N, None), "prefix and number"),
        ("ZY00731846-2", Code(N, "2"), "with the stay"),
        ("00731846-02", Code(N, "2"), "leading zeros of a stay say nothing"),
        ("00731846-0", Code(N, None), "0 is not told"),
        (" zy００７３１８４６\r", Code(N, None), "full width, lower case, line end"),
        ("ZY12", Code("ZY12", None), "what is left after the prefix is no number, so it is none"),
        ("", "code.empty", "nothing"),
        ("123", "code.form", "too short"),
        ("00731846-", "code.form", "no stay after the dash"),
        ("00731846-12345", "code.form", "no stay is that long"),
        ("<script>alert(1)</script>", "code.characters", "markup"),
        ("0073\x001846", "code.characters", "a control character inside"),
        ("9" * 65, "code.too-long", "a page of digits"),
        ("WAY1:ABC", "code.receipt", "the code of a receipt"),
    ],
)
def test_codes(text: str, read: Code | str, why: str) -> None:
    got = parse_code(text, ["ZY", "Z"])
    assert (got.code if isinstance(got, Refused) else got) == read, why


@pytest.mark.row("F04.1")
@pytest.mark.parametrize(("number", "stay_no"), [(N, "0"), (N, "3"), ("ZY12", "1"), ("ZYZY1234", "0")])
def test_a_label_reads_back_to_its_record(number: str, stay_no: str) -> None:
    got = parse_code(code_text("ZY", number, stay_no), ["ZY"])
    assert isinstance(got, Code) and (got.record_no, got.stay_no or "0") == (number, stay_no)
