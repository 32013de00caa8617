"""What the hub's mosquitto is told: its configuration and who may read and write which topic, as text.

The rules rest on the name in the client certificate. Three habits of mosquitto 2.0.11 shape them: a SUBSCRIBE to a
forbidden topic is granted and then delivers nothing, so nobody may take a SUBACK for access; a client id can be
stolen unless it is replaced by the certificate's name; a withdrawn certificate keeps its open connection, so a
revoked node is denied here as well as listed in the CRL. Source: observed, mosquitto 2.0.11, 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.trust.names import check_common_name
from sync.kernel.ids import check_label
from sync.kernel.limits import MQTT_PAYLOAD_BYTES_MAX

ROOT = "way/1"

_HEADER_BYTES_MAX = 1024
"""Room for topic and properties around a payload of the largest allowed size."""

QUEUED_MAX, QUEUED_BYTES_MAX = 20_000, 256 * 1024 * 1024
"""For one client. Above what windows let a thousand machines send at once: what the broker drops is sent again after
15 s, and costs everyone twice."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and with which files. `folder` holds what the broker reads and writes."""

    folder: Path
    ca: Path
    certificate: Path
    key: Path
    crl: Path
    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is let in: hub workers by common name, the scope labels each node holds, nodes shut out."""

    workers: frozenset[str]
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()


def render_conf(listener: Listener, *, as_root: bool) -> str:
    """mosquitto.conf. `as_root`: a broker started by root must stay root to read its 0700 folder.

    Nothing is kept on disk: retained heads and bundles are published again by the hub when it connects, and no queue
    of the broker counts as delivery.
    """
    lines = [
        f"listener {listener.port} {listener.host}",
        f"cafile {listener.ca}",
        f"certfile {listener.certificate}",
        f"keyfile {listener.key}",
        f"crlfile {listener.crl}",
        "tls_version tlsv1.2",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "allow_anonymous false",
        f"acl_file {listener.folder / 'acl'}",
        "persistence false",
        "set_tcp_nodelay true",
        f"max_packet_size {MQTT_PAYLOAD_BYTES_MAX + _HEADER_BYTES_MAX}",
        "max_inflight_messages 100",
        f"max_queued_messages {QUEUED_MAX}",
        f"max_queued_bytes {QUEUED_BYTES_MAX}",
        "sys_interval 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
    ]
    if as_root:
        lines.append("user root")
    return "\n".join(lines) + "\n"


def render_acl(rules: Rules) -> str:
    """The ACL file. Users come first, sorted; a user's own deny is met before any pattern.

    Raises PeerFault `label` for a label that could not stand in a topic.
    """
    lines: list[str] = []
    for worker in sorted(rules.workers):
        lines += [f"user {check_common_name(worker)}", f"topic readwrite {ROOT}/#", ""]
    for node in sorted(rules.revoked):
        lines += [f"user {check_common_name(node)}", f"topic deny {ROOT}/#", ""]
    for node in sorted(set(rules.scopes) - rules.revoked):
        lines.append(f"user {check_common_name(node)}")
        lines += [f"topic read {ROOT}/scope/{check_label(label)}/head" for label in sorted(rules.scopes[node])]
        lines.append("")
    lines += [
        f"pattern write {ROOT}/n/%u/up/#",
        f"pattern read {ROOT}/n/%u/down/#",
        f"pattern read {ROOT}/n/%u/up/presence",
        f"pattern read {ROOT}/all/down/#",
    ]
    return "\n".join(lines) + "\n"
