"""What the records room scans, looks, presses and speaks with in the demo, so that its device page has it all."""

from __future__ import annotations

import io
from typing import Any

from hardware.drivers.code_writer import code_image
from hardware.drivers.glyphs import Glyphs
from hardware.twins.escl_scanner import EsclScannerTwin
from hardware.twins.pedal import PedalTwin
from hardware.twins.stream_camera import StreamCameraTwin

DPI = 100
PAGE_DOTS = (827, 1169)
"""A4."""
LINES = ("演示样页", "Specimen page", "不是任何人的病案", "Nobody's record")
CODE = "QL00000000-1"
NULL = "alsa:null"
"""ALSA's own device that plays into nothing: no sound card is asked for."""
EVERY_S = 0.2


class ScanningDesk:
    """A scanner with a page on its glass, a document camera over the same page, a foot switch, a loudspeaker."""

    def __init__(self, glyphs: Glyphs) -> None:
        page = specimen(glyphs)
        self.scanner, self.pedal = EsclScannerTwin(), PedalTwin()
        self.camera = StreamCameraTwin(lambda n: page, EVERY_S)
        self.scanner.lay(page)

    def start(self) -> None:
        for twin in (self.scanner, self.pedal, self.camera):
            twin.start()

    def close(self) -> None:
        for twin in (self.scanner, self.pedal, self.camera):
            twin.close()

    def settings(self) -> dict[str, Any]:
        """For `[devices]`."""
        return {
            "scanners": [{"name": "扫描仪", "url": self.scanner.url, "source": "flatbed", "dpi": DPI}],
            "cameras": [{"name": "高拍仪", "url": self.camera.url}],
            "pedals": [{"name": "踏板", "url": self.pedal.url}],
            "speakers": [{"name": "喇叭", "url": NULL}],
        }


def specimen(glyphs: Glyphs) -> bytes:
    """A page that says what it is, as JPEG."""
    from PIL import Image

    page = Image.new("RGB", PAGE_DOTS, "white")
    for n, line in enumerate(LINES):
        drawn = glyphs.draw(line, PAGE_DOTS[0] - 200, 60)
        ink = Image.frombytes("1", (drawn.row_bytes * 8, drawn.height_dots), drawn.rows)
        page.paste("black", (100, 150 + 90 * n), ink)
    page.paste(code_image(CODE, "code128", module_px=2, height_px=60), (100, 600))
    page.paste(code_image(CODE, "qr", module_px=4), (100, 720))
    kept = io.BytesIO()
    page.save(kept, "JPEG", dpi=(DPI, DPI))
    return kept.getvalue()
