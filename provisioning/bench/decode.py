"""`decode`: barcodes in pictures, against each library alone on the same pictures in turn.

Every contender is told the picture's symbology where the folder or file is named after one (`ean13-2/5.png`), else it
looks for all. A hit is the answer's bytes in whatever charset, a code's start and stop letters and FNC1 aside; where
the answer has a line for each of several codes, all of them. In figures.recall are ours, in baseline.recall each
library's alone. `provisioning.bench.worn_pages` makes a folder out of pictures of pages.

The ratio is of time, from grey pixels to texts, medians of rounds in turn: on a drawn A4 page at 200 dpi with a code,
and on one without, where the second opinion is asked for nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hardware.codecs.symbologies import ALL, Symbology
from hardware.drivers.picture_codes import PictureCode, open_picture, read_codes, zxing_codes
from hardware.drivers.second_opinion import SecondOpinion
from hardware.drivers.zbar_worker import NAMES
from provisioning.bench.code_pictures import Sample, a4_page, drawn_samples, folder_samples
from provisioning.bench.figures import document, median
from sync.kernel.outcome import PeerFault

ROUNDS = 15
A4_WANTED: tuple[Symbology, ...] = ("code128", "qr")
CODE = "ZY00123456-2"

Contender = Callable[[Any, tuple[Symbology, ...]], list[tuple[str, bytes]]]


def run(*, runs: int = ROUNDS, images: Path | None = None, each: int = 0) -> dict[str, Any]:
    """Recall on `images`, or on drawn ones (`each` of a symbology); `runs` rounds over the A4 pages."""
    second = SecondOpinion(deadline_s=30.0)
    try:
        if images is not None:
            samples: Iterable[Sample] = folder_samples(images)
        else:
            samples = drawn_samples(**({"each": each} if each else {}))
        recall, ms, read = _recall(samples, second)
        pages = {"a4": a4_page(1, CODE), "a4_without_code": a4_page(2)}
        times = {name: _page_times(page, second, runs) for name, page in pages.items()}
        lost = second.lost
    finally:
        second.close()
    kinds = sorted(recall["ours"])
    worse = [kind for kind in kinds if recall["ours"][kind] < max(recall["zxing"][kind], recall["zbar"][kind])]
    return document(
        "decode",
        runs,
        ratios={f"{name}_vs_zxing": ours / alone for name, (ours, alone) in times.items()},
        figures={
            "recall": recall["ours"],
            "ms": ms["ours"],
            "worse_than_a_library": worse,
            "pictures": read,
            "set": "a folder" if images is not None else "drawn here: no folder was given",
            "a4_ms": {name: round(ours, 2) for name, (ours, _) in times.items()},
            "second_opinions_lost": lost,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "zxing-cpp restricted to the symbology, and zbar through pyzbar, each alone",
            "recall": {name: recall[name] for name in ("zxing", "zbar")},
            "ms": {name: ms[name] for name in ("zxing", "zbar")},
            "a4_ms": {name: round(alone, 2) for name, (_, alone) in times.items()},
        },
    )


def _recall(samples: Iterable[Sample], second: SecondOpinion) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    contenders: dict[str, Contender] = {
        "zxing": lambda image, wanted: _told(zxing_codes(image, wanted)),
        "zbar": lambda image, wanted: [
            (raw.decode("utf-8", "replace"), raw) for _, raw in second.ask([image], _zbar(wanted)) or []
        ],
        "ours": lambda image, wanted: _told(read_codes(image, wanted, second=second)),
    }
    hits: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in contenders}
    took: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in contenders}
    for sample in samples:
        kind = sample.kind or "unknown"
        wanted = (sample.kind,) if sample.kind else ALL
        try:
            image = open_picture(sample.picture)
        except PeerFault:
            continue
        for name, look in contenders.items():
            began_s = time.perf_counter()
            found = look(image, wanted)
            took[name][kind].append((time.perf_counter() - began_s) * 1000)
            hits[name][kind].append(_hit(sample.answer, found))
    recall = {
        name: {kind: round(100 * sum(each) / len(each), 1) for kind, each in sorted(told.items())}
        for name, told in hits.items()
    }
    ms = {name: {kind: round(median(each), 2) for kind, each in sorted(told.items())} for name, told in took.items()}
    return recall, ms, {kind: len(each) for kind, each in sorted(hits["ours"].items())}


def _zbar(wanted: tuple[Symbology, ...]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in NAMES)


def _told(codes: list[PictureCode]) -> list[tuple[str, bytes]]:
    return [(code.text, code.raw) for code in codes]


def _hit(answer: str, found: list[tuple[str, bytes]]) -> bool:
    """Whether the answer was read; one of several lines may also be a line for each code of the picture."""
    each = answer.splitlines()
    return any(_is(answer, text, raw) for text, raw in found) or (
        len(each) > 1 and all(any(_is(line, text, raw) for text, raw in found) for line in each)
    )


def _is(answer: str, text: str, raw: bytes) -> bool:
    """The answer's characters, or its bytes in any charset that is met on codes."""
    wanted = _plain(answer)
    told = {text}
    for charset in ("utf-8", "latin-1", "shift_jis", "gb18030"):
        try:
            told.add(raw.decode(charset))
        except UnicodeDecodeError:
            continue
    return any(_plain(each) == wanted or _digits(_plain(each)) == _digits(wanted) for each in told)


def _plain(text: str) -> str:
    return re.sub(r"[()\x1d\r\n]|\{GS\}|<GS>", "", text).strip()


def _digits(text: str) -> str:
    """UPC-A is EAN-13 with a 0 before it; Codabar's start and stop letters are not told by every library."""
    bare = re.sub(r"^[A-Da-d]([0-9$:/.+-]+)[A-Da-d]$", r"\1", text)
    return bare.zfill(13) if bare.isdigit() and len(bare) in (12, 13) else bare


def _page_times(page: Any, second: SecondOpinion, rounds: int) -> tuple[float, float]:
    """(ours, restricted zxing alone) in ms, medians of rounds in turn."""
    contenders: dict[str, Callable[[], Any]] = {
        "ours": lambda: read_codes(page, A4_WANTED, second=second),
        "alone": lambda: zxing_codes(page, A4_WANTED),
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for at in range(rounds + 1):
        for name in sorted(contenders, reverse=bool(at % 2)):
            began_s = time.perf_counter()
            contenders[name]()
            if at:  # the first round wakes the child
                took[name].append((time.perf_counter() - began_s) * 1000)
    return median(took["ours"]), median(took["alone"])
