"""The process in which OpenCV opens a camera: `python -m hardware.drivers.camera_worker SOURCE`.

SOURCE is a number (`/dev/video0` is 0) or a stream's address. On stdout: frames, each a kind (`P` preview, `S` still),
four bytes of length, most significant first, and a JPEG. On stdin: a line `still` asks for one. Ends when stdin does.
Exit 3: it cannot be opened; 4: no picture came any more.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

PREVIEW_WIDTH = 960
PREVIEW_EVERY_S = 0.2
PREVIEW_QUALITY, STILL_QUALITY = 70, 92
CANNOT_OPEN, NO_PICTURE = 3, 4


def main(source: str) -> int:
    import cv2

    camera = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not camera.isOpened():
        return CANNOT_OPEN
    if source.isdigit():
        # the largest that the camera has: drivers take the nearest
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, 10_000)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, 10_000)
    wanted, over = threading.Semaphore(0), threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            if line.strip() == "still":
                wanted.release()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    last_s = 0.0
    while not over.is_set():
        ok, frame = camera.read()
        if not ok:
            return NO_PICTURE
        while wanted.acquire(blocking=False):
            _send(b"S", _jpeg(cv2, frame, STILL_QUALITY))
        if time.monotonic() - last_s >= PREVIEW_EVERY_S:
            last_s = time.monotonic()
            high, wide = frame.shape[:2]
            small = frame if wide <= PREVIEW_WIDTH else cv2.resize(frame, (PREVIEW_WIDTH, high * PREVIEW_WIDTH // wide))
            _send(b"P", _jpeg(cv2, small, PREVIEW_QUALITY))
    return 0


def _jpeg(cv2: Any, frame: Any, quality: int) -> bytes:
    ok, made = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok, "a frame is a picture"
    return bytes(made)


def _send(kind: bytes, picture: bytes) -> None:
    sys.stdout.buffer.write(kind + len(picture).to_bytes(4, "big") + picture)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
