"""Bytes that are wrong, on every carrier: one code, nothing kept but a number, and the door stays open."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import cbor2
import pytest
import zstandard

from sync.adapters.sqlite_log import outbox
from sync.kernel.fact import NewFact
from sync.kernel.limits import BATCH_EXPANDED_BYTES_MAX
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.ack import Ack
from sync.protocol.batch import make_batch

CARRIERS = ("mqtt", "https", "stick")


def a_batch(world, machine, *, signing=None, key_id=None, sealed=True) -> bytes:
    """All facts of the machine's lane 0, as its runner would send them."""
    stream = next(s for s in outbox.own_streams(machine.store) if s.lane == 0)
    cut = outbox.cut(machine.store, stream, 1, facts_max=500, bytes_max=65536)
    assert cut is not None
    public = suite1.sealing_public(world.voice.keys.sealing)
    return make_batch(
        node=machine.node,
        incarnation=stream.incarnation,
        lane=0,
        first=1,
        prev_hash=cut.prev_hash,
        items=cut.items,
        signing_key=signing or machine.signing,
        key_id=key_id or machine.key_id,
        hub_seal_key=public if sealed else None,
        suite=suite1,
    )


def signed_again(machine, raw: bytes) -> bytes:
    """The same header over whatever body now stands behind it, with body hash, length and signature made right."""
    body = raw[224:]
    header = bytearray(raw[:160])
    header[112:144] = hashlib.sha256(body).digest()
    header[152:156] = struct.pack(">I", len(body))
    return bytes(header) + suite1.sign(machine.signing, b"way/1 facts\0" + bytes(header)) + body


def bomb(world, machine, stated: int) -> bytes:
    """A small frame that grows to 8 MiB and more, in a batch that says `stated`."""
    raw = a_batch(world, machine, sealed=False)
    body = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(bytes(BATCH_EXPANDED_BYTES_MAX + 1))
    header = bytearray(raw[:160])
    header[7] = 1
    header[156:160] = struct.pack(">I", stated)
    return signed_again(machine, bytes(header) + raw[160:224] + body)


def unsigned(world, machine) -> bytes:
    raw = a_batch(world, machine)
    return raw[:160] + bytes(64) + raw[224:]


def by_another_key(world, machine) -> bytes:
    return a_batch(world, machine, signing=bytes(range(32)))


def says_another_key(world, machine) -> bytes:
    other = bytes(range(32))
    return a_batch(world, machine, signing=other, key_id=suite1.key_id(suite1.signing_public(other)))


def truncated(world, machine) -> bytes:
    return a_batch(world, machine)[:-1]


def truncated_in_header(world, machine) -> bytes:
    return a_batch(world, machine)[:100]


def oversized(world, machine) -> bytes:
    raw = a_batch(world, machine)
    return raw[:152] + struct.pack(">I", 2 * 1024 * 1024) + raw[156:]


def body_changed(world, machine) -> bytes:
    raw = a_batch(world, machine)
    return raw[:-1] + bytes((raw[-1] ^ 1,))


def not_cbor(world, machine) -> bytes:
    raw = a_batch(world, machine, sealed=False)
    body = b"\xff" * (len(raw) - 224)
    header = bytearray(raw[:224])
    header[7] &= ~1
    header[156:160] = struct.pack(">I", len(body))
    return signed_again(machine, bytes(header) + body)


def wrong_chain(world, machine) -> bytes:
    raw = a_batch(world, machine, sealed=False)
    body = cbor2.dumps([b"\xa0"])
    header = bytearray(raw[:224])
    header[7] = 0
    header[156:160] = struct.pack(">I", len(body))
    return signed_again(machine, bytes(header) + body)


BAD: list[tuple[str, Callable[..., bytes], str]] = [
    ("unsigned", unsigned, "batch.signature"),
    ("signed by another key", by_another_key, "batch.signature"),
    ("naming another key", says_another_key, "batch.key"),
    ("last byte missing", truncated, "batch.length"),
    ("cut inside the header", truncated_in_header, "batch.length"),
    ("says it is 2 MiB", oversized, "batch.too-big"),
    ("one bit of the body turned", body_changed, "batch.body-hash"),
    ("body is no CBOR", not_cbor, "batch.body"),
    ("another fact than the chain says", wrong_chain, "batch.chain"),
    ("grows beyond what it says", lambda w, m: bomb(w, m, 4096), "batch.expand"),
    ("says 9 MiB", lambda w, m: bomb(w, m, 9 * 1024 * 1024), "batch.too-big"),
]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(("make", "code"), [(m, c) for _, m, c in BAD], ids=[name for name, _, _ in BAD])
@pytest.mark.row("H35.7")
def test_a_bad_batch_is_refused_counted_and_forgotten(world_of, carrier, make, code) -> None:
    world, eventually, Ear = world_of
    machine = world.machine()
    ear = Ear()
    link = world.link(carrier, machine, ear)
    link.open()
    eventually(lambda: ear.ups)
    before = world.facts_held(machine.node)
    counted = world.hub_count(f"refused.{code}")
    assert link.send(make(world, machine))
    eventually(lambda: world.hub_count(f"refused.{code}") == counted + 1)
    assert world.facts_held(machine.node) == before
    # The door is still open: the good batch of the same facts is taken and signed for.
    good = a_batch(world, machine)
    assert link.send(good)
    ack = eventually(lambda: acknowledged(world, machine, ear))
    assert ack.streams[-1].upto == 1
    assert world.facts_held(machine.node) == before + 1
    # A replay is acknowledged again and changes nothing.
    assert link.send(good)
    assert eventually(lambda: acknowledged(world, machine, ear)).streams[-1].upto == 1
    assert world.facts_held(machine.node) == before + 1


def acknowledged(world, machine, ear) -> Ack | None:
    """The next acknowledgement that moved something, verified as the machine would."""
    while not ear.got.empty():
        raw = ear.got.get()
        opened = message.open_message(
            raw,
            keys=lambda node, key_id: world.voice.public if key_id == world.voice.key_id else None,
            audience=machine.node,
            suite=suite1,
        )
        if opened.type == message.ACK:
            ack = Ack.read(opened.body)
            if any(stream.upto for stream in ack.streams):
                return ack
    return None


@pytest.mark.parametrize("carrier", ("mqtt", "https"))
@pytest.mark.row("H35.6")
def test_a_certificate_of_another_authority_is_not_let_in(world_of, carrier) -> None:
    world, eventually, Ear = world_of
    machine = world.machine()
    ear = Ear()
    link = world.link(carrier, machine, ear, tls=world.foreign_tls(machine.node))
    link.open()
    eventually(lambda: ear.downs)
    assert ear.ups == []


@pytest.mark.parametrize("carrier", ("mqtt", "https"))
@pytest.mark.row("H35.7")
def test_nobody_speaks_for_another_node(world_of, carrier) -> None:
    """The certificate is right and the batch is right, but they are not of one machine."""
    world, eventually, Ear = world_of
    mine, theirs = world.machine(), world.machine()
    ear = Ear()
    link = world.link(carrier, mine, ear)
    link.open()
    eventually(lambda: ear.ups)
    counted = world.hub_count("refused.batch.foreign")
    assert link.send(a_batch(world, theirs))
    eventually(lambda: world.hub_count("refused.batch.foreign") == counted + 1)
    assert world.facts_held(theirs.node) == 0


@pytest.mark.row("H35.7")
def test_one_bad_fact_is_set_aside_alone_and_its_writer_is_told(world_of) -> None:
    """A courier may not write a discharge: that fact is quarantined, its neighbours are digested."""
    world, eventually, Ear = world_of
    machine = world.machine()
    ear = Ear()
    link = world.link("mqtt", machine, ear)
    link.open()
    eventually(lambda: ear.ups)
    machine.store.role = "hub"
    with machine.store.write() as unit:
        unit.append(NewFact(120, 50, machine.node, {1: "note", 5: True}))
        unit.append(NewFact(42, 10, "1001-1", {1: "W1", 2: "2026-11-20", 8: 1, 9: "c"}), lane=0)
        unit.append(NewFact(120, 50, machine.node, {1: "note", 5: True}))
    assert link.send(a_batch(world, machine))
    ack = eventually(lambda: with_rejects(world, machine, ear))
    assert [(seq, code) for seq, code, _ in ack.streams[0].rejects] == [(3, "fact.role")]
    assert ack.streams[0].upto == 4
    world.digester.digest_all()
    assert world.digester.lag() == 0
    assert world.hub.state(10, "1001-1") is None


def with_rejects(world, machine, ear) -> Ack | None:
    ack = acknowledged(world, machine, ear)
    return ack if ack is not None and ack.streams[0].rejects else None
