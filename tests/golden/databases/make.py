"""Writes the databases of a hub and two boxes as the product of a work tree leaves them, under a key of 32 zero bytes.

    git worktree add --detach DIR cc3c188
    .venv/bin/python tests/golden/databases/make.py --tree DIR --schema 1
    .venv/bin/python tests/golden/databases/make.py --schema 2

Run once a release; what it wrote is never written again. Names are invented. Work is under way on purpose: own facts
not sent yet, facts not digested, a second start of a box, an entity that only its box knows. Of the hub's query tables
only those of records are brought, to keep the files small.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HUB, COURIER, RECORDS = "hub-aaaaaaaa", "courier-aaaaaaaa", "records-aaaaaaaa"
SCOPES = ("room:records", "site", "site:people", "site:stays", "ward:W01")
KEY = bytes(32)
STAYS = [f"0073{n:04d}-1" for n in range(6)]


def chain_hashes(node: str, incarnation: int, lane: int, first: int, h: bytes, items: Sequence[bytes]) -> list[bytes]:
    """Protocol way/1, section 2, written out: how the product is asked for it has changed between releases."""
    place = b"way/1 fact\0" + node.encode().ljust(16, b"\0") + incarnation.to_bytes(8, "big") + bytes((lane,))
    hashes = []
    for seq, item in enumerate(items, first):
        h = sha256(place + seq.to_bytes(8, "big") + h + sha256(item).digest()).digest()
        hashes.append(h)
    return hashes


def _of_a_box() -> list[Any]:
    """A box's query tables; since there are two suites they are told which one names keys."""
    from appliance.projections import folded_projectors

    try:
        return list(folded_projectors())  # type: ignore[call-arg]  # the first releases
    except TypeError:
        from sync.kernel.suite import suite1

        return list(folded_projectors(suite1))


class Hospital:
    """One hub, two boxes and no wire; only calls that every release since the first has."""

    def __init__(self, folder: Path) -> None:
        from hub.features.records.store import RecordsProjector
        from sync.adapters.sqlite_log.hub_feeds import Feeds
        from sync.adapters.sqlite_log.hub_store import HubStore

        self.folder = folder
        self.hub = self._open(HubStore, HUB, [RecordsProjector(KEY)], 1)
        self.feeds = Feeds(self.hub)

    def _open(self, kind: Any, name: str, projectors: Any, seed: int) -> Any:
        from sync.adapters.clock import SystemClock
        from sync.adapters.idgen import SeededEntropy

        path = self.folder / f"{name.split('-')[0]}.db"
        store = kind(
            path, KEY, node=name, role=name.split("-")[0], clock=SystemClock(),
            entropy=SeededEntropy(f"{name} {seed}"), projectors=projectors,
        )  # fmt: skip
        store.start_incarnation("golden")
        return store

    def box(self, name: str, seed: int) -> Any:
        from sync.adapters.sqlite_log import down
        from sync.adapters.sqlite_log.appliance_store import ApplianceStore
        from sync.adapters.sqlite_log.hub_store import add_node

        store = self._open(ApplianceStore, name, _of_a_box(), seed)
        if self.hub.node_row(name) is None:
            with self.hub.write() as unit:
                add_node(
                    unit, node=name, role=store.role, name=name, signing_public=KEY, sealing_public=KEY,
                    key_id=name.encode()[:8], scopes=SCOPES, tls_serial=None, now_ms=0,
                )  # fmt: skip
        down.set_scopes(store, 1, SCOPES)
        return store

    def up(self, store: Any) -> None:
        from sync.adapters.sqlite_log import hub_inbound, outbox
        from sync.adapters.sqlite_log.hub_inbound import Arrival
        from sync.kernel.canonical import encode

        for stream in outbox.own_streams(store):
            cut = outbox.cut(store, stream, stream.acked + 1, facts_max=500, bytes_max=60_000)
            if cut is None:
                continue
            hashes = chain_hashes(*cut.stream, cut.first, cut.prev_hash, cut.items)
            batch = Arrival(
                cut.stream, cut.first, cut.prev_hash, cut.items, cut.withheld, hashes, b"h" * 224, encode(cut.first)
            )
            assert hub_inbound.accept(self.hub, batch)[0].verdict == "appended"
            with self.hub.read() as conn:
                marks = hub_inbound.marks(conn, store.node, [(stream.incarnation, stream.lane)])
            told = [outbox.Mark(m.incarnation, m.lane, m.upto, m.h, m.state, m.rejects, 0) for m in marks]
            outbox.apply_marks(store, told, 1, b"ack", welcome=False)

    def digest(self, limit: int = 500, *, all: bool = True) -> None:
        from sync.adapters.sqlite_log.digest import digest_some

        while digest_some(self.hub, self.feeds, limit=limit).behind and all:
            pass

    def round(self, store: Any) -> None:
        from sync.adapters.sqlite_log import down
        from sync.protocol import feed

        for label in SCOPES:
            with self.hub.read() as conn:
                head = self.feeds.heads(conn, [label])[0]
                values = self.feeds.values(conn, label, head.sseq)
                buckets = feed.differing(down.bucket_values(store, label), values)
                members = self.feeds.members(conn, label, buckets)
            points = self.feeds.checkpoints(label, [(etype, key) for etype, key, _ in members])
            down.apply_repair(store, label, 1, head.sseq, head.e, members, buckets, points, 1)


def day(folder: Path) -> None:
    """A morning on one ward."""
    from sync.domain.calendar import facts as calendar
    from sync.domain.patients import facts as patients
    from sync.domain.people import facts as people
    from sync.domain.tracking import facts

    site = Hospital(folder)
    with site.hub.write(actor="u-admin") as unit:
        unit.append(people.person("u-lin", name="林小燕", roles=["courier"], badge_hash=bytes(16)))
        unit.append(people.person("u-he", name="何晓", roles=["clerk"], badge_hash=bytes(range(16))))
        unit.append(calendar.configured("W01", "心内科", limit_days=2))
        for key in STAYS:
            unit.append(facts.opened(key, ward="W01", admitted_on="2026-11-01", event_at_ms=1, control="a"))
            unit.append(facts.discharged(key, ward="W01", discharged_on="2026-11-17", event_at_ms=2, control="b"))
            unit.append(
                patients.listed(key, name="仇建国", sex="M", ward="W01", discharged_on="2026-11-17", initials="QJG")
            )
        unit.append(facts.number_merged("00730099", "00730001", event_at_ms=3, control="c"))
    site.digest()
    courier, records = site.box(COURIER, 1), site.box(RECORDS, 1)
    site.round(courier)
    site.round(records)
    round_key, handin = f"{COURIER}.00000001", f"{RECORDS}.00000001"
    with courier.write(actor="u-lin", device="gun-1") as unit:
        unit.append(facts.round_opened(round_key, "W01", "u-lin", 1))
        taken = [unit.append(collected(key, round_key)) for key in STAYS[:4]]
        unit.append(facts.collection_undone(STAYS[3], taken[3], "mistake"))
        unit.append(facts.counted(round_key, 3))
        unit.append(facts.handed_over(round_key, "u-nurse", 6, 3, 3, [(STAYS[4], "not-scanned")]))
    site.up(courier)
    site.digest()
    site.round(records)
    courier.close()
    courier = site.box(COURIER, 2)
    with records.write(actor="u-he") as unit:
        unit.append(facts.handin_opened(handin, "u-lin", [round_key]))
        unit.append(facts.received(STAYS[0], handin, "gun"))
        unit.append(facts.missed(STAYS[1], handin))
    site.up(records)
    with site.hub.write(actor="u-admin") as unit:
        unit.append(facts.sealed(STAYS[5], "office"))
        unit.append(facts.moved(STAYS[4], ward="W02", event_at_ms=4, control="d"))
    site.digest(2, all=False)
    with courier.write(actor="u-lin") as unit:
        unit.append(collected(STAYS[5], f"{COURIER}.00000002"))
    for store in (site.hub, courier, records):
        store.close()


def collected(key: str, round_key: str) -> Any:
    from sync.domain.tracking import facts

    return facts.collected(
        key, round_key=round_key, ward="W01", verdict="good", how="gun", read_no=key.split("-")[0], at_ms=5,
        list_as_of_ms=1,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=HERE.parents[2])
    parser.add_argument("--schema", type=int, required=True)
    asked = parser.parse_args()
    sys.path.insert(0, str(asked.tree.resolve()))
    target = HERE / f"schema_{asked.schema}"
    if target.exists():
        print(f"{target.name} is there: a released database is not written again")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        day(Path(folder))
        target.mkdir()
        for path in sorted(Path(folder).glob("*.db")):
            assert not path.with_name(f"{path.name}-wal").exists()
            shutil.copyfile(path, target / path.name)
            print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
