"""A hub's custody and digest, and boxes that follow its feeds: real stores, no wire between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import digest, down, hub_inbound, outbox, unread
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.adapters.sqlite_log.steps import Point, nothing
from sync.domain.tracking import facts
from sync.kernel.canonical import decode, encode
from sync.kernel.chain import Chain
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from sync.protocol import feed

HUB = "hub-aaaaaaaa"
SCOPES = ("site:stays", "ward:W01", "room:records", "site:people", "site")


@dataclass
class Site:
    hub: HubStore
    feeds: Feeds
    folder: Path
    boxes: dict[str, ApplianceStore]
    database: Database
    starts: int = 9

    def open(self, name: str, seed: int, point: Point = nothing) -> ApplianceStore:
        return ApplianceStore(
            self.folder / f"{name}.db",
            bytes(32),
            node=name,
            role=name.split("-")[0],
            clock=SystemClock(),
            entropy=SeededEntropy(seed),
            point=point,
        )

    def restart_hub(self) -> None:
        """The same tables under another process start."""
        self.hub.close()
        self.starts += 1
        self.hub = open_hub(self.folder, self.database, self.starts)
        self.feeds = Feeds(self.hub)

    def box(self, name: str, seed: int, scopes: Sequence[str] = SCOPES) -> ApplianceStore:
        role = name.split("-")[0]
        store = self.open(name, seed)
        store.start_incarnation("test")
        if self.hub.node_row(name) is None:
            with self.hub.write() as unit:
                add_node(
                    unit,
                    node=name,
                    role=role,
                    name=name,
                    signing_public=bytes(32),
                    sealing_public=bytes(32),
                    key_id=name.encode()[-8:],
                    scopes=scopes,
                    tls_serial=None,
                    now_ms=0,
                )
        down.set_scopes(store, 1, scopes)
        self.boxes[name] = store
        return store

    def digest(self) -> None:
        while digest.digest_some(self.hub, self.feeds, limit=7).behind:
            pass

    def up(self, store: ApplianceStore, *, facts_max: int = 500) -> None:
        """Everything a box has goes up and is signed for."""
        for stream in outbox.own_streams(store):
            first = stream.acked + 1
            while (cut := outbox.cut(store, stream, first, facts_max=facts_max, bytes_max=60_000)) is not None:
                taken, _ = hub_inbound.accept(self.hub, arrival(cut))
                assert taken.verdict in ("appended", "duplicate")
                first += len(cut.items)
            with self.hub.read() as conn:
                marks = hub_inbound.marks(conn, store.node, [(stream.incarnation, stream.lane)])
            told = [outbox.Mark(m.incarnation, m.lane, m.upto, m.h, m.state, m.rejects, 0) for m in marks]
            outbox.apply_marks(store, told, 1, b"ack", welcome=False)

    def round(self, store: ApplianceStore) -> None:
        """All heads from one snapshot, every tail up to them, one local transaction; then what needs repair."""
        cursors = {c.label: c for c in down.cursors(store)}
        with self.hub.read() as conn:
            heads = self.feeds.heads(conn, sorted(cursors))
        tails = []
        for head in heads:
            at = cursors[head.label]
            if at.to_repair and at.sseq == 0:
                continue
            entries, sseq = [], at.sseq
            while sseq < head.sseq:
                raw = self.feeds.tail(head.label, sseq + 1, lambda *part: encode(list(part[4])))
                assert raw is not None
                part = decode(raw, max_bytes=10_000_000)[: head.sseq - sseq]
                entries += [feed.decode_entry(e) for e in part]
                sseq += len(part)
            tails.append(down.Tail(head.label, 1, head.sseq, head.e, entries))
        asked = down.apply_round(store, tails, 1).ask
        for head in heads:
            at = cursors[head.label]
            mine = feed.root_of(suite1.hasher, down.bucket_values(store, head.label))
            if head.label in asked or mine != head.root or at.to_repair:
                self.repair(store, head.label)

    def repair(self, store: ApplianceStore, label: str) -> None:
        with self.hub.read() as conn:
            head = self.feeds.heads(conn, [label])[0]
            buckets = feed.differing(down.bucket_values(store, label), self.feeds.values(conn, label, head.sseq))
            members = self.feeds.members(conn, label, buckets)
        wanted = [(t, k) for t, k, x in members if down.held_x(store, t, k) != x]
        with store.read() as conn:
            wanted += [name for name in unread.outdated(conn, label) if name not in wanted]
        points = self.feeds.checkpoints(label, wanted)
        down.apply_repair(store, label, 1, head.sseq, head.e, members, buckets, points, 1)

    def mirror_is_true(self, store: ApplianceStore) -> None:
        """Byte for byte: what the box shows of its scopes is what the hub holds there."""
        with self.hub.read() as conn, store.read() as own:
            for label in SCOPES:
                want = conn.execute(
                    "SELECT e.etype, e.key, e.rev, e.d, e.x, e.state FROM feed_member m JOIN entity e "
                    "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ? ORDER BY 1, 2",
                    (label,),
                ).fetchall()
                have = own.execute(
                    "SELECT e.etype, e.key, e.rev, e.d, e.x, e.state FROM member m JOIN entity e "
                    "ON e.etype = m.etype AND e.key = m.key WHERE m.label = ? ORDER BY 1, 2",
                    (label,),
                ).fetchall()
                assert [tuple(r) for r in have] == [tuple(r) for r in want], label


def open_hub(folder: Path, database: Database, seed: int) -> HubStore:
    hub = HubStore(
        folder,
        bytes(32),
        node=HUB,
        role="hub",
        clock=SystemClock(),
        entropy=SeededEntropy(seed),
        database=database,
    )
    hub.start_incarnation("test")
    return hub


def arrival(cut: outbox.Cut) -> Arrival:
    links = Chain(suite1.hasher, *cut.stream)
    hashes = links.extend(cut.first, cut.prev_hash, [suite1.hash(item) for item in cut.items])
    return Arrival(cut.stream, cut.first, cut.prev_hash, cut.items, cut.withheld, hashes, b"h" * 224, encode(cut.first))


def discharge(site: Site, key: str, ward: str = "W01") -> None:
    number, stay = facts.split_stay_key(key)
    with site.hub.write() as unit:
        unit.append(facts.opened(key, ward=ward, admitted_on=None, event_at_ms=1, control="a"))
        unit.append(facts.discharged(key, ward=ward, discharged_on="2026-11-17", event_at_ms=2, control="b"))
        unit.append(NewFact(60, 11, key, {1: "仇建国", 2: "M", 3: ward, 4: "2026-11-17", 5: number, 6: stay, 7: "QJG"}))


def scan(store: ApplianceStore, key: str) -> None:
    with store.write(actor=f"u-{store.node[-8:]}") as unit:
        unit.append(
            facts.collected(
                key,
                round_key=f"{store.node}.00000001",
                ward="W01",
                verdict="good",
                how="gun",
                read_no=key.split("-")[0],
                at_ms=store.clock.wall_ms(),
                list_as_of_ms=0,
            )
        )
