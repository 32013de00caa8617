"""Several workers give credit each on its own; what a node sent to another one gives its place away all the same."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hub.link.credits import Credits
from hub.link.voice import HubKeys, Voice
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import hub_inbound
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.ids import BULK
from sync.kernel.limits import CREDIT_ASK_S, CREDIT_NODES_MAX, CUT_FACTS
from sync.kernel.suite import suite1
from sync.protocol.ack import Credit
from sync.protocol.hello import Hello, HelloStream
from sync.protocol.long_header import FACTS, Header

NODES, BATCHES, STEP_S = 120, 3, 0.02
LANE = (7, BULK)


class Hours(SystemClock):
    """Both clocks go on when told."""

    now_s = 0.0

    def mono_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return 1_795_147_200_000 + round(self.now_s * 1000)


@dataclass
class Drain:
    """One database, workers over it, and nodes with a backlog whose messages go to any of them."""

    folder: Path
    count: int
    shares: bool
    most_at_once: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.clock, self.draw = Hours(), random.Random(self.count)
        self.store = HubStore(
            self.folder / "hub.db", bytes(32), node="hub-aaaaaaaa", role="hub", clock=self.clock,
            entropy=SeededEntropy(1),
        )  # fmt: skip
        voice = Voice(self.store, HubKeys(b"s" * 32, b"e" * 32, suite1), lambda: None)
        self.workers = [Credits(self.clock, voice, self.held if self.shares else None) for _ in range(self.count)]
        self.left = {f"courier-{n:08d}": BATCHES for n in range(NODES)}
        with self.store.write() as unit:
            unit.conn.executemany(
                "INSERT INTO stream (node, incarnation, lane, own, last, head) VALUES (?, ?, ?, 0, 0, ?)",
                [(node, *LANE, bytes(32)) for node in self.left],
            )
        self.may: set[str] = set()
        self.ask_at = {node: self.draw.uniform(0, 0.5) for node in self.left}

    def held(self, node: str, streams: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
        with self.store.read() as conn:
            return {(mark.incarnation, mark.lane): mark.upto for mark in hub_inbound.marks(conn, node, streams)}

    def hear(self, node: str, credit: Credit | None) -> None:
        """The newest word sets the window, and when to ask again."""
        if credit is None:
            return
        (self.may.add if credit.batches else self.may.discard)(node)
        wait_s = (credit.not_before_ms - self.clock.wall_ms()) / 1000
        self.ask_at[node] = self.clock.now_s + (CREDIT_ASK_S if credit.batches else max(STEP_S, wait_s))

    def run(self) -> float:
        """Virtual seconds until everybody has delivered."""
        while any(self.left.values()):
            self.clock.now_s += STEP_S
            assert self.clock.now_s < 3600
            for node in [node for node, at in self.ask_at.items() if self.left[node] and at <= self.clock.now_s]:
                told = HelloStream(*LANE, BATCHES * CUT_FACTS, (BATCHES - self.left[node]) * CUT_FACTS, 1)
                self.hear(node, self.draw.choice(self.workers).greeted(node, Hello("test", 7, 1, (told,))))
            sending = [node for node in sorted(self.may) if self.left[node]]
            self.most_at_once = max(self.most_at_once, len(sending))
            for node in sending[:: self.draw.choice((1, 2))]:
                self.send(node)
        self.store.close()
        return self.clock.now_s

    def send(self, node: str) -> None:
        self.left[node] -= 1
        upto = (BATCHES - self.left[node]) * CUT_FACTS
        with self.store.write() as unit:
            unit.conn.execute("UPDATE stream SET last = ? WHERE node = ?", (upto, node))
        worker = self.draw.choice(self.workers)
        zero = bytes(32)
        worker.taken(
            Header(1, FACTS, 0, node, *LANE, upto - CUT_FACTS + 1, CUT_FACTS, zero, zero, zero, zero[:8], 7000, 9000),
            7000,
        )
        self.hear(node, worker.told(node))
        for other, credit in worker.turns():
            self.hear(other, credit)


@pytest.mark.row("H01.1")
def test_a_node_that_delivered_to_another_worker_holds_nobody_up(tmp_path: Path) -> None:
    alone = Drain(tmp_path / "one", 1, shares=False)
    four = Drain(tmp_path / "four", 4, shares=True)
    apart = Drain(tmp_path / "apart", 4, shares=False)
    one_s, four_s, apart_s = alone.run(), four.run(), apart.run()
    print(f"one {one_s:.1f} s, four {four_s:.1f} s, four apart {apart_s:.1f} s; {four.most_at_once} at once")
    assert four_s <= 2 * one_s + 1, "four workers that look at what all hold are no slower than one"
    assert apart_s > 4 * four_s, "and that is what it is for"
    assert alone.most_at_once <= CREDIT_NODES_MAX and four.most_at_once <= 4 * CREDIT_NODES_MAX
