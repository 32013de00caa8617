import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.keymap import (
    EV_KEY,
    EV_SYN,
    INPUT_EVENT,
    SYN_DROPPED,
    US_KEYS,
    KeyAssembler,
    KeyEvent,
    read_events,
)
from hardware.ports import Scan, ScanTrouble

SHIFT, CTRL, ALT, CAPS, ENTER, TAB, KPENTER, UNKNOWN = 42, 29, 56, 58, 28, 15, 96, 200
REPORT = KeyEvent(EV_SYN, 0, 0)


def press(*codes: int) -> list[KeyEvent]:
    """The codes held together: all down, then up again, each with its report."""
    downs = [event for code in codes for event in (KeyEvent(4, 4, code), KeyEvent(EV_KEY, code, 1), REPORT)]
    return downs + [event for code in reversed(codes) for event in (KeyEvent(EV_KEY, code, 0), REPORT)]


def typed(text: str) -> list[KeyEvent]:
    plain = {chr(chars[0]): (code,) for code, chars in reversed(US_KEYS.items())}
    shifted = {chr(chars[1]): (SHIFT, code) for code, chars in reversed(US_KEYS.items())}
    return [event for char in text for event in press(*(shifted | plain)[char])]


def read(events: list[KeyEvent]) -> list[Scan | ScanTrouble]:
    keys = KeyAssembler("gun")
    return keys.feed(events, 1.0) + keys.tick(2.0)


def texts(events: list[KeyEvent]) -> list[str]:
    return [found.text if isinstance(found, Scan) else found.code for found in read(events)]


@pytest.mark.row("F10.3")
@pytest.mark.parametrize("end", [ENTER, KPENTER, TAB])
def test_a_gun_types_every_printable_character(end: int) -> None:
    everything = "".join(map(chr, range(32, 127)))
    assert read(typed(everything) + press(end)) == [Scan(everything, everything.encode(), "gun", None, True)]


@pytest.mark.row("F10.3")
@pytest.mark.parametrize(
    ("events", "expected", "why"),
    [
        (press(CAPS) + typed("zy1") + press(ENTER), ["zy1"], "the host's Caps Lock has no say"),
        ([*typed("1"), KeyEvent(EV_KEY, 2, 2), KeyEvent(EV_KEY, 2, 2), *press(ENTER)], ["1"], "repeats are not keys"),
        (typed("1") + press(UNKNOWN) + typed("2") + press(ENTER), ["scan.unknown-key"], "half a number is no number"),
        (typed("]C1") + press(CTRL, 27) + typed("A") + press(ENTER), ["\x1dA"], "Ctrl+] separates fields"),
        (typed("]C1") + press(ALT, 82, 80, 73) + typed("A") + press(ENTER), ["\x1dA"], "Alt+029 does as well"),
        (press(ALT, 82, 80, 73, 79, 79, 79) + press(ENTER), ["scan.unknown-key"], "no such character"),
        (typed("12"), ["12"], "silence ends"),
    ],
)
def test_keys_become_scans(events: list[KeyEvent], expected: list[str], why: str) -> None:
    assert texts(events) == expected, why


@pytest.mark.row("F10.3")
def test_events_the_kernel_dropped_take_their_scan_with_them() -> None:
    dropped = [KeyEvent(EV_SYN, SYN_DROPPED, 0), KeyEvent(EV_KEY, 3, 1), REPORT]
    events = typed("12") + dropped + typed("34") + press(ENTER) + typed("56") + press(ENTER)
    assert texts(events) == ["scan.dropped-events", "56"]


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_bytes_are_survived_and_cuts_do_not_matter(data: bytes, step: int) -> None:
    whole = bytearray(data)
    expected = read(read_events(whole))
    held, events = bytearray(), []
    for start in range(0, len(data), step):
        held += data[start : start + step]
        events += read_events(held)
    assert read(events) == expected
    assert held == whole == data[len(data) // 24 * 24 :]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 4]), st.integers(0, 260), st.integers(0, 2)), max_size=80))
def test_any_keys_are_survived_one_by_one(raw: list[tuple[int, int, int]]) -> None:
    events = [KeyEvent(*fields) for fields in raw]
    keys = KeyAssembler("gun")
    assert [found for event in events for found in keys.feed([event], 1.0)] + keys.tick(2.0) == read(events)


def test_an_event_is_24_bytes() -> None:
    held = bytearray(INPUT_EVENT.pack(7, 8, EV_KEY, ENTER, 1))
    assert len(held) == 24
    assert read_events(held) == [KeyEvent(EV_KEY, ENTER, 1)]


@pytest.mark.row("F10.26")
def test_a_separator_that_is_typed_slowly_ends_no_scan() -> None:
    """Eight strokes of Alt+029 at 15 ms take longer than the silence that ends a scan."""
    keys, found, at_s = KeyAssembler("gun"), [], 1.0
    for event in [*typed("]C110L7"), *press(ALT, 82, 80, 73), *typed("21S9"), *press(ENTER)]:
        found += keys.feed([event], at_s)
        at_s += 0.015 if event.type == EV_KEY else 0.0
    assert [one.text for one in found if isinstance(one, Scan)] == ["10L7\x1d21S9"]
