"""A document camera through OpenCV, on a stream stand-in: no kernel here has a camera of its own."""

import io
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from hardware.codecs.keymap import INPUT_EVENT
from hardware.drivers.document_camera import DocumentCamera
from hardware.drivers.pedal import Pedal
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.twins.stream_camera import StreamCameraTwin
from sync.kernel.outcome import Unavailable

PATIENCE_S = 60.0
SIZE = (1600, 1200)


def frame(n: int) -> bytes:
    """Grey that tells which frame it is, in steps that JPEG keeps apart."""
    kept = io.BytesIO()
    Image.new("L", SIZE, n * 5 % 250).save(kept, "JPEG", quality=95)
    return kept.getvalue()


@pytest.fixture
def twin() -> Iterator[StreamCameraTwin]:
    camera = StreamCameraTwin(frame)
    camera.start()
    yield camera
    camera.close()


class Table:
    """A camera under its keeper, and what it showed."""

    def __init__(self, source: str, **waits: float) -> None:
        self.changed = threading.Condition()
        self.previews: list[bytes] = []
        self.states: list[tuple[str, str]] = []
        self.camera = DocumentCamera(source, self.show, **waits)
        device = Supervisor(lambda: 0.0, self.tell).add("camera", "table")
        self.keeper = Keeper(device, self.camera, lambda: 0.5)

    def show(self, jpeg: bytes) -> None:
        with self.changed:
            self.previews.append(jpeg)
            self.changed.notify_all()

    def tell(self, view: object) -> None:
        with self.changed:
            self.states.append((view.state, view.reason))
            self.changed.notify_all()

    def wait(self, true: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(true, PATIENCE_S)


@pytest.fixture
def open_table() -> Iterator[Callable[..., Table]]:
    made: list[Table] = []

    def make(source: str, **waits: float) -> Table:
        table = Table(source, **waits)
        made.append(table)
        table.keeper.start()
        return table

    yield make
    for table in made:
        table.keeper.close()


def picture(jpeg: bytes) -> tuple[tuple[int, int], int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.size, round(image.convert("L").getpixel((20, 20)) / 5)


@pytest.mark.row("E01.2")
def test_a_preview_moves_and_a_still_has_every_dot(twin: StreamCameraTwin, open_table: Callable[..., Table]) -> None:
    table = open_table(twin.url)
    assert table.wait(lambda: len(table.previews) >= 3)
    assert ("ready", "") in table.states
    sizes, shades = zip(*map(picture, table.previews[:3]), strict=True)
    assert set(sizes) == {(960, 720)} and len(set(shades)) > 1
    assert picture(table.camera.still(PATIENCE_S))[0] == SIZE


@pytest.mark.row("E01.2")
def test_a_camera_that_freezes_or_goes_is_lost_and_comes_back(open_table: Callable[..., Table]) -> None:
    twin = StreamCameraTwin(frame)
    twin.start()
    table = open_table(twin.url, silent_s=1.0)
    assert table.wait(lambda: bool(table.previews))
    twin.freeze()
    assert table.wait(lambda: ("lost", "device.silent") in table.states)
    twin.close()
    assert table.wait(lambda: ("lost", "device.gone") in table.states)
    with pytest.raises(Unavailable):
        table.camera.still(0.1)


def test_a_camera_that_was_never_there_is_absent(open_table: Callable[..., Table]) -> None:
    table = open_table("http://127.0.0.1:9/stream.mjpg")
    assert table.wait(lambda: ("absent", "device.gone") in table.states)


class Keys:
    """A line of key events that ends."""

    def __init__(self, *events: tuple[int, int, int], cut: int = 1000) -> None:
        self.data = b"".join(INPUT_EVENT.pack(0, 0, *event) for event in events)
        self.cut = cut

    def read(self, timeout_s: float | None) -> bytes:
        if not self.data:
            raise Unavailable("device.gone")
        part, self.data = self.data[: self.cut], self.data[self.cut :]
        return part

    def write(self, data: bytes) -> None:
        raise AssertionError("a foot switch is not written to")

    def close(self) -> None:
        pass


@pytest.mark.row("E01.2")
@pytest.mark.parametrize("cut", [1, struct.calcsize("=qqHHi"), 1000])
def test_a_press_is_heard_once_however_long_it_is_held(cut: int) -> None:
    press, hold, release, other = (1, 48, 1), (1, 48, 2), (1, 48, 0), (1, 30, 1)
    heard: list[int] = []
    keys = Keys(press, (0, 0, 0), hold, hold, release, other, press, release, cut=cut)
    with pytest.raises(Unavailable, match=r"device\.gone"):
        Pedal(lambda: keys, {48}, heard.append).run(lambda: None)
    assert heard == [48, 48]
