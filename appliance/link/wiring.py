"""The link of a box as its settings want it: which carriers, which keys, where the hub is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appliance.link.blob_sender import BlobSender
from appliance.link.certificate import Certificate, asks_by_https
from appliance.link.rekeying import Rekeying
from appliance.link.runner import Link
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.settings import Settings
from provisioning.trust.key_files import KeyFiles
from provisioning.trust.node_keys import NodeKeys
from sync.adapters.carrier import Carrier, Heard, client_context
from sync.adapters.https_blobs import HttpsBlobs
from sync.adapters.https_link import HttpsFeeds, HttpsLink
from sync.adapters.keys import write_whole
from sync.adapters.leases.box import Leases
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.protocol.hello import HelloDevice


def make_link(
    store: ApplianceStore,
    settings: Settings,
    keys: NodeKeys,
    *,
    leases: Leases | None = None,
    kept: KeptBlobs | None = None,
    software: str,
    draw: Callable[[], float],
    devices: Callable[[], Iterable[HelloDevice]] = tuple,
    free_bytes: Callable[[], int] = lambda: 0,
) -> Link | None:
    """None for a box that has joined no site or is told of no hub: it works alone, and everything waits."""
    hub = settings.hub
    trust_path = keys.folder / "trust.way"
    if not keys.joined or not (hub.sync_url or hub.mqtt_host):
        return None
    tls = client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path, hub.server_name)
    files = KeyFiles(keys.folder, keys.suite, store.entropy, store.point)
    book = TrustBook(
        BoxKeys(settings.node.node, keys.signing, keys.suite, files.former),
        trust_path.read_bytes(),
        lambda raw: write_whole(trust_path, raw),
        store.floor_ms,
    )

    def carriers(heard: Heard) -> list[Carrier]:
        made: list[Carrier] = []
        for name in settings.sync.carriers:
            if name == "mqtt" and hub.mqtt_host:
                made.append(MqttLink(settings.node.node, hub.mqtt_host, hub.mqtt_port, tls, heard))
            elif name == "https" and hub.sync_url:
                made.append(HttpsLink(hub.sync_url, tls, keys.ca_path, heard))
        return made

    def blobs(heard: Callable[[bytes], None]) -> BlobSender:
        assert kept is not None
        return BlobSender(
            kept, HttpsBlobs(hub.sync_url, tls, keys.ca_path), heard, keys.suite.hash,
            bytes_per_s=settings.sync.blob_bytes_per_s, draw=draw,
        )  # fmt: skip

    return Link(
        store,
        book,
        carriers,
        HttpsFeeds(hub.sync_url, tls, keys.ca_path) if hub.sync_url else None,
        software=software,
        draw=draw,
        backoff_cap_s=settings.sync.backoff_cap_s,
        connect_s_max=settings.sync.connect_s_max,
        make_blobs=None if kept is None or not hub.sync_url else blobs,
        leases=leases,
        devices=devices,
        free_bytes=free_bytes,
        rekeying=Rekeying(store, book, files),
        certificate=None
        if not hub.sync_url
        else Certificate(store, book, keys, tls, asks_by_https(hub.sync_url, keys.ca_path, hub.server_name)),
    )
