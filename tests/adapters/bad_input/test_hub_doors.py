"""A whole running hub and every door that machines have to it: hundreds of wrong bytes, one code each, then a good one.

The same messages go by HTTPS, over the broker and on a stick, and must meet the same code there. Nothing of them stays
but a number; the answer is there within two seconds; memory does not follow what they claim.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import cbor2
import pytest

from provisioning.trust.ca import make_request as make_csr
from sync.adapters.mqtt_link import ROOT
from sync.kernel import canonical
from sync.kernel.limits import BLOB_CHUNK_BYTES, FRAMES_BYTES_MAX, INT_MAX, MQTT_PAYLOAD_BYTES_MAX
from sync.kernel.suite import suite1
from sync.protocol import frames, hello, message, stick
from sync.protocol.ack import Ack
from sync.protocol.fair import said_in
from sync.protocol.hello import Welcome
from tests.adapters.bad_input.cbor_traps import TRAPS, around, wrong_fields
from tests.adapters.bad_input.envelopes import Kind
from tests.adapters.bad_input.whole_site import LEAKED, MEMORY_BYTES_MAX, Site, Told, memory_bytes, memory_forget
from tests.waiting import until

TOGETHER = 25
"""Messages on the way at once."""

Report = Callable[[str, int], None]


def apart(kinds: Sequence[Kind]) -> Iterator[list[Kind]]:
    """In portions that the hub's queue keeps whole: not too many, and no two that claim to say the same."""
    row_of: Counter[bytes] = Counter()
    rows: defaultdict[int, list[Kind]] = defaultdict(list)
    for kind in kinds:
        said = said_in(kind.raw)
        rows[row_of[said]].append(kind)
        row_of[said] += 1
    for row in rows.values():
        yield from (row[at : at + TOGETHER] for at in range(0, len(row), TOGETHER))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.stop()


@pytest.fixture
def report(capfd: pytest.CaptureFixture[str]) -> Report:
    """Prints how many kinds a door was given, also where output is captured."""

    def say(door: str, kinds: int) -> None:
        with capfd.disabled():
            print(f"\n  {door}: {kinds} kinds", end="")

    return say


@pytest.fixture(autouse=True)
def unharmed(site: Site, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing kept, no bug told, memory in bounds, and an honest machine is still served."""
    assert site.kinds
    before, at_first = site.held(), memory_bytes("VmRSS")
    memory_forget()
    yield
    assert memory_bytes("VmHWM") - at_first <= MEMORY_BYTES_MAX
    assert site.held() == before
    told = capfd.readouterr()
    assert "bug in" not in told.err and "Traceback" not in told.err
    answer = site.post("/messages", frames.pack([site.good]))
    ack = message.open_message(
        frames.unpack(answer.content)[0], keys=lambda _node, _key: site.hub.voice.public, suite=suite1
    )
    assert Ack.read(ack.body).streams[0].upto == 1


@pytest.mark.row("H35.7")
def test_messages_by_https(site: Site, report: Report) -> None:
    counted = site.refused()
    told = site.by_https
    assert not told.faults, "\n".join(told.faults[:20])
    at_door = sum(code.startswith("frames.") for code in told.code.values())
    assert (site.refused() - counted).total() == len(site.kinds) - at_door, "each is counted"
    report("sync door, messages", len(told.code))
    assert len(told.code) > 300


@pytest.mark.row("H35.7")
def test_a_hello_under_a_key_that_nobody_knows_is_asked_for_the_record(site: Site) -> None:
    """The certificate vouches for the machine, and for nothing that it says: nothing of the hello is kept."""
    before = site.held()
    assert len(site.under_another_key) == 3
    for kind in site.under_another_key:
        (raw,) = frames.unpack(site.post("/messages", frames.pack([kind.raw])).content)
        said = message.open_message(raw, keys=lambda _node, _key: site.hub.voice.public, suite=suite1)
        told = Welcome.read(said.body)
        assert (said.type, told.status, told.wanted) == (message.WELCOME, hello.UNKNOWN, (hello.IDENTITY,))
    assert site.held() == before


@pytest.mark.row("H35.7")
def test_messages_over_the_broker(site: Site, report: Report) -> None:
    kinds = [kind for kind in site.kinds if len(kind.raw) <= MQTT_PAYLOAD_BYTES_MAX]
    assert not site.by_https.faults
    counted = site.refused()
    with site.on_the_broker() as say:
        sent = 0
        for some in apart(kinds):
            for kind in some:
                say(f"{ROOT}/n/{site.node}/up/batch", kind.raw)
            sent += len(some)
            until(lambda sent=sent: (site.refused() - counted).total() >= sent)
    assert site.same_as_https(kinds, site.refused() - counted)
    report("broker, up/batch", len(kinds))


@pytest.mark.row("H35.7")
def test_whatever_else_a_machine_may_publish(site: Site, report: Report) -> None:
    """Topics under its own name that the hub hears otherwise, or not at all: nothing comes of it, and nobody ends."""
    some = [kind.raw for kind in site.kinds[::40] if len(kind.raw) <= MQTT_PAYLOAD_BYTES_MAX]
    payloads = [*some, b"", b"\0", b"here", b"gone\xff", bytes(MQTT_PAYLOAD_BYTES_MAX)]
    topics = (
        "presence",
        "birth",
        "telemetry",
        "reported",
        "cmd",
        "alarm",
        "log",
        "batch/x",
        "presence/batch",
        "$share/x",
    )
    counted = site.refused()
    with site.on_the_broker() as say:
        for topic in topics:
            for raw in payloads:
                say(f"{ROOT}/n/{site.node}/up/{topic}", raw)
        say(f"{ROOT}/n/{site.node}/up/batch", site.kinds[0].raw)
        until(lambda: (site.refused() - counted).total() >= 1)  # what came before it was heard, too
    assert (site.refused() - counted).total() == 1
    report("broker, other topics", len(topics) * len(payloads))


@pytest.mark.row("H35.7")
def test_messages_on_a_stick(site: Site, report: Report) -> None:
    """Nobody vouches for who carries a stick: what names another node is judged by that node's keys.

    A parcel comes by stick alone, so an empty one is nothing wrong there.
    """
    kinds = [
        kind
        for kind in site.kinds
        if not site.by_https.code[kind.name].startswith("frames.") and kind.name != "an empty parcel"
    ]
    counted = site.refused()
    answer = site.screens("/stick", stick.pack([kind.raw for kind in kinds]))
    assert answer.status_code == 200 and not LEAKED.search(answer.content)
    assert site.same_as_https(kinds, site.refused() - counted)
    report("stick, messages", len(kinds))


@pytest.mark.row("H35.7")
def test_stick_files(site: Site, report: Report) -> None:
    """Cut, turned, longer, of another version: none is taken by halves."""
    whole = stick.pack([site.kinds[0].raw, site.kinds[1].raw])
    places = [*range(0, 40), *range(40, len(whole), 9), len(whole) - 33, len(whole) - 1]
    made = {f"cut at {at}": whole[:at] for at in places}
    made |= {f"byte {at} turned": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in places}
    for name, inner in {
        "frame longer than the file": b"\x7f\xff\xff\xffx",
        "empty frame": bytes(4),
        "half a length": b"\0\0",
        "a frame behind the end": bytes(4) + frames.pack([b"x"]),
    }.items():
        body = b"WAYSTICK\x01" + bytes(7) + inner + bytes(4)
        made[name] = body + hashlib.sha256(body).digest()
    other = whole[:8] + b"\x02" + whole[9:-32]
    made |= {
        "another version": other + hashlib.sha256(other).digest(),
        "itself twice": whole + whole,
        "a byte behind": whole + b"\0",
        "a ZIP": b"PK\x03\x04" + bytes(200),
        "a page": b"<html>" * 40,
    }
    told, counted = Told(), site.refused()
    for name, data in made.items():
        told.ask(name, partial(site.screens, "/stick", data))
    assert not told.faults, "\n".join(told.faults[:20])
    assert site.refused() == counted, "not one message of a file that is not whole"
    report("stick, files", len(made))


@pytest.mark.row("H35.7")
def test_frames_addresses_and_questions(site: Site, report: Report) -> None:
    told = Told()
    for name, data in {
        "half a length": b"\0\0",
        "an empty frame": bytes(4),
        "a frame that is not there": b"\0\0\0\x09short",
        "a frame of 4 GiB": b"\xff\xff\xff\xffx",
        "seventeen frames": frames.pack([b"x"] * 17),
        "a good frame and a half": frames.pack([site.kinds[0].raw])[:-1],
        "beyond a MiB": bytes(FRAMES_BYTES_MAX + 1),
        "far beyond": bytes(2 * FRAMES_BYTES_MAX),
        "a form": b"a=1&b=2",
        "JSON": b'{"a": 1}',
    }.items():
        told.ask(f"frames: {name}", partial(site.post, "/messages", data))
    epochs = ("0", "2", "-1", "x", str(2**32), str(2**63), str(2**64), "1" * 400)
    numbers = ("0", "-1", "x", str(INT_MAX), str(2**63), str(2**64), "9" * 400, "1.5", "%00", "")
    labels = ("ward:W99", "..", "%2e%2e", "%00", "site%00", "SITE", "x" * 3000, "病区", "ward:%ff", "a/b", "'--", " ")
    paths = [f"/feeds/{label}/1/1" for label in labels] + [f"/feeds/{label}/manifest" for label in labels]
    paths += [f"/feeds/site/{epoch}/1" for epoch in epochs] + [f"/feeds/site/2/{n}" for n in numbers]
    paths += [f"/feeds/{label}/1/snap-1/0" for label in labels]
    paths += [f"/streams/{n}/0/1" for n in (*numbers, "g" * 16, "f" * 16, "0" * 17, "A" * 16)]
    paths += [f"/streams/{'1' * 16}/{lane}/1" for lane in ("3", "255", "-1", "x", str(2**64))]
    paths += [f"/streams/{'1' * 16}/0/{n}" for n in numbers if n != str(INT_MAX)]
    paths += [f"/{name}" for name in ("", "x", "heads/x", "../../healthz", "%2e%2e/healthz", "messages/1")]
    for path in paths:
        told.ask(f"GET {path}", partial(site.post, path, b"", "GET"))
    sets = list(site.asks_for_sets())
    for kind in sets:
        told.ask(kind.name, partial(site.post, "/feeds/site/repair", kind.raw))
    assert not told.faults, "\n".join(told.faults[:20])
    report("sync door, the rest", len(told.code))


@pytest.mark.row("H35.7")
def test_blobs(site: Site, report: Report) -> None:
    told, name = Told(), "ab" * 32
    wants: dict[str, bytes] = dict(around({1: 10}))
    wants |= {what: canonical.encode(body) for what, body in wrong_fields({1: 10})}
    wants |= {f"size {n}": cbor2.dumps({1: n}) for n in (0, 2**30 + 1, 2**40, INT_MAX)}
    for what, data in wants.items():
        told.ask(f"want: {what}", partial(site.post, f"/blobs/{name}/want", data))
    names = ("", "ab" * 31, "ab" * 33, "AB" * 32, "zz" * 32, "..", "%00" * 64, "..%2f..%2fetc", "病" * 32, "a" * 9000)
    for bad in names:
        for path in (f"/blobs/{bad}/want", f"/blobs/{bad}/finish"):
            told.ask(f"name: {path[:60]}", partial(site.post, path, cbor2.dumps({1: 10})))
        told.ask(f"name of a chunk: {bad[:40]}", partial(site.post, f"/blobs/{bad}/chunks/0", b"x", "PUT"))
    good = hashlib.sha256(b"x").hexdigest()
    for query in ("", "?digest=", f"?digest={good[:-1]}", f"?digest={good.upper()}", "?digest=%00", f"?digest={good}0"):
        told.ask(f"digest: {query}", partial(site.post, f"/blobs/{name}/chunks/0{query}", b"x", "PUT"))
    for n in ("-1", "x", str(2**31), str(2**64), "9" * 400, "%00"):
        told.ask(f"chunk {n[:20]}", partial(site.post, f"/blobs/{name}/chunks/{n}?digest={good}", b"x", "PUT"))
        told.ask(f"read {n[:20]}", partial(site.post, f"/blobs/{name}/chunks/{n}", b"", "GET"))
    for size in (BLOB_CHUNK_BYTES + 1, 2 * BLOB_CHUNK_BYTES):
        path = f"/blobs/{name}/chunks/0?digest={good}"
        told.ask(f"a chunk of {size} bytes", partial(site.post, path, bytes(size), "PUT"))
    told.ask("finish what nobody began", partial(site.post, f"/blobs/{name}/finish", b""))
    assert not told.faults, "\n".join(told.faults[:20])
    report("sync door, blobs", len(told.code))


@pytest.mark.row("H35.7")
def test_enrolment(site: Site, report: Report) -> None:
    """Whoever has no card gets a code; also with every proof in order but the card's."""
    signing, token = bytes(range(32)), bytes(16)
    inner = {
        1: "xinghe", 2: "courier", 3: 1, 4: make_csr(site.keys.tls_key()), 5: suite1.signing_public(signing),
        6: bytes(range(32)), 7: "test",
    }  # fmt: skip

    def proven(body: bytes) -> Mapping[int, bytes]:
        proof = hmac.digest(token, hashlib.sha256(body).digest(), "sha256")
        said = b"way/1 enrol\0" + hashlib.sha256(body).digest()
        return {1: body, 2: token, 3: proof, 4: suite1.sign(signing, said)}

    good = proven(canonical.encode(inner))
    made: dict[str, bytes] = {f"around: {name}": data for name, data in around(good)}
    made |= {f"outer: {name}": canonical.encode(fields) for name, fields in wrong_fields(good)}
    made |= {f"within: {name}": cbor2.dumps(proven(data)) for name, data in around(inner) if len(data) < 4000}
    made |= {f"inner: {name}": cbor2.dumps(proven(canonical.encode(fields))) for name, fields in wrong_fields(inner)}
    for name, csr in {
        "empty": b"", "cut": inner[4][:-9], "turned": inner[4][:-1] + bytes([inner[4][-1] ^ 1]), "noise": bytes(300),
        "PEM": b"-----BEGIN CERTIFICATE REQUEST-----\n", "long form": b"\x30\x84\xff\xff\xff\xff" + bytes(100),
        "deep": b"\x30\x80" * 500, "two": inner[4] + inner[4],
    }.items():  # fmt: skip
        made[f"signing request: {name}"] = cbor2.dumps(proven(canonical.encode({**inner, 4: csr})))
    made |= {f"alone: {name}": trap for name, trap in TRAPS.items()}
    made |= {"no card": canonical.encode(good), "far beyond": bytes(100_000)}
    told, at_machines_door = Told(), Told()
    for name, data in made.items():
        told.ask(name, partial(site.screens, "/enrol", data))
        at_machines_door.ask(name, partial(site.unnamed, "/enrol", data))
    assert not (faults := told.faults + at_machines_door.faults), "\n".join(faults[:20])
    assert told.code == at_machines_door.code
    assert told.code["no card"] == "card.unknown"
    report("enrolment", len(told.code) + len(at_machines_door.code))
