"""Many sync cores in one process: each a box's own store, keys, session and connection; only the screens are missing.

Made in the hub's directory before the hub starts, as if each had been enrolled with a card.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from appliance.projections import folded_projectors
from appliance.settings import Hub
from provisioning.bench.crowd import Core, Loop
from provisioning.bench.site import write_backlog
from provisioning.trust.ca import issue
from provisioning.trust.enrol import scopes_for, spki_hash
from provisioning.trust.identity import make_identity
from provisioning.trust.node_keys import load_keys, make_keys
from provisioning.trust.site import open_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import down, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.kernel.ids import node_name
from sync.protocol.trust import Identity

ROLE = "courier"
LOOK_S = 0.2


def enrol_cores(hub: Path, folder: Path, count: int) -> list[str]:
    """`count` machines known to the stopped hub in directory `hub`; their keys under `folder`. The names."""
    clock, entropy = SystemClock(), SystemEntropy()
    trust = open_site(hub / "keys")
    now_ms = clock.wall_ms()
    names = []
    path = hub / "data" / "node.db"
    store = HubStore(path, trust.keys.store, node=trust.hub, role="hub", clock=clock, entropy=entropy)
    try:
        with store.write() as unit:
            for _ in range(count):
                name = node_name(ROLE, entropy.bytes(5))
                keys = make_keys(folder / name, entropy, trust.suite)
                public = keys.tls_key().public_key()
                leaf = issue(trust.authority, public, name, now_ms)
                record = Identity(
                    node=name, role=ROLE, suite=trust.suite.number, signing=keys.signing_public,
                    sealing=keys.sealing_public, tls=spki_hash(public), issued_ms=now_ms,
                )  # fmt: skip
                keys.ca_path.write_bytes(trust.authority.certificate_pem)
                keys.tls_certificate_path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
                (keys.folder / "trust.way").write_bytes(trust.bundle.raw)
                keys.identity_path.write_bytes(
                    make_identity(record, hub=trust.hub, epoch=1, signing_key=trust.keys.signing, suite=trust.suite)
                )
                add_node(
                    unit, node=name, role=ROLE, name=name, signing_public=keys.signing_public,
                    sealing_public=keys.sealing_public, key_id=keys.key_id, scopes=scopes_for(ROLE, ()),
                    tls_serial=f"{leaf.serial_number:x}", now_ms=now_ms,
                )  # fmt: skip
                names.append(name)
    finally:
        store.close()
    return names


def serve(pipe: Connection, folder: Path, names: Sequence[str], hub: dict[str, str | int]) -> None:
    """A process of the herd: open the cores, say `ready`; at `go` call the hub; at `end` stop.

    In between it says when each was done, and what processor time that took. `hub`: the [hub] section of settings.
    """
    loop, settings = Loop(), Hub.model_validate(hub)
    cores = [
        Core(loop, open_core(folder / name, name), folder / name, settings, seed) for seed, name in enumerate(names)
    ]
    gc.freeze()  # a thousand stores made and kept: they are not garbage, and one sweep over them takes half a second
    pipe.send("ready")
    assert pipe.recv() == "go"
    before_s = time.process_time()
    for core in cores:
        core.start()
    left = list(cores)
    while left:
        loop.run(LOOK_S)
        left = [core for core in left if core.done_s is None]
    took_s = time.process_time() - before_s
    for core in cores:
        with core.store.read() as conn:
            written, signed = outbox.ledger(conn)
        assert written == signed, "the disk knows what the line knows"
    pipe.send(([core.done_s for core in cores], took_s))
    while not pipe.poll():
        loop.run(LOOK_S)
    assert pipe.recv() == "end"
    for core in cores:
        core.hang_up()
        core.store.close()
    pipe.send("ended")


def make_backlogs(folder: Path, names: Sequence[str], first: int, facts: int) -> None:
    """`facts` collections in each core, written by a process that had met the hub and has ended.

    A backlog as an outage with a restart leaves it. `first`: the number of the first of them.
    """
    for at, name in enumerate(names):
        store = open_core(folder / name, name, first + at * facts, facts)
        if not store.meta_int("hub_epoch"):
            down.raise_epoch(store, 1)
            down.set_scopes(store, 1, scopes_for(ROLE, ()))
        store.close()


def open_core(keys_folder: Path, name: str, first: int = 0, facts: int = 0) -> ApplianceStore:
    """A new process of this machine's store; `facts` collections from number `first` on are written at once."""
    keys = load_keys(keys_folder)
    store = ApplianceStore(
        keys_folder / "node.db", keys.store, node=name, role=ROLE, clock=SystemClock(),
        entropy=SystemEntropy(), projectors=folded_projectors(keys.suite),
    )  # fmt: skip
    store.start_incarnation("bench")
    write_backlog(store, first, facts)
    return store
