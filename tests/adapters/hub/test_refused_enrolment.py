"""Whoever knocks without a card that counts is refused and counted, and cannot fill the audit list by it."""

from __future__ import annotations

from collections.abc import Callable

from hub.boot import Hub
from hub.features.fleet.service import REFUSED_NOTED_EVERY_MS
from provisioning.trust.ca import make_request as make_csr
from provisioning.trust.ca import make_tls_key
from provisioning.trust.enrol import make_request
from sync.kernel.outcome import Refused
from sync.kernel.suite import suite1


def knock(hub: Hub, token: bytes) -> object:
    key = bytes(range(32))
    asked = make_request(
        site="xinghe", role="courier", token=token, csr=make_csr(make_tls_key()), signing_key=key,
        sealing_public=suite1.sealing_public(key), software="test", suite=suite1,
    )  # fmt: skip
    return hub.fleet.enrol(asked)


def lines(hub: Hub) -> int:
    """How much of its own the hub has written."""
    return sum(hub.store.lasts().values())


def test_the_audit_list_gets_a_line_a_minute_of_each_kind_and_every_refusal_counts(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    before = lines(hub)
    for n in range(5):
        assert knock(hub, bytes([n] * 16)) == Refused("card.unknown")
    assert lines(hub) == before + 1
    hub.clock._offset_ms += REFUSED_NOTED_EVERY_MS
    assert knock(hub, bytes(16)) == Refused("card.unknown")
    assert lines(hub) == before + 2
    with hub.store.read() as conn:
        assert conn.execute("SELECT n FROM tally WHERE code = 'enrol.card.unknown'").fetchone()[0] == 6
