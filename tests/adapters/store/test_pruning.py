"""What a box drops of its own log: never before 14 days by the hub's time, never what two backups do not hold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import down, integrity, landing, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.outbox import Mark
from sync.adapters.sqlite_log.pruning import prune
from sync.domain.tracking import facts
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1

KEY, NODE = bytes(range(32)), "courier-aaaaaaaa"
DAY_MS = 24 * 3600 * 1000
NOON = 1_795_147_200_000
ROOT = Path(__file__).parents[3]


def open_store(folder: Path, seed: int) -> ApplianceStore:
    store = ApplianceStore(
        folder / "node.db", KEY, node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(seed)
    )
    store.start_incarnation("test")
    return store


def scan(store: ApplianceStore, keys: Sequence[str]) -> None:
    """A courier's work on stays of no held scope: only this box's own facts make what it shows of them."""
    with store.write(actor="u-luo") as unit:
        for n, key in enumerate(keys):
            unit.append(
                facts.collected(
                    key, round_key=f"{NODE}.00000001", ward="W01", verdict="good", how="gun",
                    read_no=key.split("-")[0], at_ms=1000 + n, list_as_of_ms=0,
                )
            )  # fmt: skip


def sign(store: ApplianceStore, hub_ms: int, *, safe: int = 0, incarnation: int | None = None) -> None:
    """The hub signs for everything of one start; `safe` for each of its lanes, no further than it goes."""
    with store.read() as conn:
        rows = conn.execute(
            "SELECT incarnation, lane, last, head FROM stream WHERE incarnation = ?",
            (incarnation or store.incarnation,),
        ).fetchall()
    marks = [Mark(r[0], r[1], r[2], r[3], 0, (), min(safe, r[2])) for r in rows]
    outcomes = outbox.apply_marks(store, marks, hub_ms, b"raw", welcome=False)
    assert [each.trouble for each in outcomes] == [None] * len(marks)


def rows(store: ApplianceStore, lane: int = 1) -> list[int]:
    with store.read() as conn:
        return [
            row[0]
            for row in conn.execute(
                "SELECT l.seq FROM log l JOIN stream s ON s.id = l.stream WHERE s.lane = ? ORDER BY l.stream, l.seq",
                (lane,),
            )
        ]


def shown(store: ApplianceStore) -> list[tuple[object, ...]]:
    with store.read() as conn:
        return [tuple(r) for r in conn.execute("SELECT etype, key, rev, state FROM entity ORDER BY etype, key")]


KEYS = tuple(f"0073{n:04d}-1" for n in range(20))


@pytest.mark.row("H35.17")
@pytest.mark.parametrize(
    ("days", "safe", "left"),
    [
        (13, 99, 21),  # safe, not old enough
        (15, 0, 21),  # old enough, in no two backups
        (15, 12, 10),  # the anchor at 12 stays, and what is above
        (15, 99, 1),
    ],
)
def test_both_conditions_must_hold(tmp_path: Path, days: int, safe: int, left: int) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS)
    before = shown(store)
    sign(store, NOON, safe=safe)
    store.heard_hub_time(NOON + days * DAY_MS)
    prune(store)
    assert len(rows(store)) == left
    assert shown(store) == before
    assert prune(store) == 0, "there is nothing to do twice"
    store.close()


def test_age_is_the_hubs_time_and_counts_from_the_signature(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS[:5])
    sign(store, NOON)
    scan(store, KEYS[5:9])
    sign(store, NOON + 10 * DAY_MS, safe=99)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    prune(store)
    assert rows(store) == [6, 7, 8, 9, 10], "what was signed for ten days later stays ten days longer"
    store.close()


def test_what_people_see_survives_dropping_restart_and_later_facts(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS)
    sign(store, NOON, safe=99)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    before = shown(store)
    assert prune(store) == 20, "the last one is the anchor"
    scan(store, KEYS[:3])
    store.close()
    again = open_store(tmp_path, 2)
    stay = again.state(facts.STAY, KEYS[0])
    assert stay is not None and len(stay.collections) == 2
    with again.write() as unit:
        for key in KEYS:
            landing.show(again, unit, facts.STAY, key, None)
    assert [row for row in shown(again) if row[1] not in KEYS[:3]] == [r for r in before if r[1] not in KEYS[:3]]
    stay = again.state(facts.STAY, KEYS[0])
    assert stay is not None and len(stay.collections) == 2, "folding again counts nothing twice"
    again.close()


def test_leaving_a_scope_and_comparing_sets_leave_what_is_this_boxs_own_alone(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    down.set_scopes(store, 1, ("site", "ward:W01"))
    scan(store, ["0100-1", "0200-1"])
    sign(store, NOON, safe=99)
    sign(store, NOON + 15 * DAY_MS, safe=99)
    assert prune(store) == 2
    before = shown(store)
    down.set_scopes(store, 2, ("site",))
    down.note_checked(store, 1)
    assert shown(store) == before != []
    store.close()


def test_a_withheld_fact_and_all_behind_it_stay(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS[:8])
    stream = next(s for s in outbox.own_streams(store) if s.lane == 1)
    outbox.withhold(store, stream.stream, 5, suite1.hash(b"x"))
    with store.read() as conn:
        fact = conn.execute("SELECT value FROM meta WHERE name LIKE 'withheld.%'").fetchone()[0]
    with store.write() as unit:  # as `withhold` is called: with the digest of the bytes
        unit.conn.execute("UPDATE log SET fact = ? WHERE status = 2", (suite1.hash(fact),))
    sign(store, NOON, safe=99)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    prune(store)
    assert rows(store) == [4, 5, 6, 7, 8, 9]
    store.close()


def test_the_rest_is_sent_compared_checked_and_told_as_before(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS)
    sign(store, NOON, safe=99)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    prune(store)
    scan(store, KEYS[:2])
    own = next(s for s in outbox.own_streams(store) if s.lane == 1)
    assert (own.oldest_kept, own.acked, own.last) == (21, 21, 23)
    cut = outbox.cut(store, own, 22, facts_max=9, bytes_max=9999)
    assert cut is not None and cut.prev_hash == own.acked_h and len(cut.items) == 2
    assert outbox.cut(store, own, 5, facts_max=9, bytes_max=9999) is None
    sign(store, NOON + 16 * DAY_MS)
    with store.read() as conn:
        assert outbox.ledger(conn) == (24, 24)
    store.close()
    assert integrity.examine(tmp_path / "node.db", KEY, NODE, hasher=suite1.hasher) == (None, None)
    (tmp_path / "key").write_bytes(KEY)
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "provisioning/verifier/waystation_verify.py"), "--json",
         "--node", f"{tmp_path / 'node.db'}:{tmp_path / 'key'}"],
        capture_output=True, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["nodes"][0]["faults"] == [], told
    assert told["nodes"][0]["dropped"] == 20


def test_a_higher_epoch_forgets_ages_and_safety_but_not_the_anchor(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS)
    sign(store, NOON, safe=12)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    prune(store)
    down.raise_epoch(store, 2)
    own = next(s for s in outbox.own_streams(store) if s.lane == 1)
    assert (own.acked, own.oldest_kept) == (12, 12) and own.acked_h != bytes(32)
    sign(store, NOON + 15 * DAY_MS, safe=0)
    store.heard_hub_time(NOON + 40 * DAY_MS)
    prune(store)
    assert rows(store)[0] == 12, "safe is told anew in every epoch"
    sign(store, NOON + 40 * DAY_MS, safe=99)
    prune(store)
    assert rows(store) == [21], "signed for in this epoch 25 days ago, and safe now"
    store.close()


def test_an_ended_stream_asks_until_it_is_safe(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    scan(store, KEYS)
    first = store.incarnation
    sign(store, NOON)
    store.close()
    again = open_store(tmp_path, 2)
    sign(again, NOON)
    assert outbox.ended_unsafe(again, 9) == [], "too young to ask"
    again.heard_hub_time(NOON + 15 * DAY_MS)
    assert {(s.incarnation, s.lane) for s in outbox.ended_unsafe(again, 9)} == {(first, 0), (first, 1)}
    assert len(outbox.ended_unsafe(again, 1)) == 1
    sign(again, NOON + 15 * DAY_MS, safe=99, incarnation=first)
    assert outbox.ended_unsafe(again, 9) == []
    prune(again)
    assert rows(again) == [21]
    again.close()


def test_a_fact_waiting_in_another_lane_holds_back_what_sorts_after_it(tmp_path: Path) -> None:
    store = open_store(tmp_path, 1)
    with store.write() as unit:
        unit.append(
            NewFact(facts.COLLECTED, facts.STAY, KEYS[0], _collected(KEYS[0]).body), lane=2
        )  # an older fact of this stay, still on its way
    scan(store, KEYS[:2])
    with store.read() as conn:
        head = conn.execute("SELECT incarnation, lane, last, head FROM stream WHERE lane = 1").fetchone()
    outbox.apply_marks(store, [Mark(head[0], 1, head[2], head[3], 0, (), 99)], NOON, b"raw", welcome=False)
    store.heard_hub_time(NOON + 15 * DAY_MS)
    prune(store)
    assert rows(store) == [1, 2, 3]
    store.close()


def _collected(key: str) -> NewFact:
    return facts.collected(
        key, round_key=f"{NODE}.00000001", ward="W01", verdict="good", how="gun", read_no=key.split("-")[0],
        at_ms=999, list_as_of_ms=0,
    )  # fmt: skip
