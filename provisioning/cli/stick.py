"""Carrying facts by hand: a box that sees no line at all still delivers, and is told so by the file that comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.link.letters import Letters
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.projections import folded_projectors
from appliance.settings import SOFTWARE
from provisioning.cli.look import database, is_hub
from provisioning.making.client import HubClient, state_file
from provisioning.trust.node_keys import load_keys
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.stick_link import read_stick, write_stick
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import message
from sync.protocol.ack import Ack

MESSAGES_MAX = 1000


def _open(directory: Path) -> tuple[ApplianceStore, Letters, TrustBook]:
    """A stopped box, opened to read and to take acknowledgements; nothing is appended, so no incarnation begins."""
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
    book = TrustBook(
        BoxKeys(node[0], keys.signing, keys.suite), trust.read_bytes(), lambda raw: write_whole(trust, raw)
    )
    return store, Letters(store, book, SOFTWARE), book


def export(directory: Path, to: Path) -> dict[str, Any]:
    """Everything not signed for, as sealed batches in one file. Exporting twice is harmless."""
    store, letters, _ = _open(directory)
    try:
        messages: list[bytes] = []
        facts = 0
        for stream in outbox.own_streams(store):
            first = stream.acked + 1
            while len(messages) < MESSAGES_MAX:
                made = letters.batch((stream.incarnation, stream.lane), first)
                if made is None:
                    break
                messages.append(made[0])
                facts += made[1] - first + 1
                first = made[1] + 1
        if not messages:
            raise Unavailable("stick.nothing", 60.0)
        return {"file": str(write_stick(to, store.node, messages)), "facts": facts, "batches": len(messages)}
    finally:
        store.close()


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
    store, letters, book = _open(directory)
    try:
        moved = 0
        for raw in read_stick(file):
            try:
                opened = book.open(raw)
            except PeerFault:
                continue
            if opened.type == message.ACK:
                outcomes = letters.apply(Ack.read(opened.body), raw, welcome=False)
                moved += sum(outcome.moved for outcome in outcomes)
            elif opened.type == message.TRUST:
                book.adopt(raw)
        return {"acknowledged": moved}
    finally:
        store.close()
