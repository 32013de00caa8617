"""What a fact and an idle box cost on the line. Bytes do not depend on the machine, so the demands are held here."""

from __future__ import annotations

import pytest

from provisioning import bench
from provisioning.bench.wire import packet_bytes


def test_facts_and_an_idle_box_stay_under_what_is_demanded() -> None:
    told = bench.run("wire", facts=2000)
    figures = told["figures"]
    assert figures["bytes_per_fact"] <= 90
    assert figures["bytes_per_fact"] >= told["baseline"]["json_zstd_bytes_per_fact"] / 2, "the facts really travelled"
    assert figures["idle_bytes"] <= 800
    assert len(figures["idle_messages"]) == 2, "hello and welcome, and nothing that the box knows already"


@pytest.mark.parametrize(("payload", "packet"), [(0, 11), (100, 111), (200, 212), (20_000, 20_013)])
def test_a_message_costs_its_header_its_topic_and_a_confirmation(payload: int, packet: int) -> None:
    """1 type + length of the rest + (2 topic length, 1 topic, 2 number, 1 properties) + payload, and 4 to confirm."""
    assert packet_bytes("t", payload) == packet + 1
