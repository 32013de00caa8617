import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.identity.document import IdentityDocument
from hardware.codecs.identity.mrz import check_digit, read_zone, zone_lines
from hardware.codecs.identity.numbers import DocumentNumber, eighteen_of, read_number, tidy
from hardware.codecs.identity.recognise import Recognised, recognise
from sync.kernel.outcome import Refused
from tests.unit.hardware.identity.specimens import number_for, with_check

TODAY = datetime.date(2026, 11, 28)
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\rL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"


@pytest.mark.row("I08.4")
@pytest.mark.parametrize(
    ("body", "kind", "edition", "birth", "sex", "nationality"),
    [
        ("81000019940823002", "hmt-residence-permit", "", (1994, 8, 23), "female", "CHN"),
        ("83000019920130002", "hmt-residence-permit", "", (1992, 1, 30), "female", "CHN"),
        ("93268219850101001", "permanent-residence-card", "2023", (1985, 1, 1), "male", "SAU"),
        ("91112419810803002", "permanent-residence-card", "2023", (1981, 8, 3), "female", "CAN"),
        ("93158619800101002", "permanent-residence-card", "2023", (1980, 1, 1), "female", "PAK"),
        ("44030819990110151", "citizen-card", "", (1999, 1, 10), "male", "CHN"),
        ("11010119491231002", "citizen-card", "", (1949, 12, 31), "female", "CHN"),
    ],
)
def test_a_number_says_its_kind(
    body: str, kind: str, edition: str, birth: tuple[int, int, int], sex: str, nationality: str
) -> None:
    found = read_number(with_check(body), TODAY)
    assert isinstance(found, DocumentNumber)
    assert (found.kind, found.edition, found.sex, found.nationality) == (kind, edition, sex, nationality)
    assert found.birth_on == datetime.date(*birth)


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("81000019940823002", "1"), ("83000019920130002", "2"), ("93268219850101001", "7"), ("91112419810803002", "4"),
        ("93158619800101002", "8"), ("44030819990110151", "2"),
    ],
)  # fmt: skip
def test_specimens_in_print_have_the_check_character_that_we_compute(body: str, check: str) -> None:
    assert isinstance(read_number(body + check, TODAY), DocumentNumber)
    wrong = [char for char in "0123456789X" if char != check]
    assert {read_number(body + char, TODAY).code for char in wrong} == {"identity.check-digit"}  # type: ignore[union-attr]


@pytest.mark.row("I06.1", "I08.4")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "identity.number-form"),
        ("12345", "identity.number-form"),
        (with_check("11010119490229001"), "identity.date"),
        (with_check("11010120261129001"), "identity.date"),
        (with_check("99010119490228001"), "identity.province"),
        (with_check("91100019850101001"), "identity.country"),
        (with_check("98268219850101001"), "identity.province"),
        (with_check("00000019850101001"), "identity.province"),
        (with_check("81000119850101001"), "identity.province"),
        ("110101490229001", "identity.date"),
        ("990101490228001", "identity.province"),
        ("XYZ110078062101", "identity.country"),
    ],
)
def test_a_number_that_cannot_be_is_refused(number: str, code: str) -> None:
    found = read_number(number, TODAY)
    assert isinstance(found, Refused) and found.code == code


@pytest.mark.row("I08.4")
def test_numbers_of_old() -> None:
    old = read_number("110101491231002", TODAY)
    assert isinstance(old, DocumentNumber)
    assert (old.kind, old.edition, old.sex, old.birth_on) == (
        "citizen-card", "15", "female", datetime.date(1949, 12, 31),
    )  # fmt: skip
    assert isinstance(read_number(eighteen_of("110101491231002"), TODAY), DocumentNumber)
    resident = read_number("can110078062101", TODAY)
    assert isinstance(resident, DocumentNumber)
    assert (resident.kind, resident.edition, resident.nationality, resident.birth_on) == (
        "permanent-residence-card", "2017", "CAN", None,
    )  # fmt: skip


def test_a_number_is_taken_as_people_write_it() -> None:
    number = next(n for n in (with_check(f"110101194912310{k:02}") for k in range(99)) if n.endswith("X"))
    for written in (number.lower(), f" {number[:6]} {number[6:14]}-{number[14:]} ", _wide(number)):
        assert tidy(written) == number
        assert isinstance(read_number(written, TODAY), DocumentNumber)


def _wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


@pytest.mark.row("I06.2")
@pytest.mark.parametrize(
    ("zone", "form", "kind", "number"),
    [
        (TD3, "TD3", "passport", "L898902C3"),
        (TD2, "TD2", "travel-document", "D23145890"),
        (TD1, "TD1", "travel-document", "D23145890"),
        (TD3.replace("\r", ""), "TD3", "passport", "L898902C3"),
        (TD1.replace("\n", "\r\n") + "\r\n", "TD1", "travel-document", "D23145890"),
        (TD2.lower(), "TD2", "travel-document", "D23145890"),
    ],
)
def test_the_specimens_of_the_standard_are_read(zone: str, form: str, kind: str, number: str) -> None:
    lines = zone_lines(zone)
    assert lines is not None
    found = read_zone(lines, TODAY)
    assert isinstance(found, IdentityDocument), found
    assert (found.edition, found.kind, found.number, found.name) == (form, kind, number, "ERIKSSON ANNA MARIA")
    assert (found.sex, found.birth_on, found.valid_to_on) == (
        "female", datetime.date(1974, 8, 12), datetime.date(2012, 4, 15),
    )  # fmt: skip
    assert found.expired(TODAY)


@pytest.mark.row("I06.2")
def test_no_single_wrong_character_among_the_checked_ones_is_taken() -> None:
    """Every position that a check digit covers, with every neighbour a reader may confuse; names carry none."""
    for zone, start, covered in ((TD3, 45, range(45, 89)), (TD2, 37, range(37, 73)), (TD1, 99, range(5, 14))):
        for at in covered:
            here = zone[at]
            for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<":
                changed = zone[:at] + other + zone[at + 1 :]
                lines = zone_lines(changed)
                if lines is None or other == here:
                    continue
                found = read_zone(lines, TODAY)
                if isinstance(found, IdentityDocument):
                    # Sex and nationality are in no check digit of TD3; ten apart is the same to all weights.
                    assert _unseen(here, other) or at - start in (10, 11, 12, 20), (at, here, other)


def _unseen(one: str, other: str) -> bool:
    values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    worth = [0 if char == "<" else values.index(char) for char in (one, other)]
    return (worth[0] - worth[1]) % 10 == 0


def _td3(head: str = "P<D<<MUSTER<<ERIKA", number: str = "C01X00T47", rest: str = "D<<6408125F2702283") -> str:
    line = f"{number}{check_digit(number)}{rest}" + "<" * 14 + "<"
    return head.ljust(44, "<") + "\n" + line + check_digit(line[:10] + line[13:20] + line[21:43])


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        (_td3(head="P<XYZMUSTER<<ERIKA"), "identity.country"),
        (_td3(rest="QQQ6408125F2702283"), "identity.country"),
        (_td3(rest="D<<6408125Q2702283"), "identity.sex"),
        (_td3(rest="D<<641312" + check_digit("641312") + "F2702283"), "identity.date"),
        (_td3(rest="D<<6408125F270229" + check_digit("270229")), "identity.date"),
        (_td3(head="P<D<<"), "identity.field-missing"),
        (_td3(number="<" * 9), "identity.field-missing"),
    ],
)
def test_a_zone_that_cannot_be_is_refused(zone: str, code: str) -> None:
    found = recognise(zone, TODAY)
    assert isinstance(found, Refused) and found.code == code


def test_germany_and_unknown_births_are_let_in() -> None:
    german = recognise(_td3(), TODAY)
    assert isinstance(german, Recognised) and german.nationality == "D" and german.kinds == ("passport",)
    day_unknown = recognise(_td3(rest="D<<6408<<" + check_digit("6408<<") + "F2702283"), TODAY)
    assert isinstance(day_unknown, Recognised) and day_unknown.document is not None
    assert day_unknown.document.birth_on is None and day_unknown.document.doubts == ("identity.birth-unknown",)


def test_centuries() -> None:
    for birth, year in (("261128", 2026), ("261129", 1926), ("000229", 2000), ("991231", 1999)):
        found = recognise(_td3(rest=f"D<<{birth}{check_digit(birth)}F2702283"), TODAY)
        assert isinstance(found, Recognised) and found.birth_on is not None and found.birth_on.year == year


def test_a_long_number_goes_on_in_the_optional_data() -> None:
    """Nine characters, `<` for the check digit, then the rest with its check digit."""
    rest = "34" + check_digit("D23145890" + "34")
    first = ("I<UTOD23145890<" + rest).ljust(30, "<")
    middle = "7408122F1204159UTO".ljust(29, "<")
    composite = check_digit(first[5:30] + middle[:7] + middle[8:15] + middle[18:29])
    found = recognise(f"{first}\n{middle}{composite}\nERIKSSON<<ANNA".ljust(92, "<"), TODAY)
    assert isinstance(found, Recognised) and found.number == "D2314589034"


@pytest.mark.row("I06.3")
@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (number_for("", "19850101"), ("citizen-card",)),
        (number_for("J", "19850101"), ("hmt-residence-permit",)),
        (number_for("Y", "19850101"), ("permanent-residence-card",)),
        ("CAN110078062101", ("permanent-residence-card",)),
        ("110101491231002", ("citizen-card",)),
        ("E12345678", ("passport",)),
        ("EA1234567", ("passport",)),
        ("G12345678", ("passport",)),
        ("h0123456702", ("hmt-travel-permit", "passport")),
        ("01234567", ("hmt-travel-permit", "passport")),
        ("C01X00T47", ("passport", "travel-document")),
        (TD3, ("passport",)),
        (TD1, ("travel-document",)),
    ],
)
def test_the_kind_is_told_from_the_text(text: str, kinds: tuple[str, ...]) -> None:
    found = recognise(text, TODAY)
    assert isinstance(found, Recognised) and found.kinds == kinds
    assert found.number not in repr(found)


@pytest.mark.row("I06.3")
@pytest.mark.parametrize("text", ["", " \n", "张三", "ABCDEF", "0", "<" * 44, "1" * 500, "E1234567é", "１" * 3])
def test_what_is_nothing_is_not_guessed(text: str) -> None:
    assert recognise(text, TODAY) == Refused("identity.unrecognised")


def test_a_wrong_citizens_number_is_not_taken_for_something_else() -> None:
    found = recognise("110101198501010010", TODAY)
    assert found == Refused("identity.check-digit")


@given(st.one_of(st.text(max_size=130), st.text("<0123456789ABCXKO\r\n", max_size=130)))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(recognise(text, TODAY), Recognised | Refused)


@given(st.text("<0123456789ABCX", min_size=88, max_size=90))
def test_no_zone_breaks_it(text: str) -> None:
    lines = zone_lines(text)
    if lines is not None:
        assert isinstance(read_zone(lines, TODAY), IdentityDocument | Refused)
