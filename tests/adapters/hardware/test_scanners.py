"""Pages from SANE's own test backend, and from an eSCL scanner through Debian's sane-airscan."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from hardware.drivers.escl_scanner import EsclScanner
from hardware.drivers.sane_scanner import SaneScanner
from hardware.ports import RunEnd, ScanWish, TakenPage
from hardware.twins.escl_scanner import EsclScannerTwin

WORDS = {"flatbed": "Flatbed", "feeder": "Automatic Document Feeder"}


@pytest.fixture
def sane_dir(tmp_path: Path) -> Path:
    (tmp_path / "dll.conf").write_text("test\n")
    shutil.copy("/etc/sane.d/test.conf", tmp_path)
    return tmp_path


def sane(folder: Path, *options: str, device: str = "test:0", page_s: float = 60.0) -> SaneScanner:
    return SaneScanner(device, environ={"SANE_CONFIG_DIR": str(folder)}, sources=WORDS, options=options, page_s=page_s)


def size_of(page: TakenPage) -> tuple[int, int]:
    with Image.open(io.BytesIO(page.picture)) as picture:
        return picture.size


@pytest.mark.row("E01.1")
def test_a_feeder_gives_every_sheet_once_and_in_order(sane_dir: Path) -> None:
    pages: list[TakenPage] = []
    assert sane(sane_dir).take(ScanWish("feeder", "grey", 30), pages.append) == RunEnd("done", 10)
    assert [page.n for page in pages] == list(range(1, 11))
    assert all(page.media_type == "image/png" and size_of(page)[0] > 50 for page in pages)


def test_the_glass_gives_one_page(sane_dir: Path) -> None:
    pages: list[TakenPage] = []
    assert sane(sane_dir).status() == ("ready", "")
    assert sane(sane_dir).take(ScanWish("flatbed", "colour", 30), pages.append) == RunEnd("done", 1)
    with Image.open(io.BytesIO(pages[0].picture)) as picture:
        assert picture.mode == "RGB"


@pytest.mark.row("E01.1")
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("JAMMED", "jam"),
        ("NO_DOCS", "no-documents"),
        ("COVER_OPEN", "cover-open"),
        ("DEVICE_BUSY", "busy"),
        ("IO_ERROR", "error"),
        ("ACCESS_DENIED", "denied"),
        ("NO_MEM", "memory"),
    ],
)
def test_each_trouble_has_its_reason_and_leaves_no_page(sane_dir: Path, status: str, reason: str) -> None:
    pages: list[TakenPage] = []
    scanner = sane(sane_dir, f"--read-return-value=SANE_STATUS_{status}")
    assert scanner.take(ScanWish("feeder", "grey", 30), pages.append) == RunEnd("failed", 0, reason)
    assert pages == []


def test_a_scanner_that_is_not_there_is_absent(sane_dir: Path) -> None:
    assert sane(sane_dir, device="test:7").status() == ("absent", "gone")
    assert sane(sane_dir, device="test:7").take(ScanWish(), lambda page: None).reason == "gone"


def test_a_backend_that_hangs_is_ended(sane_dir: Path) -> None:
    slow = sane(sane_dir, "--read-delay=yes", "--read-delay-duration=200000", page_s=0.1)
    began_s = time.monotonic()
    assert slow.take(ScanWish("feeder", "colour", 300), lambda page: None) == RunEnd("failed", 0, "silent")
    assert time.monotonic() - began_s < 30.0


def test_a_run_is_stopped_between_pages_and_keeps_what_it_has(sane_dir: Path) -> None:
    pages: list[TakenPage] = []
    slow = sane(sane_dir, "--read-delay=yes", "--read-delay-duration=20000")
    end = slow.take(ScanWish("feeder", "grey", 75), pages.append, lambda: len(pages) >= 2)
    assert end.kind == "stopped" and end.pages == len(pages) and 2 <= len(pages) < 10


@pytest.fixture
def escl() -> Iterator[EsclScannerTwin]:
    twin = EsclScannerTwin()
    twin.start()
    yield twin
    twin.close()


def sheet(words: str) -> bytes:
    """An A4 page at 75 dpi whose grey tells which one it is."""
    page = Image.new("RGB", (620, 877), "white")
    ImageDraw.Draw(page).text((100, 100), words, fill="black")
    ImageDraw.Draw(page).rectangle((0, 400, 620, 600), fill=(40 * (len(words) % 6),) * 3)
    kept = io.BytesIO()
    page.save(kept, "JPEG", dpi=(75, 75))
    return kept.getvalue()


def mark(page: TakenPage) -> int:
    with Image.open(io.BytesIO(page.picture)) as picture:
        return round(picture.convert("L").getpixel((300, 500)) / 40)


@pytest.mark.row("E01.1")
def test_a_network_feeder_gives_both_sides_in_order(escl: EsclScannerTwin) -> None:
    escl.load([sheet("a"), sheet("aaa"), sheet("aaaaa")], [sheet("aa"), sheet("aaaa"), sheet("")])
    pages: list[TakenPage] = []
    scanner = EsclScanner(escl.url)
    assert scanner.status() == ("ready", "")
    assert scanner.take(ScanWish("feeder-duplex", "colour", 75), pages.append) == RunEnd("done", 6)
    assert [mark(page) for page in pages] == [1, 2, 3, 4, 5, 0]
    assert escl.taken == 6


@pytest.mark.row("E01.1")
def test_a_jam_keeps_the_pages_before_it_and_the_rest_follows_later(escl: EsclScannerTwin) -> None:
    escl.load([sheet("a" * n) for n in (1, 2, 3, 4)])
    escl.jam_after(2)
    pages: list[TakenPage] = []
    scanner = EsclScanner(escl.url)
    assert scanner.take(ScanWish("feeder", "colour", 75), pages.append) == RunEnd("failed", 2, "jam")
    assert scanner.status() == ("attention", "jam")
    assert scanner.take(ScanWish("feeder", "colour", 75), pages.append) == RunEnd("failed", 0, "jam")
    escl.mend()
    assert scanner.take(ScanWish("feeder", "colour", 75), pages.append) == RunEnd("done", 2)
    assert [mark(page) for page in pages] == [1, 2, 3, 4]


def test_a_hatch_an_empty_feeder_and_a_scanner_that_is_off_are_told_apart(escl: EsclScannerTwin) -> None:
    scanner, wish = EsclScanner(escl.url), ScanWish("feeder", "colour", 75)
    assert scanner.take(wish, lambda page: None) == RunEnd("failed", 0, "no-documents")
    escl.load([sheet("a")])
    escl.open_hatch()
    assert scanner.status() == ("attention", "cover-open")
    assert scanner.take(wish, lambda page: None) == RunEnd("failed", 0, "cover-open")
    gone = EsclScanner("http://127.0.0.1:9/eSCL")
    assert gone.status() == ("absent", "gone")
    assert gone.take(wish, lambda page: None) == RunEnd("failed", 0, "gone")


def test_a_sheet_that_went_through_without_a_page_is_not_called_an_empty_feeder(
    escl: EsclScannerTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the backend does now and then when it is told at once that no other sheet follows."""
    monkeypatch.setattr("hardware.twins.escl_scanner.FEEL_S", 0.0)
    for _ in range(40):
        escl.load([sheet("a")])
        end = EsclScanner(escl.url).take(ScanWish("feeder", "colour", 75), lambda page: None)
        assert end in (RunEnd("done", 1), RunEnd("failed", 0, "page-lost"))
        if end.kind == "failed":
            return


def test_the_glass_of_a_network_scanner(escl: EsclScannerTwin) -> None:
    escl.lay(sheet("aaa"))
    pages: list[TakenPage] = []
    assert EsclScanner(escl.url).take(ScanWish("flatbed", "grey", 75), pages.append) == RunEnd("done", 1)
    assert [mark(page) for page in pages] == [3]


def test_a_network_scanner_that_hangs_is_left_after_its_time(escl: EsclScannerTwin) -> None:
    escl.load([sheet("a")])
    escl.hang()
    end = EsclScanner(escl.url, page_s=1.0, stop_s=0.5).take(ScanWish("feeder", "colour", 75), lambda page: None)
    assert end == RunEnd("failed", 0, "silent")
