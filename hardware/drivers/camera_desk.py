"""A document camera under its keeper: open while somebody looks, shut for the rest of the day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hardware.codecs.picture_files import dots_of
from hardware.drivers.document_camera import DocumentCamera
from hardware.drivers.supervisor import Device
from sync.kernel.outcome import Unavailable

LOOK_S = 20.0
LINGER_S = 4.0
"""A page that is left says nothing; a page that is looked at asks several times a second."""
FRAME_S = 8.0


class CameraDesk:
    """A session for `supervisor.Keeper`. It is ready once it gave a picture, and closed again until somebody looks.

    `find` says what `DocumentCamera` opens; `there` whether it still hangs there, asked now and then. Both raise
    `Unavailable`. `record` gets `{"seen": dots}` at each opening, `{"still": bytes, "dots"}` and `{"looked": frames}`.
    """

    def __init__(
        self,
        find: Callable[[], str],
        there: Callable[[], None],
        device: Device,
        *,
        mono_s: Callable[[], float],
        look_s: float = LOOK_S,
        linger_s: float = LINGER_S,
        record: Callable[[dict[str, Any]], object] = lambda entry: None,
    ) -> None:
        self._find = find
        self._there = there
        self._device = device
        self._mono_s = mono_s
        self._look_s = look_s
        self._linger_s = linger_s
        self._record = record
        self._changed = threading.Condition()
        self._camera: DocumentCamera | None = None
        self._frame = b""
        self._n = 0
        self._until_s = 0.0
        self._dropped = False
        self._closed = False

    def frame(self, after: int, within_s: float = FRAME_S) -> tuple[int, bytes]:
        """A picture newer than the `after`-th, as JPEG, and its number; whoever asks keeps the camera open.

        Unavailable `device.gone` when none comes in time.
        """
        with self._changed:
            self._want()
            if not self._changed.wait_for(lambda: self._n > after and bool(self._frame), within_s):
                raise Unavailable("device.gone")
            return self._n, self._frame

    def still(self) -> bytes:
        """A JPEG at full size, taken after this call. Unavailable `device.gone`, `device.silent`."""
        until_s = self._mono_s() + FRAME_S
        while True:
            self.frame(self._n)
            with self._changed:
                camera = self._camera
            try:
                if camera is None:
                    raise Unavailable("device.gone")
                picture = camera.still()
            except Unavailable:
                if self._mono_s() > until_s:
                    raise
                continue  # it was just being shut; the next picture comes from one that opens
            self._record({"still": len(picture), "dots": dots_of(picture)})
            return picture

    def run(self, opened: Callable[[], None]) -> None:
        """Unavailable `device.gone`, `device.silent`, `device.closed`, and what `find` and `there` say."""
        with self._changed:
            self._dropped = self._closed
        self._see(opened, lambda: not self._wanted())
        while True:
            self._device.say("ready")
            with self._changed:
                self._changed.wait_for(lambda: self._dropped or self._wanted(), self._look_s)
                wanted = self._wanted()
            self._end_if_dropped()
            if wanted:
                self._device.say("busy")
                self._see(lambda: None, lambda: not self._wanted())
            else:
                self._there()

    def drop(self) -> None:
        with self._changed:
            self._dropped = True
            camera = self._camera
            self._changed.notify_all()
        if camera is not None:
            camera.drop()

    def close(self) -> None:
        with self._changed:
            self._closed = True
        self.drop()

    def _see(self, opened: Callable[[], None], enough: Callable[[], bool]) -> None:
        """Open it, and shut it once there are pictures enough."""
        frames = 0

        def on_preview(jpeg: bytes) -> None:
            nonlocal frames
            if not frames:
                self._record({"seen": dots_of(jpeg)})
            frames += 1
            with self._changed:
                self._frame, self._n = jpeg, self._n + 1
                self._changed.notify_all()
            if enough():
                camera.drop()

        camera = DocumentCamera(self._find(), on_preview)
        with self._changed:
            self._camera = camera
        try:
            self._end_if_dropped()
            camera.run(opened)
        except Unavailable as fault:
            self._end_if_dropped()
            if fault.code != "device.closed":
                raise
        finally:
            with self._changed:
                self._camera, self._frame = None, b""
            self._record({"looked": frames})

    def _end_if_dropped(self) -> None:
        if self._dropped:
            raise Unavailable("device.closed")

    def _want(self) -> None:
        self._until_s = self._mono_s() + self._linger_s
        self._changed.notify_all()

    def _wanted(self) -> bool:
        return self._mono_s() < self._until_s
