"""Where in a picture bars may stand: rows that change quickly along themselves and hardly at all two pixels below.

Print changes as much one way as the other. A guess for who looks closer, nothing more: some text is among it.
"""

from __future__ import annotations

from typing import Any

BELOW_PX = 2
CELL_PX = 24
EDGE_MIN = 5
"""Grey levels from one pixel to the next, on average: a pale, soft code has no more."""
ALONG_TO_BELOW = 1.25
"""Bars that lean by 15 degrees still have it."""
MARGIN_PX = 60
STRIPES_MAX = 5


def stripes(grey: Any, pixels: int) -> list[tuple[int, int, int, int]]:
    """(left, top, right, bottom) of the largest in an array of grey rows, looking at about so many of its pixels."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)  # to wake others takes longer than the work
    height, width = grey.shape
    step = max(2 * BELOW_PX, -(-2 * height * width // pixels))
    upper = np.ascontiguousarray(grey[: height - BELOW_PX : step])
    lower = np.ascontiguousarray(grey[BELOW_PX::step][: len(upper)])
    if len(upper) < 2 or width <= CELL_PX:
        return []
    cells = (width // CELL_PX, len(upper))
    along, below = (
        cv2.blur(cv2.resize(change, cells, interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3))
        for change in (cv2.absdiff(upper[:, 1:], upper[:, :-1]), cv2.absdiff(upper, lower))
    )
    barred: Any = ((along > EDGE_MIN) & (along > ALONG_TO_BELOW * below)).astype(np.uint8)
    barred = cv2.morphologyEx(barred, cv2.MORPH_OPEN, np.ones((2, 3), np.uint8))
    found = cv2.connectedComponentsWithStats(barred, connectivity=4)[2][1:]
    largest = sorted((tuple(map(int, one)) for one in found), key=lambda one: -one[4])[:STRIPES_MAX]
    cell = width / cells[0]
    return [
        (
            max(0, round(x * cell) - MARGIN_PX),
            max(0, (y - 1) * step),
            min(width, round((x + across) * cell) + MARGIN_PX),
            min(height, (y + down + 1) * step),
        )
        for x, y, across, down, _ in largest
    ]
