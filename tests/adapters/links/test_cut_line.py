"""A line that is cut, mute or one-sided: work goes on, the strip tells it, and everything arrives when it is back."""

from __future__ import annotations

import random
import time

import pytest

from appliance.link.runner import Link
from appliance.link.trust_book import BoxKeys, TrustBook
from provisioning.demo.relay import LineSpec, Relay
from sync.adapters.https_link import HttpsFeeds, HttpsLink
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log import outbox
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from tests.waiting import until

BACK_S_MAX = 15.0
"""Five seconds is what is promised; a machine under load is forgiven."""


@pytest.mark.parametrize("carrier", ("mqtt", "https"))
@pytest.mark.parametrize("mode", ("refused", "silent", "half-cut"))
def test_what_was_done_while_the_line_was_bad_arrives_when_it_is_back(world, carrier, mode) -> None:
    machine = world.machine(scopes=["site:stays"])
    store, tls, ca = machine.store, world.tls(machine.node), world.folder / "ca.crt"
    targets = {"mqtt": ("127.0.0.1", world.broker.port), "https": ("127.0.0.1", world.https_port)}
    relay = Relay([LineSpec(machine.node, targets)])
    relay.start()
    world.closers.append(relay.stop)
    url = f"https://127.0.0.1:{relay.port(machine.node, 'https')}"

    def carriers(heard):
        if carrier == "mqtt":
            return [MqttLink(machine.node, "127.0.0.1", relay.port(machine.node, "mqtt"), tls, heard)]
        return [HttpsLink(url, tls, ca, heard)]

    link = Link(
        store,
        TrustBook(BoxKeys(machine.node, machine.signing, suite=suite1), world.bundle.raw, lambda raw: None),
        carriers,
        HttpsFeeds(url, tls, ca),
        software="test",
        draw=random.Random(1).random,
        backoff_cap_s=1.0,
        connect_s_max=2.0,
    )
    world.closers.append(link.stop)
    link.start()

    def drained() -> bool:
        with store.read() as conn:
            written, signed = outbox.ledger(conn)
        return written == signed

    until(drained, 30)
    relay.set_mode(machine.node, mode)
    for n in range(20):
        began = time.monotonic()
        with store.write() as unit:
            unit.append(NewFact(120, 50, machine.node, {1: f"note.n{n}", 5: True}))
        assert time.monotonic() - began < 1.0
    if mode == "refused":
        until(lambda: not link.line_facts().connected, 10)
    else:
        until(lambda: link.line_facts().silent_s > 1.0, 30)
    assert link.line_facts().outbox == 20 if mode != "half-cut" else link.line_facts().outbox > 0
    relay.set_mode(machine.node, "up")
    until(drained, BACK_S_MAX)
    assert world.facts_held(machine.node) == store_total(store)


def store_total(store) -> int:
    with store.read() as conn:
        return outbox.ledger(conn)[0]


class Stumbling(MqttLink):
    """A carrier with a bug of its own: its first two openings and its first sending end in an error nobody planned."""

    opened = sent = 0

    def open(self) -> None:
        self.opened += 1
        if self.opened <= 2:
            raise RuntimeError("planned by the test")
        super().open()

    def send(self, message: bytes) -> bool:
        self.sent += 1
        if self.sent == 1:
            raise RuntimeError("planned by the test")
        return super().send(message)


def test_a_bug_in_a_carrier_costs_time_and_not_the_line(world, capfd) -> None:
    machine = world.machine(scopes=["site:stays"])
    tls, port = world.tls(machine.node), world.broker.port
    link = Link(
        machine.store,
        TrustBook(BoxKeys(machine.node, machine.signing, suite=suite1), world.bundle.raw, lambda raw: None),
        lambda heard: [Stumbling(machine.node, "127.0.0.1", port, tls, heard)],
        None,
        software="test",
        draw=random.Random(1).random,
        backoff_cap_s=0.5,
        connect_s_max=1.0,
    )
    world.closers.append(link.stop)
    link.start()

    def drained() -> bool:
        with machine.store.read() as conn:
            written, signed = outbox.ledger(conn)
        return written == signed > 0

    until(drained, 60.0)
    assert link.counts["bug"] == 3
    told = capfd.readouterr().err
    assert told.count("bug in link: RuntimeError at ") == 3
    assert "planned" not in told
