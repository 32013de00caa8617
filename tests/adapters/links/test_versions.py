"""A hub and a box of different ages over the real line. Schemas beyond the product's own are synthetic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.simulator.synthetic import LATER, OWN, speak
from sync import catalog
from sync.domain.fleet.facts import noted
from sync.kernel.fact import NewFact

STAYS = "site:stays"
OLDEST = bytes(8)
"""What a box of the first release tells as its schema."""


@pytest.fixture(autouse=True)
def own_schema_again() -> Iterator[None]:
    yield
    speak(OWN)


def digest_of(schema: int) -> bytes:
    speak(schema)
    return catalog.schema_digest()


@pytest.mark.parametrize(
    ("hub", "box", "served"), [(2, 1, True), (2, 2, True), (2, 3, True), (3, 1, True), (3, 2, True), (4, 1, False),
                               (4, 2, True), (4, 4, True), (5, 1, False), (5, 2, False)],
)  # fmt: skip
def test_a_hub_serves_its_own_schema_newer_ones_and_two_before(
    hub: int, box: int, served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later schema stands for 3, 4 and 5 in turn."""
    own, later = digest_of(OWN), digest_of(LATER)
    numbers = {OLDEST: 1, own: 2, later: max(3, hub, box)}
    monkeypatch.setattr(catalog, "SCHEMAS", numbers)
    theirs = next((digest for digest, number in numbers.items() if number == box), b"\7" * 8)
    speak(LATER if hub > 2 else OWN)
    assert catalog.serves(theirs) is served


@pytest.mark.row("I25.4")
def test_a_box_that_is_too_old_works_on_and_loses_nothing(world, patiently, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its facts are taken and signed for; nothing comes down; once it is newer everything comes."""
    own = catalog.schema_digest()
    monkeypatch.setattr(catalog, "SCHEMAS", {OLDEST: 1, own: 4})
    with monkeypatch.context() as then:
        then.setattr("appliance.link.letters.schema_digest", lambda: OLDEST)
        machine = world.machine(scopes=[STAYS])
        box = world.box("https", machine=machine)
        with box.store.write() as unit:
            for n in range(20):
                unit.append(noted(machine.node, "list.exported", detail=str(n)))
        patiently(lambda: box.drained() and box.link.line_facts().outdated)
        with world.hub.write() as unit:
            unit.append(NewFact(40, 10, "00731234-1", {1: "00731234", 2: "1", 3: "W12", 8: 1, 9: "a"}))
        patiently(world.digested)
        assert world.facts_held(machine.node) == box.ledger()[0] >= 20
        with pytest.raises(Exception, match="node-too-old"):
            world.feeds_of(machine).heads()
        assert box.copy(STAYS) == {}
    box.link.call_now()
    patiently(lambda: not box.link.line_facts().outdated and len(box.copy(STAYS)) == 1)
