"""The line between every appliance and the hub, as a thing that can be cut: TCP relays with six modes.

A line belongs to one appliance and carries several targets (broker, HTTPS) that share its fate. A mode counts for
living connections as well as for new ones. Same seed, same delays and resets for the same chunks.

up        everything passes at once
slow      every chunk is held 1.5 to 4 s, both ways
lossy     some chunks stall, some connections are reset
refused   nothing listens: connecting is refused, what was open is reset
silent    connecting works and nothing passes; what was held is dropped
half-cut  what the appliance sends arrives, no answer comes back
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from hub.web.ports import free_port
from provisioning.demo.crossing import Crossing, Direction

T = TypeVar("T")
Mode = Literal["up", "slow", "lossy", "refused", "silent", "half-cut"]
MODES: tuple[Mode, ...] = get_args(Mode)
Address = tuple[str, int]

_CALL_S_MAX = 30.0
_CONNECTIONS_MAX = 256


@dataclass(frozen=True, slots=True)
class Trouble:
    """How bad slow and lossy are. Shares are per chunk."""

    slow_s: tuple[float, float] = (1.5, 4.0)
    stall_share: float = 0.15
    stall_s: tuple[float, float] = (0.3, 3.0)
    reset_share: float = 0.02


@dataclass(frozen=True, slots=True)
class LineSpec:
    """A line to be: its name and where each target really is."""

    name: str
    targets: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as it stands. Bytes are payload, counted when handed to the other side's kernel."""

    name: str
    mode: Mode
    ports: Mapping[str, int]
    open: int
    accepted: int
    resets: int
    bytes_up: int
    bytes_down: int
    dropped_up: int
    dropped_down: int


@dataclass(slots=True)
class _Counts:
    accepted: int = 0
    resets: int = 0
    carried: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    dropped: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})


class _Gate:
    """A port that stays ours while nobody listens on it: it is bound all the time, listening or shut down."""

    def __init__(self) -> None:
        self.port = free_port()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))

    def open(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.listen(128)

    def shut(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        # Without the flag no other process can take the port in the meantime.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


class _Line:
    """All of it runs in the relay's loop."""

    def __init__(self, spec: LineSpec, trouble: Trouble, rng: random.Random) -> None:
        self.spec = spec
        self.mode: Mode = "up"
        self.counts = _Counts()
        self._trouble = trouble
        self._rng = rng
        self._gates = {target: _Gate() for target in spec.targets}
        self._accepting: dict[str, asyncio.Task[None]] = {}
        self._crossings: dict[asyncio.Task[None], Crossing] = {}

    @property
    def reachable(self) -> bool:
        return self.mode != "silent"

    @property
    def holds(self) -> bool:
        return self.mode in ("slow", "lossy")

    def passes(self, direction: Direction) -> bool:
        return not (self.mode in ("silent", "refused") or (self.mode == "half-cut" and direction == "down"))

    def delay_s(self) -> float:
        if self.mode == "slow":
            return self._rng.uniform(*self._trouble.slow_s)
        if self.mode == "lossy" and self._rng.random() < self._trouble.stall_share:
            return self._rng.uniform(*self._trouble.stall_s)
        return 0.0

    def strikes(self) -> bool:
        return self.mode == "lossy" and self._rng.random() < self._trouble.reset_share

    def carried(self, direction: Direction, n: int) -> None:
        self.counts.carried[direction] += n

    def dropped(self, direction: Direction, n: int) -> None:
        self.counts.dropped[direction] += n

    def struck(self) -> None:
        self.counts.resets += 1

    async def open(self) -> None:
        for target, gate in self._gates.items():
            gate.open()
            self._accepting[target] = asyncio.ensure_future(self._accept(gate, self.spec.targets[target]))

    async def shut(self) -> None:
        accepting = list(self._accepting.values())
        self._accepting.clear()
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        if accepting:
            for gate in self._gates.values():
                gate.shut()
        for crossing in list(self._crossings.values()):
            crossing.reset()
        await asyncio.gather(*self._crossings, return_exceptions=True)

    async def close(self) -> None:
        await self.shut()
        for gate in self._gates.values():
            gate.socket.close()

    async def set_mode(self, mode: Mode) -> LineView:
        before, self.mode = self.mode, mode
        if mode == "refused" != before:
            await self.shut()
        elif before == "refused" != mode:
            await self.open()
        for crossing in list(self._crossings.values()):
            crossing.wake()
        return self.view()

    async def _accept(self, gate: _Gate, far: Address) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                near, _ = await loop.sock_accept(gate.socket)
            except OSError:
                await asyncio.sleep(0.05)  # out of descriptors: others will be closed
                continue
            if len(self._crossings) >= _CONNECTIONS_MAX:
                near.close()
                continue
            near.setblocking(False)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.counts.accepted += 1
            crossing = Crossing(self, near, far)
            task = crossing.start()
            self._crossings[task] = crossing
            task.add_done_callback(lambda done: self._crossings.pop(done, None))

    def view(self) -> LineView:
        counts = self.counts
        return LineView(
            name=self.spec.name,
            mode=self.mode,
            ports={target: gate.port for target, gate in self._gates.items()},
            open=len(self._crossings),
            accepted=counts.accepted,
            resets=counts.resets,
            bytes_up=counts.carried["up"],
            bytes_down=counts.carried["down"],
            dropped_up=counts.dropped["up"],
            dropped_down=counts.dropped["down"],
        )


class Relay:
    """All lines of a site in one thread. Its methods may be called from any thread."""

    def __init__(self, lines: Sequence[LineSpec], *, seed: int = 0, trouble: Trouble | None = None) -> None:
        shape = trouble or Trouble()
        self._lines = {spec.name: _Line(spec, shape, random.Random(f"{seed}/{spec.name}")) for spec in lines}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line-relay", daemon=True)

    def start(self) -> None:
        """All lines up and listening."""
        self._thread.start()
        for line in self._lines.values():
            self._call(line.open())

    def stop(self) -> None:
        """Reset what is open and give the ports back."""
        for line in self._lines.values():
            self._call(line.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S_MAX)
        self._loop.close()

    def __enter__(self) -> Relay:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(TimeoutError):
            self.stop()

    def port(self, name: str, target: str) -> int:
        """Where an appliance connects instead of to the target itself. Stays the same for the relay's life."""
        return self.line(name).ports[target]

    def line(self, name: str) -> LineView:
        """One line. Raises KeyError."""
        line = self._lines[name]

        async def view() -> LineView:
            return line.view()

        return self._call(view())

    def lines(self) -> list[LineView]:
        """All lines, in the order they were given."""
        return [self.line(name) for name in self._lines]

    def set_mode(self, name: str, mode: Mode) -> LineView:
        """Change one line, living connections included; in force when this returns. Raises KeyError."""
        return self._call(self._lines[name].set_mode(mode))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_S_MAX)
