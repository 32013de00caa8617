import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.identity.card_text import read_card_text, read_latest_address
from hardware.codecs.identity.code_tables import COUNTRIES, ETHNIC
from hardware.codecs.identity.document import IdentityDocument
from sync.kernel.outcome import PeerFault, Refused
from tests.unit.hardware.identity.specimens import block, number_for, told

MARKS = ("", "J", "I", "Y")
EDGES = (
    "19000101", "19040229", "19491001", "19991231", "20000101", "20000229", "20240229", "20191231", "18991231",
)  # fmt: skip
VALID = (("20200101", "20300101"), ("20200229", "20400229"), ("20211231", "长期"), ("20240229", "20240229"))
KINDS = {
    "": ("citizen-card", ""),
    "J": ("hmt-residence-permit", ""),
    "I": ("permanent-residence-card", "2017"),
    "Y": ("permanent-residence-card", "2023"),
}


def day(text: str) -> datetime.date:
    return datetime.datetime.strptime(text, "%Y%m%d").date()


@pytest.mark.row("I08.1")
@pytest.mark.parametrize("mark", MARKS)
def test_every_layout_with_every_people_and_edge_date_is_read_right(mark: str) -> None:
    """In layouts that have no people's code its place is reserved or another field's: it changes nothing there."""
    read = 0
    for code in (f"{n:02}" for n in range(1, 57)):
        for birth in EDGES:
            for begins, ends in VALID:
                born = day(birth) <= day(begins)
                fields = told(mark, birth=birth, **{"from": begins, "to": ends})
                if mark in ("", "J"):
                    fields["ethnic"] = code
                if mark == "Y":
                    fields["times"] = code
                found = read_card_text(block(mark, fields))
                if not born:
                    assert found == Refused("identity.date", {"field": "from"})
                    continue
                assert isinstance(found, IdentityDocument), (found, fields)
                read += 1
                assert (found.kind, found.edition) == KINDS[mark]
                assert (found.name, found.number, found.sex) == ("欧阳静姝", fields["number"], "male")
                assert (found.birth_on, found.valid_from_on) == (day(birth), day(begins))
                assert found.long_term == (ends == "长期")
                assert found.valid_to_on == (None if found.long_term else day(ends))
                assert found.ethnic == (code if mark == "" else "")
                assert found.nationality == fields.get("nationality", "CHN")
                assert found.address == fields.get("address", "")
                assert found.latin_name == fields.get("latin", "")
                assert found.permit_number == fields.get("permit", "")
                assert found.doubts == ()
    unborn = sum(day(birth) > day(begins) for birth in EDGES for begins, _ in VALID)
    assert read == 56 * (len(EDGES) * len(VALID) - unborn)


@pytest.mark.row("I08.1")
def test_a_serial_in_every_layout_keeps_its_sex() -> None:
    for mark in ("", "J", "Y"):
        fields = told(mark, sex="2", number=number_for(mark, "19850101", "002"))
        found = read_card_text(block(mark, fields))
        assert isinstance(found, IdentityDocument) and found.sex == "female" and found.doubts == ()


@pytest.mark.parametrize(
    ("code", "name"), [("24", "拉祜"), ("25", "水"), ("26", "东乡"), ("55", "珞巴"), ("56", "基诺"), ("97", "其他")]
)
def test_the_table_of_peoples_is_not_the_shifted_one(code: str, name: str) -> None:
    assert ETHNIC[code] == name
    assert [each for each in ETHNIC if each < "57"] == [f"{n:02}" for n in range(1, 57)]


@pytest.mark.parametrize(
    ("mark", "changed", "code"),
    [
        ("", {"ethnic": "57"}, "identity.ethnic"),
        ("", {"ethnic": "00"}, "identity.ethnic"),
        ("", {"ethnic": "  "}, "identity.field-missing"),
        ("", {"sex": "3"}, "identity.sex"),
        ("", {"birth": "19000229"}, "identity.date"),
        ("", {"birth": "20230229"}, "identity.date"),
        ("", {"birth": "2023022 "}, "identity.date"),
        ("", {"birth": "２０２００１０１"}, "identity.date"),
        ("", {"to": "20201301"}, "identity.date"),
        ("", {"to": "20190101"}, "identity.date"),
        ("", {"from": "长期"}, "identity.date"),
        ("", {"name": " "}, "identity.field-missing"),
        ("", {"number": "110101198501010010"}, "identity.check-digit"),
        ("", {"number": "99"}, "identity.number-form"),
        ("", {"number": number_for("J", "19850101")}, "identity.number-kind"),
        ("J", {"number": number_for("", "19850101")}, "identity.number-kind"),
        ("Y", {"number": number_for("I", "")}, "identity.number-kind"),
        ("Y", {"nationality": "XYZ"}, "identity.country"),
        ("I", {"nationality": "D  "}, "identity.country"),
        ("I", {"number": "XYZ110078062101"}, "identity.country"),
    ],
)
def test_a_rule_refuses_what_cannot_be(mark: str, changed: dict[str, str], code: str) -> None:
    fields = told(mark) | changed
    found = read_card_text(block(mark, fields))
    assert isinstance(found, Refused) and found.code == code


@pytest.mark.row("I08.2")
@pytest.mark.parametrize("mark", ["A", "K", "j", "Ｉ", "\ue000", "\uffff", "0"])
def test_an_unknown_mark_is_an_unknown_document_and_never_a_citizen(mark: str) -> None:
    assert read_card_text(block("", told(""), raw_mark=mark)) == Refused("identity.unknown-document")


@pytest.mark.parametrize("name", ["\ue863\U000f0001\U00020bb7", "㼆鿍", "𠮷野家", "王\ue000"])
def test_rare_and_private_characters_stay(name: str) -> None:
    found = read_card_text(block("", told("", name=name)))
    assert isinstance(found, IdentityDocument) and found.name == name


def test_a_long_latin_name_in_two_pieces_keeps_its_blank() -> None:
    name = "MAXIMILIANA KONSTANTINA WOJCIECHOW LEE VAN DYK"
    assert len(name) == 46 and name[34] == " "
    fields = told("Y", latin=name[:35].rstrip(), latin2=name[35:])
    found = read_card_text(block("Y", fields))
    assert isinstance(found, IdentityDocument) and found.latin_name == name


def test_a_foreigner_without_a_chinese_name_is_called_by_the_other() -> None:
    for mark in ("I", "Y"):
        found = read_card_text(block(mark, told(mark, name="")))
        assert isinstance(found, IdentityDocument) and found.name == "DOE, JANE"


def test_fields_that_contradict_each_other_are_doubts() -> None:
    fields = told("", number=number_for("", "19850102", "002"))
    found = read_card_text(block("", fields))
    assert isinstance(found, IdentityDocument)
    assert found.doubts == ("identity.birth-differs", "identity.sex-differs")


def test_a_sex_that_is_not_stated_stays_so() -> None:
    for code, sex in (("0", "unknown"), ("9", "not-stated")):
        found = read_card_text(block("", told("", sex=code)))
        assert isinstance(found, IdentityDocument) and found.sex == sex and found.doubts == ()


def test_its_repr_tells_nobody() -> None:
    found = read_card_text(block("", told("")))
    assert isinstance(found, IdentityDocument)
    assert not any(part in repr(found) + str(found) for part in ("欧阳", found.number, "1985", "东城"))


def test_a_card_is_good_through_its_last_day() -> None:
    found = read_card_text(block("", told("")))
    assert isinstance(found, IdentityDocument)
    assert not found.expired(day("20400229")) and found.expired(day("20400301"))
    ever = read_card_text(block("", told("", to="长期")))
    assert isinstance(ever, IdentityDocument) and not ever.expired(datetime.date.max)


def test_the_latest_address() -> None:
    assert read_latest_address("某路 2 号".ljust(35).encode("utf-16-le")) == "某路 2 号"
    assert read_latest_address(bytes(70)) == ""
    with pytest.raises(PeerFault, match=r"card-text\.length"):
        read_latest_address(bytes(69))


def test_the_table_of_countries_has_each_once() -> None:
    assert len(COUNTRIES) == 249 == len(set(COUNTRIES.values()))


@given(st.binary(min_size=250, max_size=262), st.sampled_from(MARKS))
def test_no_bytes_break_it(raw: bytes, mark: str) -> None:
    data = bytearray(raw)
    data[248:250] = (mark or " ").encode("utf-16-le")
    try:
        found = read_card_text(bytes(data))
    except PeerFault as fault:
        assert fault.code.startswith("card-text.")
    else:
        assert isinstance(found, Refused | IdentityDocument)
