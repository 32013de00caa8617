import pytest

from hardware.codecs.printer_reasons import IDLE, PROCESSING, STOPPED, status_of
from hardware.ports import PrinterStatus


@pytest.mark.row("F11.2")
@pytest.mark.parametrize("suffix", ["", "-error", "-warning", "-report"])
def test_how_bad_a_reason_is_does_not_matter(suffix: str) -> None:
    assert status_of(PROCESSING, [f"media-empty{suffix}"]) == PrinterStatus("attention", "paper-out")


@pytest.mark.parametrize(
    ("state", "reasons", "accepting", "status"),
    [
        (IDLE, [], True, PrinterStatus("ready")),
        (PROCESSING, ["cups-waiting-for-job-completed"], True, PrinterStatus("ready")),
        (IDLE, ["toner-low-report"], True, PrinterStatus("ready", near_end=True)),
        (IDLE, ["media-jam-error", "media-empty-error"], True, PrinterStatus("attention", "jam")),
        (STOPPED, ["paused"], True, PrinterStatus("attention", "paused")),
        (STOPPED, [], True, PrinterStatus("attention", "paused")),
        (IDLE, [], False, PrinterStatus("attention", "paused")),
        (PROCESSING, ["connecting-to-device"], True, PrinterStatus("attention", "gone")),
        (0, [], True, PrinterStatus("unknown", "silent")),
    ],
)
def test_a_printer_is_what_it_says(state: int, reasons: list[str], accepting: bool, status: PrinterStatus) -> None:
    assert status_of(state, reasons, accepting=accepting) == status
