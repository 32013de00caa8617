"""One connection through a line: two directions, each read, held for as long as the line says, and written.

What the line's mode swallows was already acknowledged to its sender by TCP, so the stream cannot be mended: such a
connection is reset as soon as the direction passes again, as a router that forgot it would do.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import socket
import struct
from typing import Literal, Protocol

Direction = Literal["up", "down"]

CHUNK_BYTES = 64 * 1024
HELD_BYTES_MAX = 1024 * 1024
CONNECT_S_MAX = 10.0
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Weather(Protocol):
    """What a crossing asks its line about each chunk."""

    @property
    def reachable(self) -> bool:
        """Whether a new connection gets through to the other end at all."""
        ...

    @property
    def holds(self) -> bool:
        """Whether chunks wait for their time; otherwise what is held leaves at once."""
        ...

    def passes(self, direction: Direction) -> bool: ...

    def delay_s(self) -> float:
        """How long this chunk is held."""
        ...

    def strikes(self) -> bool:
        """Whether this chunk meets a reset."""
        ...

    def carried(self, direction: Direction, n: int) -> None: ...

    def dropped(self, direction: Direction, n: int) -> None: ...

    def struck(self) -> None:
        """A connection was reset."""
        ...


class Reset(Exception):
    """This connection ends with RST on both sides."""


class Way:
    """One direction. Chunks leave in the order they came; an empty one is the end of the stream."""

    def __init__(self, weather: Weather, direction: Direction) -> None:
        self.direction = direction
        self.lost = False
        self._weather = weather
        self._held: collections.deque[tuple[float, bytes]] = collections.deque()
        self._held_bytes = 0
        self._changed = asyncio.Event()

    @property
    def empty(self) -> bool:
        return not self._held

    def wake(self) -> None:
        """The mode changed: what is held is looked at again."""
        if self._held and not self._weather.passes(self.direction):
            self._weather.dropped(self.direction, self._held_bytes)
            self._held.clear()
            self._held_bytes = 0
            self.lost = True
        self._changed.set()

    async def read(self, source: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            while self._held_bytes >= HELD_BYTES_MAX:
                await self._change(None)
            try:
                data = await loop.sock_recv(source, CHUNK_BYTES)
            except OSError:
                if self._weather.passes(self.direction):
                    raise Reset from None
                data = b""
            if not self._weather.passes(self.direction):
                self._weather.dropped(self.direction, len(data))
                self.lost = True
            elif data and self._weather.strikes():
                raise Reset
            else:
                due = max(due, loop.time() + self._weather.delay_s())
                self._held.append((due, data))
                self._held_bytes += len(data)
                self._changed.set()
            if not data:
                return

    async def write(self, sink: socket.socket) -> None:
        """Runs until the end of the stream was passed on or swallowed, the latter only by a reset."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._held:
                await self._change(None)
            due, data = self._held[0]
            wait_s = due - loop.time()
            if wait_s > 0 and self._weather.holds:
                await self._change(wait_s)
                continue
            self._held.popleft()
            self._held_bytes -= len(data)
            self._changed.set()
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                await loop.sock_sendall(sink, data)
            except OSError:
                raise Reset from None
            self._weather.carried(self.direction, len(data))

    async def _change(self, wait_s: float | None) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()


class Crossing:
    """A connection accepted on the near side and what it became on the far one."""

    def __init__(self, weather: Weather, near: socket.socket, far_address: tuple[str, int]) -> None:
        self._weather = weather
        self._near = near
        self._far_address = far_address
        self._ways = (Way(weather, "up"), Way(weather, "down"))
        self._changed = asyncio.Event()
        self._main: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        self._main = asyncio.create_task(self._run())
        self._main.add_done_callback(lambda _: self._near.close())  # a task reset before its first step closes nothing
        return self._main

    def reset(self) -> None:
        """End both sides with RST, whatever they are doing."""
        if self._main is not None:
            self._main.cancel()

    def wake(self) -> None:
        """The mode changed."""
        for way in self._ways:
            way.wake()
        if any(way.lost and self._weather.passes(way.direction) for way in self._ways):
            self.reset()
        self._changed.set()

    async def _run(self) -> None:
        far: socket.socket | None = None
        up, down = self._ways
        calm = False
        tasks = [asyncio.create_task(up.read(self._near))]
        try:
            while not self._weather.reachable:
                self._changed.clear()
                waiting = asyncio.create_task(self._changed.wait())
                try:
                    await asyncio.wait([waiting, tasks[0]], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                if tasks[0].done():
                    return
            far = await self._connect()
            tasks += [asyncio.create_task(work) for work in (up.write(far), down.read(far), down.write(self._near))]
            await self._finish(tasks)
            calm = True
        except (Reset, asyncio.CancelledError):
            self._weather.struck()
        finally:
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                self._close(far, calm)

    def _close(self, far: socket.socket | None, calm: bool) -> None:
        for side in (self._near, far):
            if side is not None:
                if not calm:
                    with contextlib.suppress(OSError):
                        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
                side.close()

    async def _finish(self, tasks: list[asyncio.Task[None]]) -> None:
        """Until both ends were passed on; or, with an end swallowed, until nobody is left on either side."""
        up_read, _, down_read, _ = tasks
        pending = set(tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if up_read.done() and down_read.done() and all(way.lost or way.empty for way in self._ways):
                return

    async def _connect(self) -> socket.socket:
        far = socket.socket()
        far.setblocking(False)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            # Not wait_for: on 3.11 it forgets a cancellation that comes together with the connection.
            async with asyncio.timeout(CONNECT_S_MAX):
                await asyncio.get_running_loop().sock_connect(far, self._far_address)
        except (OSError, TimeoutError):
            far.close()
            raise Reset from None
        except asyncio.CancelledError:
            far.close()
            raise
        return far
