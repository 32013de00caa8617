"""`bootstrap`: a large ward into a box that holds nothing, from the hub's snapshot over HTTPS with both certificates.

The hub is a process of its own; the box is this one, with the projections of a real box. The clock runs from the first
question to the moment at which the box has committed (durable, set hashes compared) and tells its pages so: the list
shows every line from there on. What it tidies afterwards counts as processor time, not as waiting. The
snapshot has been made before, as PouchDB's server has its documents before: what is compared is the machine that
starts. Every run has a new database, and an empty PouchDB pulls as many documents just before it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from appliance.link.rounds import Rounds
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.projections import folded_projectors
from hub.link.publisher import Publisher
from hub.link.voice import HubKeys, Voice
from hub.opening import open_store
from hub.settings import Feeds as FeedSettings
from hub.settings import Store as StoreSettings
from provisioning.bench.baselines.pouch import Pouch
from provisioning.bench.box import WARD, record_no
from provisioning.bench.commits import events
from provisioning.bench.figures import RUNS, document, median
from provisioning.bench.site import BenchSite, bench_site
from provisioning.trust.node_keys import load_keys
from provisioning.trust.site import open_site
from sync.adapters.carrier import client_context
from sync.adapters.clock import SystemClock
from sync.adapters.https_link import HttpsFeeds
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import down
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.digest import digest_some
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.domain.patients import facts as patients
from sync.domain.tracking import facts as tracking

ENTITIES = 20_000
LABEL = f"ward:{WARD}"
FACTS_A_COMMIT = 500
_SURNAMES, _NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "安宁平和静文明华春生德光志远秀英"


def run(*, runs: int = RUNS, facts: int = ENTITIES) -> dict[str, Any]:
    """Medians of `runs` runs of `facts` entities each. Times in seconds, rates in entities and documents a second."""
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
        folder = Path(name)
        with bench_site(folder, ward_of(facts)) as site, Pouch(folder / "pouch", events(facts)) as pouch:
            pulls_s, began = [], []
            for n in range(runs):
                pulls_s.append(pouch.pull_s())
                began.append(begin(site, folder / f"box{n}.db", facts))
    ours_s = [one.took_s for one in began]
    return document(
        "bootstrap",
        runs,
        ratios={"vs_pouchdb_pull": median([q / b for q, b in zip(pulls_s, ours_s, strict=True)])},
        figures={
            "entities": facts,
            "start_s": round(median(ours_s), 3),
            "start_s_of_each_run": [round(one, 3) for one in ours_s],
            "processor_s": round(median([one.processor_s for one in began]), 3),
            "entities_per_s": round(facts / median(ours_s)),
            "load": [round(one, 2) for one in os.getloadavg()],
        },
        baseline={
            "what": "an empty PouchDB pulls as many 300-byte documents from express-pouchdb, both on leveldb",
            "documents_per_s": round(facts / median(pulls_s)),
            "documents_per_s_of_each_run": [round(facts / one) for one in pulls_s],
        },
    )


def ward_of(count: int) -> Callable[[Path], None]:
    """Fills a hub that is not running yet with one ward's list and its snapshot."""

    def fill(folder: Path) -> None:
        trust = open_site(folder / "keys")
        store = open_store(folder, trust, StoreSettings(), SystemClock(), SystemEntropy())
        try:
            store.start_incarnation("bench")
            for at in range(0, count, FACTS_A_COMMIT):
                with store.write() as unit:
                    for n in range(at, min(at + FACTS_A_COMMIT, count)):
                        unit.append(_line(n))
            feeds = Feeds(store)
            while digest_some(store, feeds).behind:
                pass
            voice = Voice(store, HubKeys(trust.keys.signing, trust.keys.sealing, trust.suite), lambda: None)
            worth = Worth(1, FeedSettings().snapshot_entries)
            assert LABEL in Publisher(store, voice, worth).look()
        finally:
            store.close()

    return fill


def _line(n: int) -> Any:
    """A line of the due list; no two have the same name and number."""
    name = _SURNAMES[n % 16] + _NAMES[n // 16 % 16] + _NAMES[n // 256 % 16]
    return patients.listed(
        tracking.stay_key(record_no(n * 7919 % 10**7), str(1 + n % 3)), name=name, sex="FM"[n % 2], ward=WARD,
        discharged_on=f"2026-11-{1 + n % 28:02d}", initials="ABCDEFGH"[n % 8] + "XYZ"[n % 3],
    )  # fmt: skip


class Began(NamedTuple):
    """How long a box took until it showed the ward, and how much of that it had a processor."""

    took_s: float
    processor_s: float


def begin(site: BenchSite, path: Path, count: int) -> Began:
    """A box that holds nothing gets the ward."""
    own = load_keys(site.folder / "box" / "keys")
    hub = site.settings.hub
    tls = client_context(own.ca_path, own.tls_certificate_path, own.tls_key_path, hub.server_name)
    raw = (site.folder / "box" / "keys" / "trust.way").read_bytes()
    store = ApplianceStore(
        path, own.store, node=site.settings.node.node, role=site.settings.node.role, clock=SystemClock(),
        entropy=SystemEntropy(), projectors=folded_projectors(own.suite),
    )  # fmt: skip
    feeds = HttpsFeeds(hub.sync_url, tls, own.ca_path)
    try:
        store.start_incarnation("bench")
        down.raise_epoch(store, 1)
        down.set_scopes(store, 1, [LABEL])
        rounds = Rounds(store, feeds, TrustBook(BoxKeys(store.node, own.signing, own.suite), raw, lambda _: None))
        shown_s: list[float] = []
        store.listen(lambda _changes: shown_s.append(time.perf_counter()))
        began_s, worked_s = time.perf_counter(), time.process_time()
        done = rounds.run()
        told = Began(shown_s[-1] - began_s, time.process_time() - worked_s)
        assert done.begun == [LABEL] and not done.repaired, "the ward came another way"
        with store.read() as conn:
            shown = conn.execute("SELECT count(*) FROM custody_due WHERE ward = ? AND open = 1", (WARD,)).fetchone()[0]
        assert shown == count, "the list is not whole"
        return told
    finally:
        feeds.cut()
        store.close()
