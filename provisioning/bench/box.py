"""A box for measuring: keys, settings, and the lists that a hub's feeds would have brought. All data is invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from appliance.projections import folded_projectors
from provisioning.making.directories import toml
from provisioning.trust.node_keys import make_keys
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys.suites import suite_of
from sync.adapters.sqlite_log import down
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.order import order_bytes
from sync.catalog import ENTITY_TYPES, fold_fact
from sync.domain.patients import facts as patients
from sync.domain.people import badges
from sync.domain.people import facts as people
from sync.domain.tracking import facts as tracking
from sync.kernel.canonical import encode
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import BULK, FactId
from sync.protocol import feed

HUB = "hub-aaaaaaaa"
SITE = "site"
WARD = "W01"
COURIER = "u-luo"
BADGE = "WB-LUO-0001"
PIN = "2580"
ROLES = {"courier": ("courier",), "records": ("clerk", "administrator", "auditor")}
"""What the one person of a box may do there, by the box's role."""


def record_no(n: int) -> str:
    return f"{10_000_000 + n}"


def make_box(
    folder: Path,
    *,
    records: int,
    guns: Sequence[str] = (),
    tone: str = "",
    role: str = "courier",
    **more: dict[str, Any],
) -> None:
    """A box in `folder` that carries `records` due records of one ward. `more`: settings by section."""
    node = {"node": f"{role}-aaaaaaaa", "role": role, "name": "bench", "site": SITE, **more.pop("node", {})}
    devices = {"tone": tone, "guns": [{"name": f"gun-{n}", "url": url} for n, url in enumerate(guns, 1)]}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "settings.toml").write_text(toml({"node": node, "devices": devices, **more}), "utf-8")
    keys = make_keys(folder / "keys", SystemEntropy(), suite_of(1))
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    store = ApplianceStore(
        folder / "data" / "node.db", keys.store, node=node["node"], role=role, clock=SystemClock(),
        entropy=SystemEntropy(), projectors=folded_projectors(keys.suite),
    )  # fmt: skip
    try:
        fill(store, records, ROLES[role])
    finally:
        store.close()


def fill(store: ApplianceStore, records: int, roles: Sequence[str]) -> None:
    """Checkpoints as feeds bring them: the stays, the ward's due list, and one person with a badge and a PIN."""
    now = SystemClock().wall_ms()
    stays, dues = [], []
    for n in range(records):
        number = record_no(n)
        key = tracking.stay_key(number, "1")
        left = tracking.discharged(key, ward=WARD, discharged_on="2026-11-17", event_at_ms=n + 1, control="b")
        stays.append(entry(left, n, now))
        listed = patients.listed(
            key, name=f"测试{n:05d}", sex="F", ward=WARD, discharged_on="2026-11-17", initials="CS"
        )
        dues.append(entry(listed, records + n, now))
    person = people.person(
        COURIER, name="罗", roles=roles, badge_hash=badges.badge_hash(BADGE, SITE),
        pin_hash=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN),
    )  # fmt: skip
    scopes = {"site:stays": stays, f"ward:{WARD}": dues, "site:people": [entry(person, 2 * records, now)]}
    down.set_scopes(store, 1, sorted(scopes))
    down.apply_round(
        store, [down.Tail(label, 1, len(entries), bytes(32), entries) for label, entries in sorted(scopes.items())], now
    )


def entry(new: NewFact, n: int, now_ms: int) -> feed.StateEntry:
    """The checkpoint of an entity of which the hub knows this one fact."""
    etype = ENTITY_TYPES[new.etype]
    fid = FactId(HUB, 1, BULK, n + 1)
    stamp = (now_ms << 16) + n
    fact = Fact(new.kind, 1, new.etype, new.key, new.body, stamp, 2)
    annotation = Annotation(stamp, 1, 0, 0)
    state = fold_fact(new.etype, etype.initial(), fact, fid, annotation)
    point = feed.Checkpoint(
        encode(etype.dump(state)),
        1,
        order_bytes(stamp, fid, stamp),
        ((fid.node, fid.incarnation, fid.lane, fid.seq),),
        bytes(16),
        bytes(16),
        etype.fold_version,
    )
    return feed.StateEntry(new.etype, new.key, point)
