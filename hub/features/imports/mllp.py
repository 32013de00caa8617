"""The port at which a hospital's interface engine delivers ADT messages, one answer per message.

A message is answered only after the handler has returned, so a sender that hears AA may forget it. When the handler
cannot do it now, the line is closed without an answer and the sender delivers again.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from hub.features.imports.hl7_message import MESSAGE_BYTES_MAX
from hub.features.imports.mllp_frames import Deframer, frame

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """`frame_s`: from a message's first byte to its last. `skip_bytes`: how much without a whole message."""

    message_bytes: int = MESSAGE_BYTES_MAX
    skip_bytes: int = 16 * 1024 * 1024
    frame_s: float = 30.0
    idle_s: float = 900.0
    connections: int = 32


class MllpServer:
    """One thread per sender. `port` is the one the system gave when 0 was asked for.

    `handler` gets a message and returns its answer, both without framing. `refuse` gets the head of a message over the
    limit and returns the answer that says so. Both are called from several threads.
    """

    def __init__(
        self,
        handler: Callable[[bytes], bytes],
        refuse: Callable[[bytes], bytes],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: MllpLimits | None = None,
    ) -> None:
        self._handler, self._refuse = handler, refuse
        self._limits = limits or MllpLimits()
        self._address = host, port
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._accepting: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        assert self._listener is not None, "not started"
        return int(self._listener.getsockname()[1])

    def counts(self) -> dict[str, int]:
        """Since the start: connections, turned_away, messages, too_large, too_slow, broken_off, unanswered."""
        with self._lock:
            return dict(self._counts)

    def start(self) -> None:
        """Listen and return. Raises OSError when the port is taken."""
        assert self._listener is None, "started twice"
        self._listener = socket.create_server(self._address, backlog=16)
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), name="mllp", daemon=True)
        self._accepting.start()

    def stop(self, within_s: float = 5.0) -> None:
        """No new messages; those being handled are still answered, up to `within_s`. May be called twice."""
        self._stopping.set()
        if self._listener is not None:
            _shut(self._listener, socket.SHUT_RDWR)
        if self._accepting is not None:
            self._accepting.join(within_s)
        if self._listener is not None:
            self._listener.close()
        with self._lock:
            still_open = dict(self._open)
        for line in still_open.values():
            _shut(line, socket.SHUT_RD)
        deadline = time.monotonic() + within_s
        for thread, line in still_open.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            _shut(line, socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                line, _ = listener.accept()
            except OSError:
                if self._stopping.wait(0.1):  # also out of descriptors: lines that end give some back
                    return
                continue
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(line,), name="mllp-line", daemon=True)
            with self._lock:
                full = len(self._open) >= self._limits.connections or self._stopping.is_set()
                self._counts["turned_away" if full else "connections"] += 1
                if not full:
                    self._open[thread] = line
            if full:
                line.close()
            else:
                thread.start()

    def _serve(self, line: socket.socket) -> None:
        try:
            with line:
                self._converse(line)
        except TimeoutError:
            self._count("too_slow")
        except OSError:
            self._count("broken_off")
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _converse(self, line: socket.socket) -> None:
        limits = self._limits
        deframer = Deframer(limits.message_bytes)
        deadline, skipped = time.monotonic() + limits.idle_s, 0
        while not self._stopping.is_set():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            line.settimeout(left_s)
            data = line.recv(_READ_BYTES)
            if not data:
                return
            was_in_frame, answered = deframer.in_frame, False
            skipped += len(data)
            for one in deframer.feed(data):
                if not self._reply(line, one.data, whole=one.whole):
                    return
                answered = True
                skipped = 0 if one.whole else skipped
            if skipped > limits.skip_bytes:
                return
            # Bytes between messages win no time, or a sender of noise would hold its line for ever.
            if answered or (deframer.in_frame and not was_in_frame):
                deadline = time.monotonic() + (limits.frame_s if deframer.in_frame else limits.idle_s)

    def _reply(self, line: socket.socket, message: bytes, *, whole: bool) -> bool:
        self._count("messages" if whole else "too_large")
        try:
            told = self._handler(message) if whole else self._refuse(message)
        except Exception:  # whatever it was, nothing is stored and the sender will deliver again
            self._count("unanswered")
            return False
        line.settimeout(self._limits.frame_s)
        line.sendall(frame(told))
        return True

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


def _shut(line: socket.socket, how: int) -> None:
    try:
        line.shutdown(how)
    except OSError:
        return
