"""A network scanner with a flatbed and a duplex feeder, over eSCL; whoever speaks eSCL can scan from it.

Source: Mopria Alliance, eSCL Technical Specification 2.97: ScannerCapabilities, ScannerStatus, ScanJobs, NextDocument.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_NAMES = 'xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03" xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm"'
_INPUT = """
<scan:MinWidth>16</scan:MinWidth><scan:MaxWidth>2550</scan:MaxWidth>
<scan:MinHeight>16</scan:MinHeight><scan:MaxHeight>3508</scan:MaxHeight><scan:MaxScanRegions>1</scan:MaxScanRegions>
<scan:SettingProfiles><scan:SettingProfile>
<scan:ColorModes><scan:ColorMode>Grayscale8</scan:ColorMode><scan:ColorMode>RGB24</scan:ColorMode></scan:ColorModes>
<scan:DocumentFormats><pwg:DocumentFormat>image/jpeg</pwg:DocumentFormat>
<scan:DocumentFormatExt>image/jpeg</scan:DocumentFormatExt></scan:DocumentFormats>
<scan:SupportedResolutions><scan:DiscreteResolutions>{resolutions}</scan:DiscreteResolutions></scan:SupportedResolutions>
</scan:SettingProfile></scan:SettingProfiles>
"""
_RESOLUTION = (
    "<scan:DiscreteResolution><scan:XResolution>{dpi}</scan:XResolution>"
    "<scan:YResolution>{dpi}</scan:YResolution></scan:DiscreteResolution>"
)


FEEL_S = 0.15
"""How long a feeder feels for the next sheet. sane-airscan 0.99.27 asks ahead; told at once that there is none, it now
and then drops the sheet before (observed, 1 of 12 runs of one sheet)."""


class EsclScannerTwin:
    """Sheets are JPEG pictures. `load(fronts, backs)` fills the feeder, `glass` is what lies on the flatbed.

    `jam_after(n)`: the n-th sheet from now on sticks. `taken` is how many sides left it, `jobs` how many runs began.
    """

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Lock()
        self._feeder: list[bytes] = []
        self._glass = b""
        self._adf_trouble = ""
        self._jam_in = 0
        self._current: list[bytes] | None = None
        self._from_feeder = False
        self._awake = threading.Event()
        self._awake.set()
        self.taken = 0
        self.jobs = 0
        twin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                twin._get(self)

            def do_POST(self) -> None:
                twin._post(self)

            def do_DELETE(self) -> None:
                twin._cancel(self.path)
                _answer(self, 200, b"")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="escl-twin", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/eSCL"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._awake.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10.0)

    def load(self, fronts: Sequence[bytes], backs: Sequence[bytes] = ()) -> None:
        """Sides in the order a feeder gives them: front and, where there are backs, back of each sheet."""
        with self._lock:
            pairs = zip(fronts, backs, strict=True) if backs else ((front,) for front in fronts)
            self._feeder += [side for sheet in pairs for side in sheet]

    def unload(self) -> None:
        """What lies in the feeder is taken out."""
        with self._lock:
            self._feeder.clear()

    def lay(self, sheet: bytes) -> None:
        with self._lock:
            self._glass = sheet

    def jam_after(self, sides: int) -> None:
        with self._lock:
            self._jam_in = sides + 1

    def open_hatch(self) -> None:
        with self._lock:
            self._adf_trouble = "ScannerAdfHatchOpen"

    def hang(self) -> None:
        """Says nothing more in mid-page, until it is shut."""
        self._awake.clear()

    def mend(self) -> None:
        """Hatch shut, stuck sheet out."""
        with self._lock:
            self._adf_trouble = ""

    def _adf(self) -> str:
        return self._adf_trouble or ("ScannerAdfLoaded" if self._feeder else "ScannerAdfEmpty")

    def _get(self, asked: BaseHTTPRequestHandler) -> None:
        if asked.path == "/eSCL/ScannerCapabilities":
            _answer(asked, 200, _capabilities(), "text/xml")
        elif asked.path == "/eSCL/ScannerStatus":
            with self._lock:
                state = "Processing" if self._current is not None else "Idle"
                adf = self._adf()
            _answer(asked, 200, _status(state, adf), "text/xml")
        elif asked.path.endswith("/NextDocument"):
            self._awake.wait()
            code, page = self._next()
            if code == 404:
                time.sleep(FEEL_S)
            _answer(asked, code, page, "image/jpeg")
        else:
            _answer(asked, 404, b"")

    def _next(self) -> tuple[int, bytes]:
        with self._lock:
            if self._current is None:
                return 404, b""
            if self._from_feeder:
                if self._jam_in:
                    self._jam_in -= 1
                    if self._jam_in == 0:
                        self._adf_trouble = "ScannerAdfJam"
                if self._adf_trouble:
                    self._current = None
                    return 503, b""
                self._current = self._feeder
            if not self._current:
                self._current = None
                return 404, b""
            self.taken += 1
            return 200, self._current.pop(0)

    def _post(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
        source = re.search(rb"InputSource>\s*(\w+)", body)
        with self._lock:
            self._from_feeder = source is not None and source[1] == b"Feeder"
            if self._from_feeder and (self._adf_trouble or not self._feeder):
                _answer(asked, 409, b"")
                return
            self._current = self._feeder if self._from_feeder else [self._glass]
            self.jobs += 1
            job = self.jobs
        asked.send_response(201)
        asked.send_header("Location", f"{self.url}/ScanJobs/{job}")
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    def _cancel(self, path: str) -> None:
        """A job that is over is cancelled by a client that closes; the one that began since is not it."""
        with self._lock:
            if path.endswith(f"/ScanJobs/{self.jobs}"):
                self._current = None


def _capabilities() -> bytes:
    inside = _INPUT.format(resolutions="".join(_RESOLUTION.format(dpi=dpi) for dpi in (75, 100, 200, 300)))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerCapabilities {_NAMES}><pwg:Version>2.63</pwg:Version>'
        "<pwg:MakeAndModel>Waystation scanner twin</pwg:MakeAndModel><pwg:SerialNumber>TWIN1</pwg:SerialNumber>"
        f"<scan:Platen><scan:PlatenInputCaps>{inside}</scan:PlatenInputCaps></scan:Platen>"
        f"<scan:Adf><scan:AdfSimplexInputCaps>{inside}</scan:AdfSimplexInputCaps>"
        f"<scan:AdfDuplexInputCaps>{inside}</scan:AdfDuplexInputCaps>"
        "<scan:FeederCapacity>50</scan:FeederCapacity><scan:AdfOptions><scan:AdfOption>DetectPaperLoaded</scan:AdfOption>"
        "<scan:AdfOption>Duplex</scan:AdfOption></scan:AdfOptions></scan:Adf></scan:ScannerCapabilities>"
    ).encode()


def _status(state: str, adf: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><scan:ScannerStatus {_NAMES}><pwg:Version>2.63</pwg:Version>'
        f"<pwg:State>{state}</pwg:State><scan:AdfState>{adf}</scan:AdfState></scan:ScannerStatus>"
    ).encode()


def _answer(asked: BaseHTTPRequestHandler, code: int, body: bytes, media_type: str = "text/plain") -> None:
    with contextlib.suppress(ConnectionError):  # who asked has gone
        asked.send_response(code)
        asked.send_header("Content-Type", media_type)
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)
