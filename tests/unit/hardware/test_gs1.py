"""GS1 element strings: what is read, what is refused, and what is said where a gun may have dropped FNC1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.gs1 import FIELDS, NEEDS_NO_SEPARATOR, Elements, Gs1Trouble, is_gs1, read_elements
from hardware.codecs.keymap import KeyAssembler, KeyEvent
from hardware.codecs.scan_assembler import LineAssembler
from hardware.ports import Scan

GTIN, EXPIRY = "0106901234567892", "17270630"
GS = "\x1d"


def told(text: str, **more: bool) -> dict[str, str] | str:
    found = read_elements(text, **more)
    return found.code if isinstance(found, Gs1Trouble) else {each.ai: each.value for each in found.elements}


@pytest.mark.row("F10.26")
@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        (GTIN + EXPIRY, {"01": "06901234567892", "17": "270630"}, "fixed lengths need no separator"),
        (GS + GTIN + "10L7" + GS + "21S9", {"01": "06901234567892", "10": "L7", "21": "S9"}, "FNC1 before it too"),
        (GTIN + GS + EXPIRY, {"01": "06901234567892", "17": "270630"}, "a needless separator is borne"),
        ("10L7" + GS, {"10": "L7"}, "one at the end is, too"),
        ("80180690123456789012457", "gs1.separators-dropped", "a service number has 18 digits"),
        ("8018069012345678901245", {"8018": "069012345678901245"}, "a patient's wristband"),
        ("2530690123456789281ZY00123456", "gs1.check-digit", "a document whose number was misread"),
        ("2530690123456787ZY00123456", {"253": "0690123456787ZY00123456"}, "a document with its serial"),
        ("0106901234567893", "gs1.check-digit", "an article misread"),
        ("17271330", "gs1.date", "month 13"),
        ("17270200", {"17": "270200"}, "day 00 is the whole month"),
        ("01069012345", "gs1.short", "a code that was cut"),
        ("10", "gs1.short", "an identifier and nothing behind it"),
        ("10" + "L" * 21, "gs1.separators-dropped", "a lot of 21 characters: something was run together"),
        ("3041234567890", "gs1.separators-dropped", "a count of more than 8 digits"),
        ("30七", "gs1.characters", "Chinese cannot stand here"),
        ("05123", "gs1.unknown-ai", "nothing is called 05"),
        ("", "gs1.empty", "nothing"),
        (GS, "gs1.empty", "a separator alone"),
        ("10A" + GS + "10B", "gs1.repeated", "one lot, two names"),
    ],
)  # fmt: skip
def test_element_strings(text: str, expected: object, why: str) -> None:
    assert told(text) == expected, why


@pytest.mark.row("F10.26")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GTIN + "10L72199", "lot L7 and serial 99, or a lot called L72199"),
        ("10AB17270630", "lot AB that expires, or a lot that looks so"),
        ("21S9" + GTIN, "a serial number and an article"),
    ],
)
def test_a_dropped_separator_is_said_and_not_guessed(text: str, why: str) -> None:
    assert told(text) == "gs1.separators-doubtful", why
    assert isinstance(told(text, sends_separators=True), dict), "a gun that sends them is believed"


def test_a_lot_in_which_nothing_can_be_read_is_no_doubt() -> None:
    assert told("10KX-7") == {"10": "KX-7"}


@pytest.mark.row("F10.26")
def test_a_separator_arrives_by_each_of_its_ways() -> None:
    body = b"]C1" + GTIN.encode() + b"10L7\x1d21S9"
    serial = LineAssembler("gun-1").feed(body + b"\r", 0.0)

    def typed(*separator: tuple[int, int]) -> list[object]:
        keys = {
            "]": (27, 0),
            "C": (46, 1),
            "L": (38, 1),
            "S": (31, 1),
            **{d: (11 if d == "0" else int(d) + 1, 0) for d in "0123456789"},
        }
        events = []
        for char in body.decode():
            if char == GS:
                events += [KeyEvent(1, code, value) for code, value in separator]
                continue
            code, shifted = keys[char]
            events += [KeyEvent(1, 42, 1)] * shifted
            events += [KeyEvent(1, code, 1), KeyEvent(1, code, 0)]
            events += [KeyEvent(1, 42, 0)] * shifted
        return list(KeyAssembler("gun-1").feed([*events, KeyEvent(1, 28, 1)], 0.0))

    control = typed((29, 1), (27, 1), (27, 0), (29, 0))
    keypad = typed((56, 1), *((code, value) for code in (82, 80, 73) for value in (1, 0)), (56, 0))
    assert serial == control == keypad
    (scan,) = serial
    assert isinstance(scan, Scan) and is_gs1(scan)
    assert told(scan.text) == {"01": "06901234567892", "10": "L7", "21": "S9"}
    (dropped,) = typed()
    assert isinstance(dropped, Scan) and told(dropped.text) == "gs1.separators-doubtful"


def test_a_plain_code_is_not_asked() -> None:
    (scan,) = LineAssembler("gun-1").feed(b"]C010L7\r", 0.0)
    assert isinstance(scan, Scan) and not is_gs1(scan)


def test_lengths_that_every_reader_knows_are_fixed_in_the_table() -> None:
    assert [ai for ai, field in FIELDS.items() if NEEDS_NO_SEPARATOR.match(ai) and not field.fixed] == []
    starts = {ai[:n] for ai in FIELDS for n in range(2, len(ai))}
    assert starts & FIELDS.keys() == set(), "no identifier begins like another"


@given(st.text(alphabet=st.sampled_from("0123456789ABab" + GS + "七\x00") | st.characters(), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read_elements(text)
    if isinstance(found, Elements):
        again = "".join(each.ai + each.value + GS for each in found.elements)
        assert read_elements(again, sends_separators=True) == found
