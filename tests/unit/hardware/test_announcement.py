import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs import waves
from hardware.codecs.announcement import Clip, Word, parts
from hardware.drivers.readings import read_name, read_text
from sync.kernel.outcome import PeerFault

CALL = (Word("请"), Word("张三", is_name=True), Word("到3号诊室"))


@pytest.mark.row("G18.4")
@pytest.mark.parametrize(
    ("clips", "told"),
    [
        ((), [Word("请"), Word("张三", True), Word("到3号诊室")]),
        (("请", "到", "号诊室", "3"), [Clip("请"), Word("张三", True), Clip("到"), Clip("3"), Clip("号诊室")]),
        (("请", "号", "号诊室"), [Clip("请"), Word("张三", True), Word("到3"), Clip("号诊室")]),
        (("张", "张三"), [Word("请"), Clip("张三"), Word("到3号诊室")]),
        (("张", "三"), [Word("请"), Word("张三", True), Word("到3号诊室")]),
    ],
)
def test_the_longest_recording_wins_and_a_name_is_whole(clips: tuple[str, ...], told: list[Clip | Word]) -> None:
    assert parts(CALL, set(clips)) == told


@given(
    st.lists(st.text("请到号诊室3 ", max_size=12), max_size=4), st.sets(st.text("请到号诊室3", min_size=1, max_size=3))
)
def test_nothing_of_a_call_is_left_out(texts: list[str], clips: set[str]) -> None:
    said = "".join(part.text for part in parts(tuple(map(Word, texts)), clips))
    assert said.replace(" ", "") == "".join(texts).replace(" ", "")


@pytest.mark.row("G18.4")
@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("单雄信", "shan4 xiong2 xin4"),
        ("仇英", "qiu2 ying1"),
        ("尉迟恭", "yu4 chi2 gong1"),
        ("查理", "zha1 li3"),
        ("张三", "zhang1 san1"),
        ("Anna Roth", "Anna Roth"),
        ("𠮷田", "tian2"),
        ("", ""),
    ],
)
def test_a_name_is_read_as_names_are(name: str, reading: str) -> None:
    assert read_name(name) == reading


def test_a_single_character_is_no_surname_in_a_sentence_and_digits_go_one_by_one() -> None:
    assert read_text("单号A103") == "dan1 hao4 A yi1 ling2 san1"


@given(st.text(max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    assert "\n" not in read_name(text) + read_text(text)


def wave_of(
    data: bytes, *, rate: int = waves.RATE, channels: int = 1, bits: int = 16, claims: int | None = None
) -> bytes:
    told = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    size = len(data) if claims is None else claims
    body = b"WAVEfmt " + struct.pack("<I", len(told)) + told + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_wave_file_is_its_samples() -> None:
    assert list(waves.from_wave(wave_of(b"\x01\x00\xff\xff"))) == [1, -1]
    assert list(waves.from_wave(wave_of(b"\x01\x00\x02", claims=0xFFFFFFFF))) == [1]


@pytest.mark.parametrize(
    "made", [b"", b"RIFF", wave_of(b"", rate=44_100), wave_of(b"", channels=2), wave_of(b"", bits=8)]
)
def test_other_waves_are_refused(made: bytes) -> None:
    with pytest.raises(PeerFault, match=r"sound\.wave"):
        waves.from_wave(made)


@given(st.binary(max_size=200))
def test_any_bytes_are_samples_or_refused(data: bytes) -> None:
    for made in (data, b"RIFF0000WAVE" + data):
        with contextlib.suppress(PeerFault):
            waves.from_wave(made)


def test_sums_stay_inside_sixteen_bits() -> None:
    assert list(waves.together([30_000, -30_000, 5], [30_000, -30_000])) == [32_767, -32_768, 5]
    assert list(waves.louder([20_000, -20_000], 2.0)) == [32_767, -32_768]
    assert max(map(abs, waves.chime())) <= 9000
