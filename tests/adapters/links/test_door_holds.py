"""Whatever comes, the door answers or refuses; it never fails, and it never keeps what it refused.

Messages are broken at random places, then signed again with the machine's own key, so that they get past the signature.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import cbor2
import pytest

from sync.kernel import canonical
from sync.kernel.fact import NewFact
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.batch import make_batch
from sync.protocol.hello import Hello, HelloStream
from sync.protocol.sets import SetsAsk

SEEDS = range(6)
NASTY = [None, True, -1, 0, 2**63 - 1, "", "x" * 300, b"", b"\x00" * 32, [], [[]], {}, {1: {2: []}}, "\u0000<script>"]


def broken_maps(body: dict, rng: random.Random, n: int) -> Iterator[dict]:
    """The map with one field replaced, doubled in depth, or gone."""
    for _ in range(n):
        made = dict(body)
        number = rng.choice(sorted(made))
        match rng.randrange(3):
            case 0:
                made[number] = rng.choice(NASTY)
            case 1:
                made[number] = [made[number]]
            case _:
                del made[number]
        yield made


def say(world, machine, kind: int, body: dict, epoch: int = 1) -> bytes:
    return message.make_message(
        kind, body, signer=machine.node, audience=world.hub.node, epoch=epoch, signing_key=machine.signing, suite=suite1
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_messages_are_answered_or_refused(shared_world, seed) -> None:
    world, rng = shared_world, random.Random(seed)
    machine = world.machine(scopes=["site:stays"])
    hello = Hello("test", 7, 1, (HelloStream(7, 0, 1, 0, 1),)).body()
    plain = canonical.decode(canonical.encode(hello))
    row = world.hub.node_row(machine.node)
    for body in broken_maps(plain, rng, 80):
        for kind in (message.HELLO, message.IDENTITY, message.ACK, message.TRUST, message.SETS):
            outcome = world.door.receive_many([offer(say(world, machine, kind, body), machine.node)])
            assert len(outcome.refused) == 1
    ask = canonical.decode(canonical.encode(SetsAsk("site:stays", tuple([bytes(16)] * 256)).body()))
    for body in broken_maps(ask, rng, 40):
        try:
            world.desk.repair(row, "site:stays", say(world, machine, message.SETS, body))
        except Exception as fault:
            assert type(fault).__name__ == "PeerFault"
    assert world.facts_held(machine.node) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_facts_in_good_batches_are_set_aside_and_the_digest_goes_on(shared_world, seed) -> None:
    """The chain holds, so custody is taken; what makes no sense is quarantined, whatever it is."""
    world, rng = shared_world, random.Random(seed)
    machine = world.machine()
    with machine.store.write() as unit:
        unit.append(NewFact(120, 50, machine.node, {1: "note.one", 5: True}))
    with machine.store.read() as conn:
        good = conn.execute("SELECT fact FROM log ORDER BY stream, seq DESC LIMIT 1").fetchone()[0]
    items: list[bytes] = []
    for body in broken_maps(canonical.decode(good), rng, 40):
        items.append(cbor2.dumps(body))
    for _ in range(40):
        raw = bytearray(good)
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        items.append(bytes(raw))
    items += [b"\xff", b"\xa0", good[:-1], good + b"\0", b"<script>" * 100, bytes(60_000)]
    raw = make_batch(
        node=machine.node,
        incarnation=9,
        lane=0,
        first=1,
        prev_hash=bytes(32),
        items=items,
        signing_key=machine.signing,
        hub_seal_key=suite1.sealing_public(world.voice.keys.sealing),
        suite=suite1,
    )
    outcome = world.door.receive_many([offer(raw, machine.node)])
    assert outcome.refused == [None]
    assert outcome.appended == len(items)
    world.wait_digested()
    with world.hub.read() as conn:
        aside = conn.execute(
            "SELECT count(*) FROM quarantine q JOIN stream s ON s.id = q.stream WHERE s.node = ?", (machine.node,)
        ).fetchone()[0]
    assert 40 < aside <= len(items)


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_is_refused(shared_world, seed) -> None:
    world, rng = shared_world, random.Random(seed)
    machine = world.machine()
    heads = [b"", b"WAYB\1\1\1", b"WAYM\1\1"] * 60
    offers = [offer(head + rng.randbytes(rng.randrange(400)), machine.node) for head in heads]
    outcome = world.door.receive_many(offers)
    assert None not in outcome.refused
    assert outcome.answers == {}


def offer(raw: bytes, node: str):
    from hub.link.door import Offer

    return Offer(raw, "mqtt", node)
