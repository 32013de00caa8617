"""One box: the real store, link and rounds, with virtual time where the service has threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from appliance.link.fetcher import AGAIN_S_MAX, AGAIN_S_MIN
from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.performer import Performer
from appliance.link.pump import Pump
from appliance.link.rekeying import Rekeying
from appliance.link.rounds import Rounds
from appliance.link.trust_book import BoxKeys, TrustBook
from provisioning.simulator.pictures import BLOBS, Pictures
from provisioning.simulator.process import STORE_KEY, Died, Process
from provisioning.simulator.promises import BLOCK, TICKETS
from provisioning.simulator.safekeeping import is_kept
from provisioning.simulator.site import Site
from provisioning.simulator.wire import HTTPS, MQTT, SimCarrier
from provisioning.trust.key_files import IDENTITY, SIGNING, KeyFiles
from sync.adapters.idgen import SeededEntropy
from sync.adapters.keys import write_whole
from sync.adapters.leases.box import LOOK_EVERY_S, Leases
from sync.adapters.leases.witness import Witness
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import connect
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.adapters.sqlite_log.pruning import prune
from sync.adapters.sqlite_log.steps import Point
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1
from sync.protocol.config import Config
from sync.protocol.session import Session

SOFTWARE = "simulated"
PAUSE_S = 1.0
TIDY_EVERY_S = 20.0


class Box(Process):
    """Box number `n`: even ones are couriers' hand-helds, odd ones stand in the records room."""

    def __init__(self, world: Site, n: int, folder: Path, *, label: str = "") -> None:
        self.role = "courier" if n % 2 == 0 else "records"
        drift = random_drift(world, n)
        super().__init__(world, label or f"box{n}", f"{self.role}-aaaaaaa{'abcdefgh'[n]}", folder, drift)
        self.n = n
        self.first_key = sha256(f"{world.plan.seed} {self.node}".encode()).digest()
        self.sealing = sha256(f"{world.plan.seed} {self.node} sealing".encode()).digest()
        self.carriers: dict[str, SimCarrier] = {}
        self.bugs: list[BaseException] = []
        self.enrolled = False

    @property
    def trust_path(self) -> Path:
        return self.folder / "trust.way"

    @property
    def files(self) -> KeyFiles:
        """The key folder is on the disk: put back and copied with it."""
        return self.files_for(self.point)

    def files_for(self, point: Point) -> KeyFiles:
        """The same for whoever is at the disk; `point` is told of the steps."""
        return KeyFiles(
            self.folder, suite1, SeededEntropy(f"{self.world.plan.seed}/{self.label}/{self.starts}/keys"), point
        )

    @property
    def signing(self) -> bytes:
        """The key in force."""
        files = self.folder / SIGNING
        return files.read_bytes() if files.exists() else self.first_key

    @property
    def own_keys(self) -> BoxKeys:
        """What it signs with, and signed with before."""
        return BoxKeys(self.node, self.signing, suite1, self.files.former)

    def join(self, identity: bytes) -> None:
        """What joining leaves on the disk."""
        write_whole(self.folder / SIGNING, self.first_key)
        write_whole(self.folder / IDENTITY, identity)

    @property
    def witness(self) -> Path:
        """Outside the data folder: neither put back with it nor copied."""
        return self.folder.with_name(f"{self.label}-witness")

    def begin(self) -> None:
        world = self.world
        self.store = ApplianceStore(
            self.database,
            STORE_KEY,
            node=self.node,
            role=self.role,
            clock=self.clock,
            entropy=self.entropy(),
            point=self.point,
            suite=suite1,
        )
        names = (MQTT, HTTPS) if self.n % 3 else (HTTPS, MQTT)
        self.carriers = {name: SimCarrier(self, name) for name in names}
        self._paused_until_s = 0.0
        self._tick_at_s = float("inf")
        self._commit_told = False
        self._wanted = self._fetching = False
        self._again_s = AGAIN_S_MIN
        try:
            self.store.start_incarnation(SOFTWARE)
            self._begin_leases()
        except Unavailable:
            self.die(5.0)
            return
        if world.hits["hub-rolled-back"]:
            world.greet_after_s = (
                world.now_s
            )  # what a start names of its past, the hub asks for at the greeting after it
        world.ledger.read_log(self.label, self.node, self.store._conn)
        self.book = TrustBook(self.own_keys, self.trust_path.read_bytes(), self._save_trust)
        self.rekeying = Rekeying(self.store, self.book, self.files)
        letters = Letters(self.store, self.book, SOFTWARE)
        self.session = Session(Config(self.store.incarnation, names, world.dice(f"jitter {self.label}").random))
        gauge = Gauge(world.now_s, None)
        self.pictures = Pictures(self) if BLOBS in world.plan.faults else None
        self.performer = Performer(
            self.store, self.book, letters, self.carriers, gauge, self, b"", lambda raw: None,
            self.leases if world.leasing else None, self._signed, self.rekeying,
        )  # fmt: skip
        self.letters = letters
        self.pump = Pump(self.store, self.book, letters, self.session, self.performer, gauge, reset_feeds=lambda: None)
        self.rounds = Rounds(self.store, _Asks(self), self.book)
        self.store.listen(self._committed)
        if is_kept(world.plan):
            self.after(TIDY_EVERY_S, "tidies", self._tidy)
        self.after(0.0, "begins", partial(self._line, self.pump.begin))

    def _begin_leases(self) -> None:
        self._asks_told = False
        if self.world.leasing:
            witness = Witness(self.witness, self.node, self.point)
            self.leases = Leases(self.store, witness, sealing=self.sealing)
            self.leases.on_ask(self._asks)
            if "numbers" in self.world.plan.faults:
                self.leases.want_numbers(TICKETS, BLOCK)
            self.after(LOOK_EVERY_S, "looks at leases", self._look)

    def _asks(self) -> None:
        if not self._asks_told:
            self._asks_told = True
            self.hear("asks")

    def _look(self) -> None:
        self._line(self.leases.look)
        self.after(LOOK_EVERY_S, "looks at leases", self._look)

    def _signed(self, blobs: Sequence[tuple[bytes, bool]]) -> None:
        if self.pictures is not None:
            self.pictures.sender.signed(blobs)

    def _tidy(self) -> None:
        """What the fetcher's thread does once an hour."""
        try:
            if prune(self.store):
                self.world.hit("facts dropped")
        except Unavailable:
            self.world.tell(f"{self.label} does not tidy")
        self.after(TIDY_EVERY_S, "tidies", self._tidy)

    def let_go(self) -> None:
        for carrier in self.carriers.values():
            carrier.close()
        self.store.close()

    def _save_trust(self, raw: bytes) -> None:
        self.point("trust.save:before")
        self.trust_path.write_bytes(raw)
        self.point("trust.save:after")

    # The link's thread

    def hear(self, what: str, carrier: str = "", raw: bytes = b"") -> None:
        """Something for the link's thread."""
        self.after(0.0003, f"hears {what}", partial(self._hears, what, carrier, raw))

    def _hears(self, what: str, carrier: str, raw: bytes) -> None:
        if self._paused_until_s > self.world.now_s:
            self.after(
                self._paused_until_s - self.world.now_s, f"hears {what}", partial(self._hears, what, carrier, raw)
            )
            return
        if what == "commit":
            self._commit_told = False
        elif what == "asks":
            self._asks_told = False
        self._line(partial(self.pump.take, what, carrier, raw))

    def _line(self, act: Callable[[], None]) -> None:
        """As the runner does: a disk that does not take it is waited for, and what is left of the event is left."""
        try:
            act()
        except Unavailable:
            self._paused_until_s = self.world.now_s + PAUSE_S
        self._arm()

    def _arm(self) -> None:
        """One tick is due at a time; an earlier one takes the place of a later."""
        at_s = self.session.wakes_at_s
        if at_s >= self._tick_at_s:
            return
        self._tick_at_s = at_s
        self.after(max(0.0, at_s - self.world.now_s), "tick", partial(self._tick, at_s))

    def _tick(self, at_s: float) -> None:
        if at_s == self._tick_at_s:
            self._tick_at_s = float("inf")
            self._hears("tick", "", b"")

    def _committed(self, _changes: Sequence[Change]) -> None:
        if not self._commit_told:
            self._commit_told = True
            self.hear("commit")

    # The fetcher's thread

    def want(self) -> None:
        """Take a round soon."""
        self._wanted = True
        if not self._fetching:
            self.after(0.001, "fetches", self._fetch)

    @property
    def fetches(self) -> bool:
        """A round is under way, or wanted."""
        return self._fetching or self._wanted

    def _fetch(self) -> None:
        if self._fetching or not self._wanted:
            return
        self._fetching, self._wanted = True, False
        mine = self.starts
        again_in_s: float | None = None
        try:
            done = self.rounds.run()
            self._again_s = AGAIN_S_MIN
            self.world.tell(f"{self.label} round {done.entries} {len(done.begun)} {len(done.repaired)} {done.applied}")
            for _ in done.begun:
                self.world.hit("begun by snapshot")
            for _ in done.repaired:
                self.world.hit("repaired")
            if not done.applied:
                self.hear("hello")
        except (Unavailable, PeerFault) as fault:
            self._still(mine)
            self.world.tell(f"{self.label} round ends: {fault.code}")
            again_in_s = self._again_s
            self._again_s = min(AGAIN_S_MAX, 2 * self._again_s)
            self._wanted = True
        finally:
            if self.starts == mine:
                self._fetching = False
        if self._wanted:
            self.after(again_in_s if again_in_s is not None else 0.001, "fetches", self._fetch)

    def wait(self, delay_s: float) -> None:
        """The fetching thread waits; ends here when the process died meanwhile."""
        mine = self.starts
        self.world.wait(delay_s)
        self._still(mine)

    def _still(self, start: int) -> None:
        """What runs now may belong to a process that is no more."""
        if not self.alive or self.starts != start:
            raise Died(self, start)

    # People

    def act(self, write: Callable[[Unit], None]) -> bool:
        """Somebody does something; told as done (True) once the store says so."""

        def do() -> bool:
            known = self.store.high
            try:
                with self.store.write(actor="u-luo", device="gun-1") as unit:
                    write(unit)
            except Unavailable:
                self.world.hit("refused to a person")
                return False
            for change in unit.changes:
                if change.fid is not None and change.source == "own":
                    self.world.ledger.told.add(FactId(*change.fid))
            if unit.changes and self.store.high <= known:
                self.world.fallen.append(f"{self.label} stamps no later than before")
            self.world.ledger.read_log(self.label, self.node, self.store._conn)
            return True

        return bool(self.living(do))

    def look_at_disk(self, *, put_back: bool = False) -> None:
        """Read the log of a dead process into the ledger."""
        assert not self.alive
        if not self.database.exists():
            return
        conn = connect(self.database, STORE_KEY, writes=True)
        try:
            note = self.world.ledger.disk_put_back if put_back else self.world.ledger.read_log
            note(self.label, self.node, conn)
        finally:
            conn.close()


class _Asks:
    """A box's questions to the hub's feeds."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def heads(self) -> bytes:
        box = self._box
        return box.world.wire.ask(box, lambda: box.world.hub.heads(box.node))

    def segment(self, label: str, epoch: int, first: int) -> bytes:
        box = self._box
        return box.world.wire.ask(box, lambda: box.world.hub.segment(box.node, label, epoch, first))

    def manifest(self, label: str) -> bytes:
        box = self._box
        return box.world.wire.ask(box, lambda: box.world.hub.manifest(box.node, label))

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]:
        """The line may be cut between any two segments of one answer."""
        box = self._box
        for raw in box.world.wire.ask(box, lambda: box.world.hub.snapshot(box.node, label, epoch, sseq, k)):
            if box.world.chance("loss", f"{box.label} snapshot"):
                raise Unavailable("line.lost", 2.0)
            yield raw

    def own_history(self, incarnation: int, lane: int, first: int) -> bytes:
        box = self._box
        return box.world.wire.ask(box, lambda: box.world.hub.own_history(box.node, incarnation, lane, first))

    def repair(self, label: str, asked: bytes) -> list[bytes]:
        box = self._box
        return box.world.wire.ask(box, lambda: box.world.hub.repair(box.node, label, asked))


def random_drift(world: Site, n: int) -> int:
    """Parts per million of this box's wall clock; part of the weather."""
    return int(world.plan.rates.get("drift", 0.0)) * (1 if n % 2 else -1)
