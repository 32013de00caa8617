"""What scanners, cameras, foot switches and loudspeakers said, written down without anybody in it and played again."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance.features.devices.desks import Bench
from appliance.features.devices.desks.pedals import Pedals
from appliance.features.devices.desks.speakers import Speakers
from appliance.features.devices.trials import Trials
from appliance.settings import Pedal as PedalSettings
from appliance.settings import Speaker
from hardware.codecs.announcement import Announcement, Word
from hardware.drivers.camera_desk import CameraDesk
from hardware.drivers.escl_scanner import EsclScanner
from hardware.drivers.page_desk import PageDesk
from hardware.drivers.plugs import Plugs
from hardware.drivers.recording_file import RecordingFile, recorded
from hardware.drivers.supervisor import Device, Keeper, Session, Supervisor
from hardware.ports import RunEnd, ScanWish
from hardware.twins.escl_scanner import EsclScannerTwin
from hardware.twins.pedal import PedalTwin
from hardware.twins.recorded_pages import load, recorded_camera, recorded_runs
from hardware.twins.recorded_signals import recorded_calls, recorded_presses
from hardware.twins.replay import ReplayStream
from hardware.twins.stream_camera import StreamCameraTwin
from sync.kernel.outcome import Unavailable

PATIENCE_S = 60.0
NAME = "欧阳晓芸"


def sheet(shade: int, dots: tuple[int, int] = (640, 877)) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", dots, (shade,) * 3).save(kept, "JPEG", dpi=(75, 75))
    return kept.getvalue()


@contextmanager
def kept_open(make: Callable[[Device], Any]) -> Iterator[Any]:
    """A session under its keeper, once it is ready."""
    ready = threading.Event()
    device = Supervisor(time.monotonic, lambda view: view.state == "ready" and ready.set()).add("any", "one")
    session = make(device)
    keeper = Keeper(device, session, lambda: 0.5)
    keeper.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield session
    finally:
        keeper.close()


@contextmanager
def scanner(recording: Path, key: bytes = b"k") -> Iterator[tuple[EsclScannerTwin, Callable[[ScanWish], RunEnd]]]:
    """A twin and a way to scan from it through a desk that is recorded."""
    twin = EsclScannerTwin()
    twin.start()
    file = RecordingFile(recording, time.monotonic)
    with kept_open(lambda device: PageDesk(EsclScanner(twin.url), device, key=key, record=file.add)) as desk:

        def scan(wish: ScanWish) -> RunEnd:
            ends: list[RunEnd] = []
            over = threading.Event()
            desk.ask(wish, lambda page: None, lambda end: (ends.append(end), over.set()))
            assert over.wait(PATIENCE_S)
            return ends[0]

        yield twin, scan
    file.close()
    twin.close()


def told(recording: Path) -> list[dict[str, Any]]:
    """Without moments, and without the marks, which are another key's."""
    own = ("take", "page", "end")
    return [
        {key: value for key, value in entry.items() if key not in ("at_s", "mark", "bytes")}
        for entry in recorded(recording)
        if any(each in entry for each in own)
    ]


@pytest.mark.row("E01.4")
def test_a_scanner_s_recording_plays_over_the_twin_s_own_line(tmp_path: Path) -> None:
    first, again = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    wish = ScanWish("feeder", "colour", 75)
    with scanner(first) as (twin, scan):
        twin.load([sheet(40), sheet(90), sheet(90), sheet(200)])
        twin.jam_after(3)
        assert scan(wish) == RunEnd("failed", 3, "jam")
        twin.mend()
        assert scan(wish) == RunEnd("done", 1)
        assert scan(wish) == RunEnd("failed", 0, "no-documents")
    marks = [entry["mark"] for entry in recorded(first) if "page" in entry]
    assert marks[1] == marks[2] and len(set(marks)) == 3, "a page that came twice shows"
    assert first.stat().st_size < 4000, "sizes and marks, and no page"

    runs = recorded_runs(first)
    with scanner(again, b"another key") as (twin, scan):
        for run in runs:
            twin.mend()
            load(twin, run)
            assert scan(run.wish) == run.end
            twin.unload()
    assert told(again) == told(first)
    assert not set(marks) & {entry.get("mark") for entry in recorded(again)}, "marks of two desks cannot be compared"


@pytest.mark.row("E01.4")
def test_a_camera_s_recording_gives_a_camera_of_its_size(tmp_path: Path) -> None:
    recording = tmp_path / "camera.jsonl"
    twin = StreamCameraTwin(lambda n: sheet(100 + n % 2, (1600, 1200)))
    twin.start()
    file = RecordingFile(recording, time.monotonic)

    def desk(record: Callable[[dict[str, Any]], object]) -> Callable[[Device], CameraDesk]:
        return lambda device: CameraDesk(
            lambda: twin.url, lambda: None, device, mono_s=time.monotonic, linger_s=1.0, record=record
        )

    with kept_open(desk(file.add)) as camera:
        n, frame = camera.frame(0)
        assert frame.startswith(b"\xff\xd8") and camera.frame(n)[0] > n
        camera.still()
    twin.close()
    assert [entry["dots"] for entry in recorded(recording) if "still" in entry] == [[1600, 1200]]

    twin = StreamCameraTwin(recorded_camera(recording))
    twin.start()
    with kept_open(desk(lambda entry: None)) as camera, Image.open(io.BytesIO(camera.still())) as picture:
        assert picture.size == (1600, 1200)
    twin.close()


def bench(folder: Path) -> tuple[Bench, list[Keeper], Supervisor]:
    keepers: list[Keeper] = []
    supervisor = Supervisor(time.monotonic)

    def keep(role: str, name: str, make: Callable[[Device], Session], url: str, wanted: object = None) -> Session:
        device = supervisor.add(role, name)
        session = make(device)
        keepers.append(Keeper(device, session, lambda: 0.5))
        return session

    trials = Trials(time.monotonic, lambda name: None, supervisor.views)
    return Bench(keep, Plugs(), trials, time.monotonic, bytes, str(folder)), keepers, supervisor


@pytest.mark.row("E01.4")
def test_a_foot_switch_s_recording_has_its_own_key_alone(tmp_path: Path) -> None:
    twin = PedalTwin()
    twin.start()
    made, (keeper,), _ = (*_pedals(tmp_path, twin.url),)
    heard = threading.Semaphore(0)
    made.listen(lambda name: heard.release())
    keeper.start()
    assert twin.wait_connected()
    for code in (30, 48, 16, 48):  # letters of a keyboard that somebody bound by mistake are in no recording
        twin.press(held=2, code=code)
    assert heard.acquire(timeout=PATIENCE_S) and heard.acquire(timeout=PATIENCE_S)
    keeper.close()
    twin.close()
    recording = tmp_path / "foot.pedal.jsonl"
    assert [entry["press"] for entry in recorded(recording)] == [48, 48]

    replayed = ReplayStream(recorded_presses(recording))
    pressed: list[bytes] = []
    with pytest.raises(Unavailable):
        while True:
            pressed.append(replayed.read(None))
    assert len(pressed) == 2


def _pedals(folder: Path, url: str) -> tuple[Pedals, list[Keeper], Supervisor]:
    made, keepers, supervisor = bench(folder)
    return Pedals(made, [PedalSettings(name="foot", url=url)]), keepers, supervisor


@pytest.mark.row("E01.4", "G18.5")
def test_a_loudspeaker_s_recording_has_lengths_and_no_words(tmp_path: Path) -> None:
    """ALSA's own player, on its null device."""

    def heard_on(folder: Path, calls: list[Announcement]) -> list[dict[str, Any]]:
        made, keepers, _ = bench(folder)
        speakers = Speakers(made, [Speaker(name="hall", url="alsa:null", chime=False)])
        ended = threading.Semaphore(0)
        speakers.listen(lambda area, call_id, how: ended.release())
        for call in calls:
            assert speakers.say("hall", call)
        keepers[0].start()
        assert all(ended.acquire(timeout=PATIENCE_S) for _ in calls)
        keepers[0].close()
        return [{**entry, "at_s": 0} for entry in recorded(folder / "hall.speaker.jsonl")]

    first = heard_on(tmp_path / "a", [Announcement("1", (Word("请"), Word(NAME, True), Word("到三号窗口")), 2, 1.5)])
    assert first == [{"at_s": 0, "call": [[1, False], [4, True], [5, False]], "repeat": 2, "rate": 1.5,
                      "urgent": False, "end": "played"}]  # fmt: skip
    assert NAME not in (tmp_path / "a" / "hall.speaker.jsonl").read_text()
    assert heard_on(tmp_path / "b", recorded_calls(tmp_path / "a" / "hall.speaker.jsonl")) == first
