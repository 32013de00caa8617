"""`wire`: bytes that a fact costs on the line, and bytes that a box costs which has nothing new to say.

Per fact: everything that TCP carries both ways between the welcome and the last acknowledgement, read at a relay
before the broker: TLS records, MQTT packets and their confirmations, batches, acknowledgements.

An idle box: hello and welcome as MQTT packets (topic, header, payload) with the confirmation of each, inside TLS. What
a new connection costs before them (TCP, TLS with both certificates, CONNECT, SUBSCRIBE) is told beside it, whole.

Baseline: the same facts as plain JSON documents, one a line, and zstd over each batch of 500 of them.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import zstandard

from provisioning.bench.figures import document
from provisioning.bench.site import FACTS_A_COMMIT, BenchSite, bench_site, until, write_backlog
from provisioning.demo.relay import LineSpec, LineView, Relay
from sync.adapters.mqtt_link import MqttLink, up_topic
from sync.kernel.codec import decode_fact
from sync.kernel.ids import LIVE

FACTS = 20_000
LINE = "box"
_PUBACK_BYTES = 4
"""Source: MQTT 5.0, section 3.4; the reason code is left out where all is well."""


class CountedMqtt(MqttLink):
    """Counts what its messages cost as MQTT packets, inside TLS."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.messages: list[int] = []

    def send(self, message: bytes) -> bool:
        self.messages.append(packet_bytes(up_topic(self._node), len(message)))
        return super().send(message)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        self.messages.append(packet_bytes(message.topic, len(message.payload)))
        super()._on_message(client, data, message)


def packet_bytes(topic: str, payload_bytes: int) -> int:
    """A PUBLISH of MQTT 5 at QoS 1 without properties, and its PUBACK. Source: MQTT 5.0, sections 2.1.4 and 3.3."""
    rest = 2 + len(topic.encode()) + 2 + 1 + payload_bytes
    length_bytes = 1 if rest < 128 else 2 if rest < 16_384 else 3
    return 1 + length_bytes + rest + _PUBACK_BYTES


def run(*, facts: int = FACTS) -> dict[str, Any]:
    """One run: bytes do not depend on what else the machine does."""
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name, bench_site(Path(name)) as site:
        target = {"mqtt": (site.settings.hub.mqtt_host, site.settings.hub.mqtt_port)}
        with Relay([LineSpec(LINE, target)]) as relay:
            port = relay.port(LINE, "mqtt")
            with site.bare_line(CountedMqtt, port):
                until(site.acknowledged)
                before = _settled(relay)
                write_backlog(site.store, 0, facts)
                until(site.acknowledged)
                after = _settled(relay)
            until(lambda: site.lag() == 0)
            idle, connect = _idle(site, relay, port)
        documents, squeezed, fact_bytes = _baseline(site, facts)
    per_fact = (_total(after) - _total(before)) / facts
    return document(
        "wire",
        1,
        ratios={"vs_json_zstd": per_fact / (squeezed / facts)},
        figures={
            "bytes_per_fact": round(per_fact, 1),
            "up_bytes_per_fact": round((after.bytes_up - before.bytes_up) / facts, 1),
            "down_bytes_per_fact": round((after.bytes_down - before.bytes_down) / facts, 1),
            "idle_bytes": sum(idle),
            "idle_messages": idle,
            "connect_bytes": connect,
            "facts": facts,
            "batch_facts": FACTS_A_COMMIT,
            "fact_bytes": round(fact_bytes),
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "the same facts as JSON documents, and zstd level 3 over each 500 of them, no envelope",
            "json_bytes_per_fact": round(documents / facts, 1),
            "json_zstd_bytes_per_fact": round(squeezed / facts, 1),
        },
    )


def _idle(site: BenchSite, relay: Relay, port: int) -> tuple[list[int], int]:
    """(cost of each message, of the whole connection) of a box that calls again and has nothing to tell."""
    made: list[CountedMqtt] = []

    def counted(*args: Any) -> CountedMqtt:
        made.append(CountedMqtt(*args))
        return made[-1]

    before = _settled(relay)
    with site.bare_line(counted, port):
        after = _settled(relay)
    return made[0].messages, _total(after) - _total(before)


def _settled(relay: Relay) -> LineView:
    """The line's counts once nothing moves any more."""
    views = [relay.line(LINE)]

    def still() -> bool:
        views.append(relay.line(LINE))
        return _total(views[-1]) == _total(views[-2])

    until(still, step_s=0.3)
    return views[-1]


def _total(view: LineView) -> int:
    return view.bytes_up + view.bytes_down


def _baseline(site: BenchSite, facts: int) -> tuple[int, int, float]:
    """(bytes as JSON, bytes squeezed, average bytes of a fact) of what was sent."""
    with site.store.read() as conn:
        rows = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.own = 1 AND s.lane = ? "
            "ORDER BY s.id, l.seq DESC LIMIT ?",
            (LIVE, facts),
        ).fetchall()
    told = [_json(row[0]) for row in rows]
    squeeze = zstandard.ZstdCompressor(level=3).compress
    batches = [b"\n".join(told[at : at + FACTS_A_COMMIT]) for at in range(0, len(told), FACTS_A_COMMIT)]
    return sum(map(len, told)), sum(len(squeeze(each)) for each in batches), sum(len(r[0]) for r in rows) / len(rows)


def _json(raw: bytes) -> bytes:
    fact = decode_fact(raw)
    return json.dumps(
        {
            "kind": fact.kind, "type": fact.etype, "key": fact.key, "actor": fact.actor, "device": fact.device,
            "hlc": fact.hlc, **{str(name): value for name, value in fact.body.items()},
        },
        ensure_ascii=False,
    ).encode()  # fmt: skip
