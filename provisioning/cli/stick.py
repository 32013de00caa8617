"""Carrying by hand: a box without a line delivers, and the file that comes back brings it up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.link.letters import Letters
from appliance.link.rekeying import Rekeying
from appliance.link.stick_post import StickPost, TakenIn
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.projections import folded_projectors
from appliance.settings import SOFTWARE
from provisioning.cli.look import database, is_hub, refuse_running
from provisioning.making.client import HubClient, state_file
from provisioning.trust.node_keys import load_keys
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.stick_link import read_stick, write_stick
from sync.kernel.outcome import Unavailable


@contextmanager
def _stopped(directory: Path) -> Iterator[tuple[ApplianceStore, StickPost]]:
    """A stopped box, opened to read and to take in; nothing is appended, so no incarnation begins."""
    refuse_running(directory)
    keys = load_keys(directory / "keys")
    trust = directory / "keys" / "trust.way"
    with database(directory) as conn:
        node = conn.execute("SELECT node FROM stream WHERE own = 1 LIMIT 1").fetchone()
    if node is None:
        raise Unavailable("stick.nothing", 60.0)
    store = ApplianceStore(
        directory / "data" / "node.db",
        keys.store,
        node=node[0],
        role=node[0].split("-")[0],
        clock=SystemClock(),
        entropy=SystemEntropy(),
        suite=keys.suite,
        projectors=folded_projectors(keys.suite),
    )
    try:
        own = BoxKeys(node[0], keys.signing, keys.suite, keys.files.former)
        book = TrustBook(own, trust.read_bytes(), lambda raw: write_whole(trust, raw), store.floor_ms)
        blobs = KeptBlobs(store, FolderStore(directory / "data" / "blobs", keys.suite.hash), keys.suite.hash)
        rekeying = Rekeying(store, book, keys.files)
        post = StickPost(store, Letters(store, book, SOFTWARE), book, keys.sealing, blobs=blobs, rekeying=rekeying)
        yield store, post
    finally:
        store.close()


def export(directory: Path, to: Path) -> dict[str, Any]:
    """Everything not signed for, and where the copies stand, in one file. Exporting twice is harmless."""
    with _stopped(directory) as (store, post):
        packed = post.pack()
        path = write_stick(to, store.node, packed.messages)
    return {"file": str(path), "facts": packed.facts, "batches": packed.batches}


def take(directory: Path, file: Path, user: str, password: str) -> dict[str, Any]:
    """A box's file into the running hub (its answer lands beside the file), or the hub's answer into a stopped box."""
    with database(directory) as conn:
        hub = is_hub(conn)
    if hub:
        if not state_file(directory).get("base_url"):
            raise Unavailable("hub.absent", 5.0)
        answer = HubClient.of(directory, user, password).carry("/api/v1/stick", file.read_bytes())
        back = file.with_name(f"answer-{file.name}")
        write_whole(back, answer, mode=0o644)
        return {"answer": str(back)}
    with _stopped(directory) as (_, post):
        return _told(post.take(read_stick(file)))


def _told(done: TakenIn) -> dict[str, Any]:
    rounds = done.rounds
    return {
        "acknowledged": done.acknowledged,
        "entries": rounds.entries if rounds else 0,
        "begun": rounds.begun if rounds else [],
        "repaired": rounds.repaired if rounds else [],
        "left": rounds.left if rounds else [],
        "refused": dict(sorted(done.refused.items())),
    }
