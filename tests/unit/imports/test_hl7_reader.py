"""ADT messages, good and bad. All people are invented."""

from __future__ import annotations

from datetime import UTC, date, datetime

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports.hl7_answer import answer
from hub.features.imports.hl7_message import Heard, Hl7Fault, decode_message
from hub.features.imports.hl7_reader import Merge, read_adt

CHINA_MIN = 480
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SEPARATOR_TWINS = [
    chr(c) for c in range(0x4E00, 0x9FA6) if len(b := chr(c).encode("gb18030")) == 2 and chr(b[1]) in "|^~\\"
]


def message(
    event: str = "A03", *, msh: dict[int, str] | None = None, evn: str | None = None, pid: dict[int, str] | None = None,
    pv1: dict[int, str] | None = None, more: str = "", end: str = "\r",
) -> str:  # fmt: skip
    def segment(name: str, fields: dict[int, str]) -> str:
        return "|".join([name, *(fields.get(i, "") for i in range(1, max(fields) + 1))])

    header = {2: "HIS", 3: "HOSP", 4: "WAY", 5: "HUB", 6: "20261117103100", 8: f"ADT^{event}", 9: "MSG-1", 10: "P",
              11: "2.5"} | {k - 1: v for k, v in (msh or {}).items()}  # fmt: skip
    lines = [
        "MSH|^~\\&" + segment("", header)[1:],
        evn if evn is not None else f"EVN|{event}|20261117103000",
        segment("PID", {1: "1", 3: "00123456^^^HOSP^MR", 5: "张三", 8: "M"} | (pid or {})),
        segment("PV1", {2: "I", 3: "W01^^^HOSP", 19: "2", 44: "20261110080000", 45: "20261117093000"} | (pv1 or {})),
    ]
    return end.join(line for line in [*lines, more] if line) + end


def test_a_discharge_is_read_field_by_field():
    got = read_adt(message(), CHINA_MIN)
    assert got.event == "A03" and got.control_id == "MSG-1"
    assert (got.sending_app, got.sending_facility) == ("HIS", "HOSP")
    assert got.event_at == datetime(2026, 11, 17, 2, 30, tzinfo=UTC)
    assert got.event_at_ms == 1794882600000
    assert (got.record_no, got.stay_no, got.name, got.sex, got.ward) == ("00123456", "2", "张三", "M", "W01")
    assert (got.admitted_on, got.discharged_on) == (date(2026, 11, 10), date(2026, 11, 17))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r"])
def test_line_ends_of_careless_senders(end):
    assert read_adt(message(end=end), CHINA_MIN).ward == "W01"


@pytest.mark.parametrize(
    ("fields", "wanted", "why"),
    [
        ({3: "X99^^^A^VN~00123456^^^B^MR"}, {"record_no": "00123456"}, "of several numbers the one of type MR"),
        ({3: "00777777~00123456"}, {"record_no": "00777777"}, "without a type the first"),
        ({3: "００１２３４５６"}, {"record_no": "00123456"}, "full-width digits"),
        ({5: "张^三"}, {"name": "张三"}, "family and given name of a Chinese name join"),
        ({5: "Smith^John^Q"}, {"name": "John Q Smith"}, "others stand as spoken"),
        ({5: "Zhang^San^^^^^^A~张^三^^^^^^I"}, {"name": "张三"}, "the ideographic one of two"),
        ({5: "O\\S\\Brien \\T\\ Sons"}, {"name": "O^Brien & Sons"}, "escaped delimiters"),
        ({5: "<script>alert(1)</script>"}, {"name": "<script>alert(1)</script>"}, "only text"),
        ({8: "F"}, {"sex": "F"}, "letters of table 0001"),
        ({8: '""'}, {"sex": "U"}, "told as deleted"),
    ],
)
def test_person_fields(fields, wanted, why):
    got = read_adt(message(pid=fields), CHINA_MIN)
    assert {key: getattr(got, key) for key in wanted} == wanted, why


@pytest.mark.parametrize(
    ("fields", "stay_no", "why"),
    [
        ({19: "02"}, "2", "one spelling"),
        ({19: "", 50: "3"}, "3", "alternate visit id"),
        ({19: "ZY2026110012345", 50: "3"}, "3", "a running number beside it"),
        ({19: "00123456-4"}, "4", "behind the record number"),
        ({19: "00123456_04"}, "4", "behind the record number"),
        ({19: "", 50: ""}, "0", "not told"),
        ({19: '""'}, "0", "deleted"),
    ],
)
def test_stay_numbers(fields, stay_no, why):
    assert read_adt(message(pv1=fields), CHINA_MIN).stay_no == stay_no, why


@pytest.mark.parametrize(
    ("evn", "msh7", "wanted", "why"),
    [
        ("EVN|A13|20261117103000||||20261115090000", "20261118000000", (17, 2, 30), "recorded, not occurred"),
        ("EVN|A13|||||20261115090000", "20261118000000", (15, 1, 0), "occurred"),
        ("EVN|A13", "20261118000000", (17, 16, 0), "header"),
        ("EVN|A13|20261117103000-0500", "", (17, 15, 30), "own zone"),
        ("EVN|A13|202611171030+0800", "", (17, 2, 30), "own zone, minutes"),
        ("EVN|A13|20261117", "", (16, 16, 0), "day alone"),
        ("EVN|A13|20261117103000.1234", "", (17, 2, 30), "fractions"),
    ],
)
def test_event_times(evn, msh7, wanted, why):
    at = read_adt(message("A13", evn=evn, msh={7: msh7}), CHINA_MIN).event_at
    assert (at.day, at.hour, at.minute) == wanted and at.tzinfo is UTC, why


@pytest.mark.parametrize(
    ("pv145", "evn", "wanted"),
    [
        ("20261116233000", "EVN|A03|20261117103000", date(2026, 11, 16)),
        ("20261116233000+0000", "EVN|A03|20261117103000", date(2026, 11, 17)),
        ("", "EVN|A03|20261117103000||||20261115", date(2026, 11, 15)),
        ("", "EVN|A03|20261117003000", date(2026, 11, 17)),
    ],
)
def test_discharge_days_are_the_sites_days(pv145, evn, wanted):
    assert read_adt(message(evn=evn, pv1={45: pv145}), CHINA_MIN).discharged_on == wanted


@pytest.mark.parametrize("event", ["A01", "A02", "A03", "A08", "A11", "A13"])
@pytest.mark.row("A05.8")
def test_events_of_a_stay(event):
    assert read_adt(message(event), CHINA_MIN).event == event


def test_the_event_may_stand_in_evn_alone():
    assert read_adt(message("A03", msh={9: "ADT"}), CHINA_MIN).event == "A03"


def test_merges_come_in_pairs():
    text = message("A40", more="MRG|00999999^^^HOSP^MR\rPID|1||00222222\rMRG|00333333~00444444^^^X^MR")
    got = read_adt(text, CHINA_MIN)
    assert got.merges == (Merge("00999999", "00123456"), Merge("00444444", "00222222"))
    assert got.record_no == "00123456" and got.stay_no == "0"


@pytest.mark.parametrize(
    ("text", "verdict", "code", "condition", "why"),
    [
        ("", "AR", "hl7.no-header", 100, "nothing"),
        ("hello", "AR", "hl7.no-header", 100, "no HL7"),
        ("PID|1\rMSH|^~\\&|", "AR", "hl7.no-header", 100, "header later"),
        ("MSH", "AR", "hl7.separators", 102, "cut in the header"),
        ("MSH|||||", "AR", "hl7.separators", 102, "all the same"),
        ("MSHA^~\\&A", "AR", "hl7.separators", 102, "a letter as a separator"),
        (message(msh={9: "ORU^R01"}), "AR", "hl7.type-unsupported", 200, "results are not for us"),
        (message("A04"), "AR", "hl7.event-unsupported", 201, "outpatient"),
        (message(msh={11: "T"}), "AR", "hl7.processing-unsupported", 202, "training data is about nobody"),
        (message(msh={12: "3.0"}), "AR", "hl7.version-unsupported", 203, "version 3"),
        (message(msh={12: ""}), "AR", "hl7.version-unsupported", 203, "no version"),
        ("\r".join(["MSH|^~\\&|a"] * 3000), "AR", "hl7.too-many-segments", 207, "a bomb of segments"),
        (message(msh={10: ""}), "AE", "hl7.missing", 101, "cannot be told from a replay"),
        (message(msh={10: "x" * 300}), "AE", "hl7.too-long", 104, "control id"),
        (message(msh={10: "x" * 3_000}), "AE", "hl7.too-long", 102, "control id"),
        (message(msh={7: ""}, evn="EVN|A03"), "AE", "hl7.missing", 101, "no time at all"),
        (message(evn="EVN|A03|2026-11-17"), "AE", "hl7.date-form", 102, "not HL7's form"),
        (message(evn="EVN|A03|20260230"), "AE", "hl7.date-impossible", 102, "30 February"),
        (message(evn="EVN|A03|19691231"), "AE", "hl7.date-impossible", 102, "before any clock"),
        (message(evn="EVN|A03|21000101120000"), "AE", "hl7.date-impossible", 102, "2100"),
        (message(evn="EVN|A03|20261117256000"), "AE", "hl7.date-impossible", 102, "25 o'clock"),
        (message(pid={3: ""}), "AE", "hl7.missing", 101, "no record number"),
        (message(pid={3: "12"}), "AE", "hl7.record-no", 102, "too short"),
        (message(pid={3: "1234'; DROP TABLE stay;--"}), "AE", "hl7.record-no", 102, "SQL"),
        (message(pid={3: "1" * 200_000}), "AE", "hl7.too-long", 102, "200 kB"),
        (message(pid={5: ""}), "AE", "hl7.missing", 101, "no name on a discharge"),
        (message(pid={5: "张\x07三"}), "AE", "hl7.control-character", 102, "bell"),
        (message(pid={5: "张" * 81}), "AE", "hl7.name-too-long", 102, "81"),
        (message(pid={5: "\\.sk99999999\\"}), "AE", "hl7.escape", 102, "an escape that asks for memory"),
        (message(pid={5: "\\X0D\\"}), "AE", "hl7.escape", 102, "hex"),
        (message(pid={5: "half \\ an escape"}), "AE", "hl7.escape", 102, "left open"),
        (message(pv1={3: ""}), "AE", "hl7.missing", 101, "no ward on a discharge"),
        (message(pv1={3: "心内科"}), "AE", "hl7.ward", 102, "a name, not a code"),
        (message(pv1={19: "ZY2026110012345"}), "AE", "hl7.stay-no", 102, "two stays must not become one"),
        (message(pv1={44: "20261118"}), "AE", "hl7.admitted-after-discharged", 102, "order of days"),
        (message("A40"), "AE", "hl7.missing", 101, "a merge of nothing"),
        (message("A40", more="MRG|00123456"), "AE", "hl7.merge-into-itself", 102, "itself"),
    ],
)
@pytest.mark.row("A05.10")
def test_faults_say_what_kind_they_are(text, verdict, code, condition, why):
    with pytest.raises(Hl7Fault) as caught:
        read_adt(text, CHINA_MIN)
    fault = caught.value
    assert (fault.answer, fault.code, fault.condition) == (verdict, code, condition), why
    assert "00123456" not in str(fault) and "张" not in str(fault)


def test_116_characters_hold_a_bar_in_gb18030():
    bars = [
        c
        for first in range(0x81, 0xFF)
        if len(c := bytes([first, 0x7C]).decode("gb18030", "ignore")) == 1 and "\u4e00" <= c <= "\u9fff"
    ]
    assert len(bars) == 116
    assert set(bars) < set(SEPARATOR_TWINS)


@pytest.mark.parametrize("declared", ["GB 18030-2000", "GB18030", "UNICODE UTF-8", ""])
@pytest.mark.row("A05.8")
def test_names_whose_bytes_hold_separators(declared):
    for name in ("".join(SEPARATOR_TWINS[i : i + 3]) for i in range(0, len(SEPARATOR_TWINS), 3)):
        text = message(pid={5: name}, msh={18: declared})
        heard = decode_message(text.encode("gb18030"))
        assert heard == Heard(text, "gb18030")
        assert read_adt(heard.text, CHINA_MIN).name == name


@pytest.mark.parametrize("facility", ["HOSP", "市|一院".replace("|", SEPARATOR_TWINS[0])])
def test_a_short_ambiguous_name_goes_by_the_declaration(facility):
    text = message(pid={5: "毛"}, msh={4: facility, 18: "GB 18030-2000"})
    assert read_adt(decode_message(text.encode("gb18030")).text, CHINA_MIN).name == "毛"


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
def test_rare_names_survive_both_charsets(charset):
    for name in ("𠮷田", "㼆", "䶮", "阿卜杜热西提·买买提"):
        heard = decode_message(message(pid={5: name}).encode(charset))
        assert read_adt(heard.text, CHINA_MIN).name == name


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "hl7.empty"),
        (b" \r\n\0", "hl7.empty"),
        (b"M" * (256 * 1024 + 1), "hl7.too-large"),
        (b"MSH|^~\\&|\xff\xff", "hl7.encoding"),
        ("MSH|^~\\&|".encode("utf-16"), "hl7.encoding"),
    ],
)
def test_bytes_that_are_no_text(raw, code):
    with pytest.raises(Hl7Fault) as caught:
        decode_message(raw)
    assert (caught.value.answer, caught.value.code) == ("AR", code)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_answers_are_understood_by_another_hl7_library(charset):
    heard = decode_message(
        message(msh={4: "市一院", 18: "GB 18030-2000" if charset == "gb18030" else ""}).encode(charset)
    )
    fine = hl7.parse(answer(heard, None, control_id="WAY-1", now=NOW), encoding=charset)
    assert [str(fine.segment("MSA")(i)) for i in (1, 2)] == ["AA", "MSG-1"]
    assert [str(fine.segment("MSH")(i)) for i in (3, 4, 5, 6, 9, 10)] == [
        "WAY",
        "HUB",
        "HIS",
        "市一院",
        "ACK^A03^ACK",
        "WAY-1",
    ]
    assert len(list(fine)) == 2
    wrong = hl7.parse(
        answer(heard, Hl7Fault("AE", "hl7.ward", 102, "PV1-3"), control_id="WAY-2", now=NOW), encoding=charset
    )
    assert [str(wrong.segment("MSA")(i)) for i in (1, 2, 3)] == ["AE", "MSG-1", "hl7.ward"]
    assert [str(wrong.segment("ERR")(i)) for i in (2, 3, 4, 5)] == [
        "PV1^1^3",
        "102^Data type error^HL70357",
        "E",
        "hl7.ward",
    ]


def test_an_answer_to_noise_is_still_an_answer():
    for heard in (None, Heard("noise", "utf-8"), Heard("MSH|", "utf-8"), Heard("MSH|^~\\&|", "gb18030")):
        told = answer(heard, Hl7Fault("AR", "hl7.no-header", 100, "MSH"), control_id="WAY-1", now=NOW)
        assert told.startswith(b"MSH|^~\\&|") and b"\rMSA|AR||hl7.no-header\r" in told


def test_our_reading_agrees_with_another_hl7_library():
    text = message(pid={3: "X9999^^^A^VN~00123456^^^B^MR", 5: "张^三"})
    other, got = hl7.parse(text), read_adt(text, CHINA_MIN)
    assert other["PID.F3.R2.C1"] == got.record_no
    assert other["PID.F5.R1.C1"] + other["PID.F5.R1.C2"] == got.name
    assert other["PV1.F3.R1.C1"] == got.ward
    assert other["MSH.F10"] == got.control_id


SAMPLE = message(more="MRG|00999999").encode()


def _play(raw: bytes) -> None:
    heard = fault = None
    try:
        heard = decode_message(raw)
        read_adt(heard.text, CHINA_MIN)
    except Hl7Fault as found:
        fault = found
    told = answer(heard, fault, control_id="WAY-1", now=NOW)
    assert told.startswith(b"MSH") and told.count(b"\rMSA") == 1 and told.endswith(b"\r")
    assert b"\x0b" not in told and b"\x1c" not in told


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(raw):
    _play(raw)


@given(st.integers(0, len(SAMPLE)), st.integers(0, 12), st.binary(max_size=12))
@pytest.mark.row("A05.10")
def test_any_damage_gets_an_answer(at, cut, new):
    _play(SAMPLE[:at] + new + SAMPLE[at + cut :])


@given(
    st.lists(
        st.sampled_from(["MSH|^~\\&|", "PID|", "PV1|", "EVN|", "|", "^", "~", "\\", "&", "\r", "A", "张", '""']),
        max_size=80,
    )
)
def test_any_soup_of_separators_gets_an_answer(parts):
    _play("".join(parts).encode())


def test_a_message_of_nothing_but_separators_is_cheap():
    for separator in "|^~\\&\r":
        _play(b"MSH|^~\\&|" + separator.encode() * 250_000)
        _play(message(pid={3: separator * 250_000}).encode()[: 256 * 1024])
