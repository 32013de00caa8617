"""Processes that die around steps no simulated site takes in its weather: before the commit nothing is, after it all.

The next process does it again, and it ends as if nothing had happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.link.blob_desk import BlobDesk
from hub.link.refill import Refill
from hub.link.refill import begin as begin_refill
from hub.link.voice import HubKeys, Voice
from provisioning.simulator.points import ELSEWHERE
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import down, mirrors, outbox, pruning, repair, thawing
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.digest import digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_snapshots import forget_old
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.sqlite_log.outbox import Mark
from sync.adapters.sqlite_log.salvage import LogRow, Salvage, SavedStream, Standing
from sync.domain.fleet import facts as fleet
from sync.kernel.chain import Chain
from sync.kernel.suite import suite1
from sync.protocol.notices import DISCARD, THAW, Order
from sync.protocol.room import Harm, Holding

BOX, HUB = "courier-aaaaaaaa", "hub-aaaaaaaa"
NOON_MS, DAY_MS = 1_795_147_200_000, 24 * 3600 * 1000
SEALED = b"\x5a" * 100
ZERO = bytes(32)
OTHER = (7, 0)
"""An earlier incarnation's lane."""


class Killed(BaseException):
    """The process is gone."""


def hash32(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


BLOB = hash32(hash32(SEALED))
MACHINE = NodeRow(BOX, "courier", BOX, ZERO, ZERO, bytes(8), "known", 1, ("site",), 0, 0, None, None)


def rows(store: Any, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with store.read() as conn:
        return [tuple(row) for row in conn.execute(sql, values).fetchall()]


def run(store: Any, sql: str, *values: Any) -> None:
    with store.write() as unit:
        unit.conn.execute(sql, values)


def note(store: ApplianceStore, times: int = 1) -> None:
    for n in range(times):
        with store.write() as unit:
            unit.append(fleet.noted(store.node, "list.exported", detail=str(n)))


def kept_blobs(store: ApplianceStore) -> KeptBlobs:
    return KeptBlobs(store, FolderStore(store.path.parent / "blobs", hash32), hash32)


def desk(store: HubStore) -> BlobDesk:
    voice = Voice(store, HubKeys(b"s" * 32, b"e" * 32, suite1), lambda: None)
    return BlobDesk(store, voice, FolderStore(store.path.parent / "blobs", hash32), hash32)


def queued(store: ApplianceStore) -> None:
    run(store, "INSERT INTO blob_out (id, bytes, turn) VALUES (?, ?, 0)", BLOB, len(SEALED))


def awaiting(store: ApplianceStore) -> None:
    queued(store)
    kept_blobs(store).accepted(BLOB)


def asked(store: HubStore) -> None:
    desk(store).want(MACHINE, BLOB, len(SEALED))
    desk(store).put(BLOB, 0, SEALED, hash32(SEALED))


def signed(store: ApplianceStore) -> None:
    note(store, 5)
    found = rows(store, "SELECT incarnation, lane, last, head FROM stream ORDER BY id")
    outbox.apply_marks(store, [Mark(*row, 0, (), row[2]) for row in found], NOON_MS, b"raw", welcome=False)


def lists_held(store: ApplianceStore) -> None:
    down.set_scopes(store, 1, ["ward:W01"])


def list_let_go(store: ApplianceStore) -> None:
    mirrors.let_go(store, Holding("ward:W01", 1, Harm.A_LIST))


def list_away(store: ApplianceStore) -> None:
    lists_held(store)
    list_let_go(store)


def blob_held(store: ApplianceStore) -> None:
    queued(store)
    kept_blobs(store).signed([(BLOB, False)])


def prune(store: ApplianceStore) -> None:
    store.heard_hub_time(NOON_MS + 15 * DAY_MS)
    pruning.prune(store)


def earlier(store: ApplianceStore) -> Salvage:
    """What a damaged disk still proved: one fact of an earlier start."""
    raw = rows(store, "SELECT fact FROM log ORDER BY stream, seq LIMIT 1")[0][0]
    h = Chain(suite1.hasher, BOX, *OTHER).link(1, ZERO, suite1.hash(raw))
    return Salvage([SavedStream(99, Standing(*OTHER, last=1), 1, [LogRow(h, 0, raw)], {}, 0)])


def saved(store: ApplianceStore) -> None:
    repair.put_back(store, earlier(store), repair.Repair("page", NOON_MS, "", 1, 0, 0))


def untold(store: ApplianceStore) -> None:
    saved(store)


def told(store: ApplianceStore) -> None:
    if store.incarnation:
        store.incarnation = 0
        store._heads.clear()
    repair.begin(store, "test")


def frozen(store: ApplianceStore) -> None:
    saved(store)
    run(store, "UPDATE stream SET state = 1 WHERE incarnation = ?", OTHER[0])


def thaw(store: ApplianceStore) -> None:
    thawing.obey(store, Order(1, THAW, OTHER, choice=DISCARD))


def folded_otherwise(store: HubStore) -> None:
    """Another release did, and a fact waits that this one is to fold."""
    for n in (1, 2):
        with store.write() as unit:
            unit.append(fleet.enrolled(f"courier-0000000{n}", "courier", "Courier", ZERO, ["W01"]))
        if n == 1:
            digest_some(store, Feeds(store))
    run(store, "UPDATE entity SET fold_version = 99")
    store.reread_turn = 0  # as in the process that follows


def old_feed(store: HubStore) -> None:
    for sseq in (1, 2, 3):
        run(store, "INSERT INTO feed_entry (label, sseq, epoch, e, entry) VALUES ('site', ?, 1, ?, ?)", sseq, ZERO, b"")
        run(
            store, "INSERT INTO snapshot (label, epoch, sseq, made_at, manifest) VALUES ('site', 1, ?, 0, ?)", sseq, b""
        )


def refilling(store: HubStore) -> None:
    with store.write() as unit:
        begin_refill(unit.conn, 2)


@dataclass(frozen=True)
class Step:
    """One durable step: what must be there, the act, and where it shows."""

    store: type[Any]
    prepare: Callable[[Any], object]
    act: Callable[[Any], object]
    shows: str


STEPS = {
    "fact.withhold": Step(
        ApplianceStore, note, lambda s: outbox.withhold(s, 1, 1, ZERO), "SELECT status FROM log WHERE stream = 1"
    ),
    "log.prune": Step(ApplianceStore, signed, prune, "SELECT count(*) FROM log WHERE stream = 1"),
    "mirror.drop": Step(ApplianceStore, lists_held, list_let_go, "SELECT label FROM let_go"),
    "mirror.return": Step(
        ApplianceStore, list_away, lambda s: mirrors.may_return(s, "ward:W01"), "SELECT label FROM let_go"
    ),
    "blob.drop": Step(ApplianceStore, blob_held, lambda s: kept_blobs(s).let_go(1), "SELECT state FROM blob_out"),
    "blob.mark": Step(
        ApplianceStore, queued, lambda s: kept_blobs(s).accepted(BLOB), "SELECT state FROM blob_out"
    ),
    "blob.start": Step(ApplianceStore, awaiting, lambda s: kept_blobs(s).ask_again(), "SELECT state FROM blob_out"),
    "salvage.put": Step(
        ApplianceStore, lambda s: None, saved, "SELECT incarnation, last FROM stream WHERE incarnation = 7"
    ),
    "repair.told": Step(
        ApplianceStore, untold, told, "SELECT value FROM meta WHERE name = 'repair_untold'"
    ),
    "stream.thaw": Step(ApplianceStore, frozen, thaw, "SELECT state, last FROM stream WHERE incarnation = 7"),
    "blob.ask": Step(HubStore, lambda s: None, lambda s: desk(s).want(MACHINE, BLOB, 100), "SELECT bytes FROM blob"),
    "blob.hold": Step(
        HubStore, asked, lambda s: desk(s).finish(MACHINE, BLOB), "SELECT held_at IS NULL FROM blob"
    ),
    "entities.reread": Step(
        HubStore, folded_otherwise, lambda s: digest_some(s, Feeds(s)), "SELECT DISTINCT fold_version FROM entity"
    ),
    "feed.forget": Step(
        HubStore, old_feed, lambda s: forget_old(s, "site", 31 * DAY_MS), "SELECT sseq FROM feed_entry ORDER BY sseq"
    ),
    "refill.end": Step(
        HubStore, refilling, lambda s: Refill(s).look(), "SELECT value FROM meta WHERE name = 'refill_epoch'"
    ),
}  # fmt: skip


def opened(folder: Path, step: Step, seed: int, point: Callable[[str], None] = lambda place: None) -> Any:
    folder.mkdir(exist_ok=True)
    hub = step.store is HubStore
    store = step.store(
        folder / "node.db", bytes(32), node=HUB if hub else BOX, role="hub" if hub else "courier",
        clock=SystemClock(), entropy=SeededEntropy(seed), point=point,
    )  # fmt: skip
    store.start_incarnation("test")
    return store


def test_every_point_that_no_simulated_site_passes_is_crashed_at_here() -> None:
    here = Path(__file__).relative_to(Path(__file__).parents[3]).as_posix()
    assert {step for step, where in ELSEWHERE.items() if where == here} <= STEPS.keys()


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("name", STEPS)
def test_a_death_at_a_step_leaves_all_of_it_or_nothing(tmp_path: Path, name: str, side: str) -> None:
    step, waits = STEPS[name], False

    def point(place: str) -> None:
        if waits and place == f"{name}:{side}":
            raise Killed

    untouched = opened(tmp_path / "clean", step, 1)
    step.prepare(untouched)
    at_first = rows(untouched, step.shows)
    step.act(untouched)
    at_last = rows(untouched, step.shows)
    assert at_last != at_first
    untouched.close()
    store = opened(tmp_path / "cut", step, 1, point)
    step.prepare(store)
    waits = True
    with pytest.raises(Killed):
        step.act(store)
    store.close()
    again = opened(tmp_path / "cut", step, 2)
    assert rows(again, step.shows) == (at_first if side == "before" else at_last)
    if side == "before":
        step.act(again)
        assert rows(again, step.shows) == at_last
    again.close()
