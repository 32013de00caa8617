"""The hub's custody and digest, and a mirror that follows its feeds: real files, no wire between."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import digest, down, hub_gone, hub_inbound, hub_lineage, outbox
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, set_node_scopes
from sync.adapters.sqlite_log.node_store import set_meta
from sync.catalog import ENTITY_TYPES
from sync.domain.tracking import facts
from sync.kernel.canonical import encode
from sync.kernel.fact import NewFact
from sync.kernel.ids import StreamId
from sync.protocol import feed
from tests.adapters.store.sites import HUB, SCOPES, Site, arrival, discharge, scan


def test_a_new_subscriber_starts_by_repair_and_follows(site: Site) -> None:
    for n in range(30):
        discharge(site, f"0073{n:04d}-1")
    site.digest()
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    site.mirror_is_true(box)
    scan(box, "00730001-1")
    discharge(site, "00739999-1")
    site.up(box)
    site.digest()
    site.round(box)
    site.mirror_is_true(box)
    stay = box.state(facts.STAY, "00730001-1")
    assert stay.state == "collected" and len(stay.collections) == 1, "the echo is the same act"
    with box.read() as conn:
        assert conn.execute("SELECT count(*) FROM pending").fetchone()[0] == 0


@pytest.mark.row("F14.1")
def test_two_couriers_and_a_late_one_agree_with_the_hub(site: Site) -> None:
    for n in range(6):
        discharge(site, f"0073{n:04d}-1")
    site.digest()
    early, late = site.box("courier-aaaaaaaa", 1), site.box("courier-bbbbbbbb", 2)
    for box in (early, late):
        site.round(box)
    scan(late, "00730001-1")
    scan(early, "00730001-1")
    site.up(early)
    site.digest()
    site.round(early)
    site.up(late)
    site.digest()
    for box in (early, late):
        site.round(box)
        site.mirror_is_true(box)
    stay = site.hub.state(facts.STAY, "00730001-1")
    assert [a.code for a in stay.anomalies] == ["collected.twice"]


def test_leaving_a_scope_evicts_what_it_brought(site: Site) -> None:
    discharge(site, "00730001-1", "W01")
    site.digest()
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    assert box.state(11, "00730001-1") is not None
    down.set_scopes(box, 2, ("site:stays",))
    assert box.state(11, "00730001-1") is None and box.state(10, "00730001-1") is not None


def test_a_copy_whose_membership_was_damaged_goes_when_the_sets_are_compared(site: Site) -> None:
    """If the hub lists it no more, no comparison finds it; if it does, the comparison brings it again."""
    discharge(site, "00730001-1", "W01")
    site.digest()
    box = site.box("courier-aaaaaaaa", 1, ("site:stays", "ward:W01"))
    site.round(box)
    with box.write() as unit:
        unit.conn.execute("DELETE FROM member WHERE etype = 11")
    assert box.state(11, "00730001-1") is not None
    down.note_checked(box, 1)
    assert box.state(11, "00730001-1") is None and box.state(10, "00730001-1") is not None
    site.repair(box, "ward:W01")
    assert box.state(11, "00730001-1") is not None


def test_a_scope_set_after_a_restore_never_bears_the_number_of_one_that_was_forgotten(site: Site) -> None:
    """Hub and box compare numbers alone: two sets under one number would never be told apart."""
    site.box("courier-aaaaaaaa", 1)
    given = []
    for _ in range(8):
        with pytest.raises(RuntimeError), site.hub.write(step="hello.note") as unit:
            given.append(set_node_scopes(unit, "courier-aaaaaaaa", ["site"], site.hub.entropy))
            raise RuntimeError("as if it had never been")
    assert len(set(given)) == 8 and min(given) > 1


def test_an_entity_that_moves_between_wards_leaves_the_one_it_was_in(site: Site) -> None:
    discharge(site, "00730001-1", "W01")
    site.digest()
    box = site.box("courier-aaaaaaaa", 1, ("site:stays", "ward:W01"))
    site.round(box)
    with site.hub.write() as unit:
        unit.append(
            NewFact(
                60, 11, "00730001-1", {1: "仇建国", 2: "M", 3: "W02", 4: "2026-11-17", 5: "00730001", 6: "1", 7: "QJG"}
            )
        )
    site.digest()
    site.round(box)
    assert box.state(11, "00730001-1") is None


def test_what_is_gone_is_deleted_and_stays_refused_until_then(site: Site) -> None:
    """As the entry of a newer hub, or of one that forgets for a while only."""
    discharge(site, "00730001-1")
    site.digest()
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    at = {c.label: c for c in down.cursors(box)}["ward:W01"]
    gone = feed.GoneEntry(11, "00730001-1", 1000 << 16)
    down.apply_round(box, [down.Tail("ward:W01", 1, at.sseq + 1, at.e, [gone])], 5)
    assert box.state(11, "00730001-1") is None
    with site.hub.read() as conn:
        raw = conn.execute("SELECT entry FROM feed_entry WHERE label = 'ward:W01' AND sseq = 1").fetchone()[0]
    back = feed.decode_entry(raw)
    down.apply_round(box, [down.Tail("ward:W01", 1, at.sseq + 2, at.e, [back])], 999)
    assert box.state(11, "00730001-1") is None, "refused until then"
    down.apply_round(box, [down.Tail("ward:W01", 1, at.sseq + 3, at.e, [back])], 1001)
    assert box.state(11, "00730001-1") is not None, "taken afterwards"


@pytest.mark.row("F14.5")
def test_what_the_hub_forgets_leaves_every_copy_and_what_comes_for_it_is_set_aside(site: Site) -> None:
    kept, forgotten = "00730002-1", "00730001-1"
    for key in (kept, forgotten):
        discharge(site, key)
    site.digest()
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    scan(box, forgotten)  # written before the box hears of it
    until = site.hub.high + (86_400_000 << 16)
    labels = hub_gone.forget(site.hub, site.feeds, facts.STAY, forgotten, until)
    assert labels == {"site:stays"}
    assert hub_gone.forget(site.hub, site.feeds, facts.STAY, forgotten, until - 1) == frozenset(), "once is enough"
    site.up(box)
    site.digest()
    with site.hub.read() as conn:
        assert [row[0] for row in conn.execute("SELECT code FROM quarantine")] == [hub_gone.REFUSED]
        assert conn.execute("SELECT until FROM gone").fetchone()[0] == until
    assert site.hub.state(facts.STAY, forgotten) is None
    site.round(box)
    site.up(box)  # the acknowledgement says what was set aside
    assert box.state(facts.STAY, forgotten) is None
    assert box.state(facts.STAY, kept) is not None
    site.mirror_is_true(box)
    scan(box, kept)
    site.up(box)
    site.digest()
    site.round(box)
    site.mirror_is_true(box)


def test_a_bad_fact_is_quarantined_alone(site: Site) -> None:
    box = site.box("courier-aaaaaaaa", 1)
    scan(box, "00730001-1")
    box.role = "hub"
    with box.write() as unit:
        unit.append(facts.sealed("00730001-1", "not mine to say"))
    box.role = "courier"
    scan(box, "00730002-1")
    site.up(box)
    site.digest()
    with site.hub.read() as conn:
        assert [r[0] for r in conn.execute("SELECT code FROM quarantine")] == ["fact.role"]
    assert site.hub.state(facts.STAY, "00730002-1").state == "collected"
    assert not site.hub.state(facts.STAY, "00730001-1").sealed
    site.up(box)
    assert not box.state(facts.STAY, "00730001-1").sealed, "told of it, the box leaves it out too"


def test_the_same_seq_with_another_hash_freezes_the_stream(site: Site) -> None:
    box = site.box("courier-aaaaaaaa", 1)
    scan(box, "00730001-1")
    live = next(s for s in outbox.own_streams(box) if s.lane == 1)
    cut = outbox.cut(box, live, 1, facts_max=10, bytes_max=10_000)
    assert cut is not None
    assert hub_inbound.accept(site.hub, arrival(cut))[0].verdict == "appended"
    other = outbox.Cut(
        StreamId(*cut.stream), 1, cut.prev_hash, (cut.items[0], cut.items[1] + b""), frozenset(), b"", False
    )
    assert hub_inbound.accept(site.hub, arrival(other))[0].verdict == "duplicate"
    forged = outbox.Cut(StreamId(*cut.stream), 1, cut.prev_hash, (cut.items[0], cut.items[0]), frozenset(), b"", False)
    assert hub_inbound.accept(site.hub, arrival(forged))[0].verdict == "equivocation"
    assert hub_inbound.accept(site.hub, arrival(cut))[0].verdict == "frozen"
    with site.hub.read() as conn:
        assert conn.execute("SELECT count(*) FROM evidence").fetchone()[0] == 2
        assert hub_inbound.marks(conn, box.node, [(live.incarnation, 1)])[0].state == 1


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.row("F14.1")
def test_any_order_of_work_ends_in_equal_mirrors(site: Site, seed: int) -> None:
    """Scans, discharges, moves, uploads and rounds in a seeded order; then calm, and everybody agrees."""
    rng = random.Random(seed)
    boxes = [site.box(f"courier-{c * 8}", i) for i, c in enumerate("abc")]
    keys = [f"0073{n:04d}-1" for n in range(12)]
    for _ in range(150):
        box = rng.choice(boxes)
        match rng.randrange(7):
            case 0:
                discharge(site, rng.choice(keys), rng.choice(("W01", "W02")))
            case 1 | 2:
                scan(box, rng.choice(keys))
            case 3:
                site.up(box, facts_max=rng.choice((1, 3, 500)))
            case 4:
                digest.digest_some(site.hub, site.feeds, limit=rng.choice((1, 5, 50)))
            case 5:
                site.round(box)
            case 6:
                down.set_scopes(
                    box,
                    box.meta_int("scope_version") + 1,
                    [s for s in SCOPES if s == "site:stays" or rng.random() < 0.8],
                )
    for box in boxes:
        site.up(box)
        down.set_scopes(box, box.meta_int("scope_version") + 1, SCOPES)
    site.digest()
    for box in boxes:
        site.round(box)
        site.mirror_is_true(box)
    with site.hub.read() as conn:
        for etype, key, state in conn.execute("SELECT etype, key, state FROM entity").fetchall():
            if ENTITY_TYPES[etype].law != "append_log":
                assert encode(ENTITY_TYPES[etype].dump(digest.refold(conn, etype, key))) == state
        for label in SCOPES:
            head = site.feeds.heads(conn, [label])[0]
            assert site.feeds.values(conn, label, head.sseq) == site.feeds._values_from(conn, label)


def test_a_cursor_of_the_first_release_becomes_the_queue(tmp_path: Path, database: Database) -> None:
    """A hub that stopped in the middle of a run goes on with the next fact of that run, and does none twice."""

    def opened(seed: int) -> HubStore:
        store = HubStore(
            tmp_path,
            bytes(32),
            node=HUB,
            role="hub",
            clock=SystemClock(),
            entropy=SeededEntropy(seed),
            database=database,
        )
        store.start_incarnation("test")
        return store

    before = opened(1)
    for n in range(4):
        discharge(Site(before, Feeds(before), tmp_path, {}, database), f"0073{n:04d}-1")
    digest.digest_some(before, Feeds(before), limit=5)
    with before.write() as unit:
        pos, first = unit.conn.execute("SELECT pos, first FROM undigested ORDER BY pos LIMIT 1").fetchone()
        set_meta(unit.conn, "digest_pos", pos)
        set_meta(unit.conn, "digest_seq", first - 1)
        unit.conn.execute("DELETE FROM undigested")
    before.close()
    as_layout_1(database)
    after = opened(2)
    feeds = Feeds(after)
    while digest.digest_some(after, feeds).behind:
        pass
    with after.read() as conn:
        facts_of, distinct = conn.execute(
            "SELECT count(*), count(DISTINCT stream * 1000 + seq) FROM entity_fact"
        ).fetchone()
        assert conn.execute("SELECT count(*) FROM entity WHERE etype = ?", (facts.STAY,)).fetchone()[0] == 4
    assert facts_of == distinct == 12
    assert hub_inbound.undigested(after) == 0
    after.close()


def as_layout_1(database: Database) -> None:
    """Note the number of the first layout on tables that a later one made."""
    conn = database.writer()
    if isinstance(database, SqlcipherFile):
        conn.execute("PRAGMA user_version = 1")
    else:
        conn.execute("UPDATE postgres_schema SET version = 1")
    conn.close()


def test_a_start_that_names_more_than_the_hub_has_is_noticed(site: Site) -> None:
    """The box holds the stream for complete and tells nothing of it: only its next opening says how far it went."""
    box = site.box("courier-aaaaaaaa", 1)
    scan(box, "00730001-1")
    before = box.incarnation
    site.up(box)
    box.close()
    again = site.box("courier-aaaaaaaa", 2)
    site.up(again)
    site.digest()
    named = [(again.incarnation, 0)]
    with site.hub.read() as conn:
        assert not hub_lineage.lacks_past(conn, again.node, named)
    with site.hub.write() as unit:
        unit.conn.execute("UPDATE stream SET last = 1 WHERE incarnation = ? AND lane = 1", (before,))
    with site.hub.read() as conn:
        assert hub_lineage.lacks_past(conn, again.node, named)
        assert not hub_lineage.lacks_past(conn, again.node, [*named, (before, 1)]), "what it asks for comes anyway"
