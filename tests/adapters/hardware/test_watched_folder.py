import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from hardware.drivers.watched_folder import WatchedFolder
from hardware.ports import RunEnd, ScanWish, TakenPage


def picture(kind: str, shade: int) -> bytes:
    kept = io.BytesIO()
    Image.new("L", (40, 40), shade).save(kept, kind)
    return kept.getvalue()


class Afternoon:
    """A clock that moves with every pause, and what happens at each of them."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self.now_s = 0.0
        self.steps = list(steps)
        self.over = False

    def pause(self, span_s: float) -> None:
        self.now_s += span_s
        if self.steps:
            self.steps.pop(0)()

    def stopped(self) -> bool:
        self.over = self.over or (not self.steps and self.now_s > 60)
        return self.over


def watch(folder: Path, day: Afternoon, told: list[str] | None = None) -> tuple[RunEnd, list[TakenPage]]:
    pages: list[TakenPage] = []
    heard = told if told is not None else []
    watched = WatchedFolder(folder, heard.append, mono_s=lambda: day.now_s, pause=day.pause)
    return watched.take(ScanWish(), pages.append, day.stopped), pages


@pytest.mark.row("E01.1")
@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("TIFF", "image/tiff"),
                                                  ("PDF", "application/pdf")])  # fmt: skip
def test_every_format_is_taken_once_and_removed(tmp_path: Path, kind: str, media_type: str) -> None:
    made = picture(kind, 7)
    (tmp_path / "0001.bin").write_bytes(made)
    end, pages = watch(tmp_path, Afternoon())
    assert end == RunEnd("stopped", 1) and pages == [TakenPage(1, made, media_type)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.row("E01.1")
def test_a_file_that_is_still_written_is_waited_for(tmp_path: Path) -> None:
    made, place = picture("JPEG", 9), tmp_path / "slow.jpg"
    parts = [made[at : at + 60] for at in range(0, len(made), 60)]

    def add(part: bytes) -> Callable[[], None]:
        def more() -> None:
            with place.open("ab") as file:
                file.write(part)

        return more

    day = Afternoon(*(step for part in parts for step in (add(part), lambda: None, lambda: None, lambda: None)))
    end, pages = watch(tmp_path, day)
    assert end.pages == 1 and pages[0].picture == made


def test_pages_come_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    for n, name in enumerate(("b.jpg", "a.jpg", "c.jpg")):
        (tmp_path / name).write_bytes(picture("JPEG", 50 * n))
        os.utime(tmp_path / name, ns=(n * 10**9, n * 10**9))
    _, pages = watch(tmp_path, Afternoon())
    assert [page.picture for page in pages] == [picture("JPEG", 50 * n) for n in range(3)]


def test_what_is_no_whole_picture_stays_and_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "notes.txt").write_text("setup")
    (tmp_path / "cut.jpg").write_bytes(picture("JPEG", 3)[:-2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "cut.jpg")
    (tmp_path / "folder.jpg").mkdir()
    end, pages = watch(tmp_path, Afternoon(), told)
    assert end == RunEnd("stopped", 0) and pages == []
    assert sorted(told) == ["folder.cut-off", "folder.no-picture"]
    assert len(list(tmp_path.iterdir())) == 5


def test_a_stop_before_the_removal_hands_the_page_over_again(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG", 1))

    def dies(page: TakenPage) -> None:
        raise KeyboardInterrupt

    day = Afternoon()
    with pytest.raises(KeyboardInterrupt):
        WatchedFolder(tmp_path, mono_s=lambda: day.now_s, pause=day.pause).take(ScanWish(), dies, day.stopped)
    assert len(watch(tmp_path, Afternoon())[1]) == 1


def test_a_folder_that_goes_away_ends_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    assert WatchedFolder(folder).status() == ("ready", "")
    assert watch(folder, Afternoon(folder.rmdir))[0] == RunEnd("failed", 0, "gone")
    assert WatchedFolder(folder).status() == ("absent", "gone")
