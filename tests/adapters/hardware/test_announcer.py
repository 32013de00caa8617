"""Calls over a loudspeaker that records: what espeak-ng says, in which order, and what lies under it."""

import subprocess
import threading
import wave
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.codecs import waves
from hardware.codecs.announcement import Announcement, Word
from hardware.drivers.announcer import Announcer
from hardware.drivers.speech import Voice
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.ports import DeviceView
from hardware.twins.loudspeaker import LoudspeakerTwin

PATIENCE_S = 60.0
TONE = waves.louder(waves.chime(), 0.5)


class Hall:
    """An announcer, its loudspeaker and what it told."""

    def __init__(self, twin: LoudspeakerTwin, speak: Callable[[Announcement], array], **what: object) -> None:
        self.twin = twin
        self.changed = threading.Condition()
        self.states: list[str] = []
        self.device = Supervisor(lambda: 0.0, self.seen).add("speaker", "hall")
        self.ends: list[tuple[str, str]] = []
        self.announcer = Announcer(self.device, twin.plug, speak, self.told, **what)
        self.keeper = Keeper(self.device, self.announcer, lambda: 0.5)

    def seen(self, view: DeviceView) -> None:
        with self.changed:
            self.states.append(view.state)
            self.changed.notify_all()

    def told(self, call_id: str, how: str) -> None:
        with self.changed:
            self.ends.append((call_id, how))
            self.changed.notify_all()

    def wait(self, count: int) -> list[tuple[str, str]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.ends) >= count, PATIENCE_S)
            return list(self.ends)


@pytest.fixture
def open_hall() -> Iterator[Callable[..., Hall]]:
    made: list[Hall] = []

    def make(*given: object, **what: object) -> Hall:
        hall = Hall(*given, **what)
        made.append(hall)
        return hall

    yield make
    for hall in made:
        hall.keeper.close()


def call(call_id: str, text: str = "请", **what: object) -> Announcement:
    return Announcement(call_id, (Word(text),), **what)


def tone(announcement: Announcement) -> array:
    return TONE


def espeak(pinyin: str) -> bytes:
    """The second opinion: the program asked by hand."""
    command = ["espeak-ng", "-v", "cmn-latn-pinyin", "-s", "150", "--stdout", pinyin]
    return waves.to_bytes(waves.from_wave(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout))


@pytest.mark.row("G18.3")
def test_a_call_is_chimed_read_and_repeated(open_hall: Callable[..., Hall], tmp_path: Path) -> None:
    hall = open_hall(LoudspeakerTwin(), Voice().speak)
    hall.keeper.start()
    assert hall.announcer.say(Announcement("c1", (Word("请"), Word("单雄信", True), Word("到3号诊室")), repeat=2))
    assert hall.wait(1) == [("c1", "played")]
    heard = waves.to_bytes(hall.twin.heard)
    assert heard.startswith(waves.to_bytes(waves.chime()))
    for said in ("qing3", "shan4 xiong2 xin4", "dao4 san1 hao4 zhen3 shi4"):
        assert heard.count(espeak(said)) == 2
    hall.twin.save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert file.getnframes() == len(hall.twin.heard)


@pytest.mark.row("G18.4")
def test_recordings_are_used_where_there_are_some(tmp_path: Path) -> None:
    for name, sound in (("请", TONE), ("3", waves.louder(TONE, 0.3))):
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(waves.RATE)
            file.writeframes(waves.to_bytes(sound))
    (tmp_path / "号.wav").write_bytes(b"no wave")
    voice = Voice(tmp_path)
    said = waves.to_bytes(voice.speak(call("c1", "请到3号")))
    assert said.startswith(waves.to_bytes(TONE)) and waves.to_bytes(waves.louder(TONE, 0.3)) in said
    assert espeak("dao4") in said and espeak("hao4") in said
    faster = voice.speak(call("c2", "请", rate=1.5))
    assert 0.55 < len(faster) / len(voice.speak(call("c3", "请"))) < 0.8


@pytest.mark.row("G18.3")
def test_a_call_is_said_once_and_urgent_ones_go_first(open_hall: Callable[..., Hall]) -> None:
    hall = open_hall(LoudspeakerTwin(), tone, chime=False)
    assert [hall.announcer.say(call(name, urgent=name == "e")) for name in "abeab"] == [True, True, True, False, False]
    hall.keeper.start()
    assert hall.wait(3) == [("e", "played"), ("a", "played"), ("b", "played")]
    assert not hall.announcer.say(call("a"))
    assert len(hall.twin.heard) == 3 * len(TONE)


def test_a_cancelled_call_falls_silent_and_the_next_is_heard(open_hall: Callable[..., Hall]) -> None:
    hall = open_hall(LoudspeakerTwin(pace=1.0), lambda told: TONE * (30 if told.call_id == "long" else 1), chime=False)
    for name in ("long", "waits", "next"):
        hall.announcer.say(call(name))
    hall.keeper.start()
    assert hall.twin.wait_heard(0.2)
    hall.announcer.cancel("waits")
    hall.announcer.cancel("long")
    assert hall.wait(3) == [("long", "cut"), ("waits", "cut"), ("next", "played")]
    assert len(hall.twin.heard) < 10 * len(TONE)


def test_a_loudspeaker_that_goes_away_is_shown_and_the_call_is_said_again_from_its_beginning(
    open_hall: Callable[..., Hall],
) -> None:
    hall = open_hall(LoudspeakerTwin(pace=1.0), lambda told: TONE * 2, chime=False)
    hall.keeper.start()
    hall.announcer.say(call("a"))
    assert hall.twin.wait_heard(0.2)
    hall.twin.unplug()
    with hall.changed:
        assert hall.changed.wait_for(lambda: "lost" in hall.states, PATIENCE_S)
    heard = len(hall.twin.heard)
    hall.twin.mend()
    assert hall.wait(1) == [("a", "played")]
    assert len(hall.twin.heard) == heard + 2 * len(TONE)
    assert hall.device.view.state == "ready"


@pytest.mark.row("G18.3")
def test_music_goes_down_under_a_call_and_comes_back(open_hall: Callable[..., Hall]) -> None:
    music = waves.samples([4000, -4000] * waves.RATE)
    hall = open_hall(LoudspeakerTwin(pace=0.05), lambda told: waves.silence(2.0), chime=False, music=music)
    hall.keeper.start()
    assert hall.twin.wait_heard(1.0)
    begun = len(hall.twin.heard)
    hall.announcer.say(call("a"))
    hall.wait(1)
    ended = len(hall.twin.heard)
    assert hall.twin.wait_heard((ended + 2 * waves.RATE) / waves.RATE)
    heard = hall.twin.heard
    assert max(map(abs, heard[begun - 2000 : begun])) == 4000
    assert max(map(abs, heard[ended - waves.RATE : ended - 2 * waves.BLOCK])) == 800
    assert max(map(abs, heard[ended + waves.RATE : ended + waves.RATE + 2000])) == 4000


def test_what_cannot_be_read_out_fails_and_holds_nobody_up(open_hall: Callable[..., Hall]) -> None:
    def speak(told: Announcement) -> array:
        from sync.kernel.outcome import Unavailable

        if told.call_id == "a":
            raise Unavailable("sound.voice")
        return TONE

    hall = open_hall(LoudspeakerTwin(), speak, chime=False)
    hall.announcer.say(call("a"))
    hall.announcer.say(call("b"))
    hall.keeper.start()
    assert hall.wait(2) == [("a", "failed"), ("b", "played")]
