"""A network scanner (eSCL, AirScan): pages through SANE's airscan backend, its troubles from its own status."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hardware.codecs.escl import ADF_REASONS, STATUS_BYTES_MAX, EsclStatus, read_status
from hardware.drivers.sane_scanner import STOP_S, SaneScanner
from hardware.ports import DeviceState, PageListener, Percent, RunEnd, ScanWish

STATUS_S = 5.0
NAME = "scanner"
LOADED = "ScannerAdfLoaded"
NOTHING = RunEnd("failed", 0, "no-documents")


class EsclScanner:
    """`url` is the scanner's eSCL root, `http://host:port/eSCL`. Nothing is looked for on the network.

    The backend says "I/O error" for an open hatch, so the scanner itself is asked what is wrong.
    """

    def __init__(self, url: str, *, page_s: float = 90.0, stop_s: float = STOP_S) -> None:
        self._url = url.rstrip("/")
        self._page_s = page_s
        self._stop_s = stop_s

    tells_trouble = True

    def status(self) -> tuple[DeviceState, str]:
        found = self._status()
        return found.view if found else ("absent", "gone")

    def take(
        self,
        wish: ScanWish,
        on_page: PageListener,
        stopped: Callable[[], bool] = lambda: False,
        percent: Percent = lambda percent: None,
    ) -> RunEnd:
        before = self._status()
        if before is None:
            return RunEnd("failed", 0, "gone")
        if before.trouble:
            return RunEnd("failed", 0, before.trouble)
        with tempfile.TemporaryDirectory(prefix="waystation-airscan-") as name:
            (Path(name) / "dll.conf").write_text("airscan\n")
            (Path(name) / "airscan.conf").write_text(
                f'[devices]\n"{NAME}" = {self._url}, eSCL\n[options]\ndiscovery = disable\n'
            )
            scanner = SaneScanner(
                f"airscan:e0:{NAME}",
                environ={"SANE_CONFIG_DIR": name},
                ask=self._reason,
                page_s=self._page_s,
                stop_s=self._stop_s,
            )
            end = scanner.take(wish, on_page, stopped, percent)
        if end == NOTHING and before.adf == LOADED and wish.source != "flatbed":
            # The backend asks ahead and may drop a lone sheet when it hears that there is no other.
            after = self._status()
            return RunEnd("failed", 0, "page-lost") if after is not None and after.adf != LOADED else end
        return end

    def _reason(self) -> str:
        found = self._status()
        return "gone" if found is None else ADF_REASONS.get(found.adf, "")

    def _status(self) -> EsclStatus | None:
        import requests

        try:
            with requests.get(f"{self._url}/ScannerStatus", timeout=STATUS_S, stream=True) as answer:
                answer.raise_for_status()
                return read_status(next(answer.iter_content(STATUS_BYTES_MAX), b""))
        except requests.RequestException:
            return None
