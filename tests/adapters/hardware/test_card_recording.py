"""What was recorded at a card reader holds no person and plays again."""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.chip import Chip, invented
from hardware.drivers.identity_reader import CardReader, Pace
from hardware.drivers.identity_recorder import RecordedLine
from hardware.drivers.reading_desk import OPEN, Reading, ReadingDesk
from hardware.drivers.recording_file import RecordingFile, named
from hardware.ports import ByteStream
from hardware.transports.serial_url import SerialStream
from hardware.twins.card_reader import CardReaderTwin
from hardware.twins.recorded_reader import RecordedReader
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0
CALM = Pace(poll_s=0.01, answer_s=30.0, read_s=30.0, step_s=30.0, idle_s=60.0, idle_look_s=0.02)
NAME, ADDRESS = "欧阳静姝", "某市另一区另一街二号"


class Session:
    """A reader's thread over one line."""

    def __init__(self, open_line: object) -> None:
        self.desk = ReadingDesk("reader", time.monotonic, lambda reading: None)
        self._reader = CardReader(open_line, self.desk, pace=CALM)  # type: ignore[arg-type]
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._numbers = itertools.count()
        self._thread.start()
        assert self._opened.wait(PATIENCE_S)

    def _run(self) -> None:
        with pytest.raises(Unavailable):
            self._reader.run(self._opened.set)

    def ask(self) -> str:
        name = f"r{next(self._numbers)}"
        assert isinstance(self.desk.ask(name, "u-wen", PATIENCE_S), Reading)
        return name

    def end(self, name: str) -> Reading:
        found = self.desk.look(name, PATIENCE_S)
        assert found is not None and found.state not in OPEN, found
        return found

    def close(self) -> None:
        self._reader.close()
        self._thread.join(PATIENCE_S)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[CardReaderTwin]:
    made = CardReaderTwin(tmp_path / "reader")
    made.start()
    yield made
    made.close()


def test_a_recording_is_of_nobody_and_plays_again(twin: CardReaderTwin, tmp_path: Path) -> None:
    path = tmp_path / "reader.jsonl"

    def line() -> ByteStream:
        return RecordedLine(SerialStream(twin.url, 115200), RecordingFile(path, time.monotonic))

    unknown = bytearray(invented("", NAME, birth="19710203"))
    unknown[248:250] = "Q".encode("utf-16-le")
    chips = [
        Chip(invented("", NAME, birth="19710203"), b"\x07" * 1024, ADDRESS),
        Chip(invented("Y", NAME, birth="19710203", serial=3), b"\x07" * 1024),
        Chip(bytes(unknown), b"\x07" * 1024),
    ]
    live = Session(line)
    ends = []
    for chip in chips:
        twin.misbehave("select", "wrong-xor")
        name = live.ask()
        twin.put(chip)
        ends.append(live.end(name))
        twin.take()
    live.close()
    assert [end.document.name if end.document else end.code for end in ends] == [
        NAME, NAME, "identity.unknown-document",
    ]  # fmt: skip

    held = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    for secret in (NAME, ADDRESS, "19710203", invented("", NAME, birth="19710203")[122:158].decode("utf-16-le")):
        assert secret.encode("utf-16-le").hex() not in held
    assert "07" * 16 not in held and sam_v.READ.frame().hex() in held

    recorded = RecordedReader(tmp_path / "again", path)
    recorded.start()
    again = Session(lambda: SerialStream(str(tmp_path / "again"), 115200))
    played = [again.end(again.ask()) for _ in chips]
    again.close()
    recorded.close()
    assert [(end.state, end.code) for end in played] == [(end.state, end.code) for end in ends]
    assert [end.document.kind if end.document else None for end in played] == [
        "citizen-card", "permanent-residence-card", None,
    ]  # fmt: skip
    assert {end.document.name for end in played if end.document} == {"某某"}
    assert recorded.left == 0


def test_a_full_recording_takes_no_more_and_the_line_goes_on(
    twin: CardReaderTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.drivers.recording_file.FILE_BYTES_MAX", 200)
    path = tmp_path / "reader.jsonl"
    live = Session(lambda: RecordedLine(SerialStream(twin.url, 115200), RecordingFile(path, time.monotonic)))
    name = live.ask()
    twin.put(Chip(invented("", NAME, birth="19710203")))
    assert live.end(name).state == "done"
    live.close()
    assert path.stat().st_size <= 200


def test_a_place_that_is_not_to_be_had_stops_nobody(twin: CardReaderTwin, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    live = Session(
        lambda: RecordedLine(
            SerialStream(twin.url, 115200), RecordingFile(named(tmp_path / "file", "a/b"), time.monotonic)
        )
    )
    name = live.ask()
    twin.put(Chip(invented("", NAME)))
    assert live.end(name).state == "done"
    live.close()
