"""One box's blobs: the real store, rows and sender, in virtual time where the service has a thread."""

from __future__ import annotations

from typing import Any

from appliance.link.blob_sender import BlobSender
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1

BLOBS = "blobs"
"""The kind of fault that needs this; a schedule without it runs without any blob."""
AGAIN_S, ASK_AGAIN_EVERY = 15.0, 4


class Pictures:
    """Of one process of a box. `box`: a `Box`, which knows this page."""

    def __init__(self, box: Any) -> None:
        self._box = box
        self.kept = KeptBlobs(box.store, FolderStore(box.folder / "blobs", suite1.hash), suite1.hash)
        self.sender = BlobSender(
            self.kept, _AsksBlobs(box), lambda word: box.hear("received", "https", word), suite1.hash, bytes_per_s=0,
            draw=lambda: 0.5,
        )  # fmt: skip
        self._sending = False
        self._turns = 0
        self.kept.start()
        self.want()
        box.after(AGAIN_S, "looks for pictures", self._look)

    def want(self) -> None:
        """Send soon."""
        self._box.after(0.01, "sends pictures", self._send)

    def _look(self) -> None:
        self._turns += 1
        try:
            if self._turns % ASK_AGAIN_EVERY == 0:
                self.kept.ask_again()
        except Unavailable:
            self._box.world.tell(f"{self._box.label} does not ask again")
        self._box.after(AGAIN_S, "looks for pictures", self._look)
        self._send()

    def _send(self) -> None:
        """Waits for answers while the site goes on; a process that died meanwhile ends here."""
        if self._sending:
            return
        self._sending = True
        try:
            self.sender.send_all()
        except (Unavailable, PeerFault) as fault:
            self._box.world.tell(f"{self._box.label} pictures wait: {fault.code}")
        finally:
            self._sending = False


class _AsksBlobs:
    """The hub's side, over the line that may lose a question or its answer."""

    def __init__(self, box: Any) -> None:
        self._box = box

    def _ask(self, question: Any) -> Any:
        world = self._box.world
        return world.wire.ask(self._box, lambda: question(world.hub))[0]

    def want(self, blob: bytes, size_bytes: int) -> bytes:
        node = self._box.node
        return bytes(self._ask(lambda hub: (hub.blobs.want(hub.member(node), blob, size_bytes),)))

    def put(self, blob: bytes, n: int, data: bytes, digest: bytes) -> None:
        self._ask(lambda hub: (hub.blobs.put(blob, n, data, digest),))

    def finish(self, blob: bytes) -> list[bytes]:
        node = self._box.node
        return [self._ask(lambda hub: (hub.blobs.finish(hub.member(node), blob),))]

    def cut(self) -> None:
        """No call of this line hangs for longer than its answer takes."""
