"""The rule and the bytes of enrolment, without any file or line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.trust.ca import make_request as make_csr
from provisioning.trust.ca import make_root, make_tls_key
from provisioning.trust.cards import CardRow, hash_of
from provisioning.trust.enrol import (
    Enrolled,
    Grant,
    decide_enrol,
    make_answer,
    make_request,
    read_answer,
    read_enrol_request,
    scopes_for,
)
from provisioning.trust.phrase import check_phrase
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import suite1

NOW_MS = 1_795_248_000_000
TOKEN = bytes(16)
ROOT = make_root("demo", NOW_MS)
RAW = make_request(
    site="demo",
    role="courier",
    token=TOKEN,
    csr=make_csr(make_tls_key()),
    signing_key=b"s" * 32,
    sealing_public=b"p" * 32,
    software="waystation 0.1.0",
    suite=suite1,
)
REQUEST = read_enrol_request(RAW, suite=suite1)
ROW = CardRow(hash_of(TOKEN), "demo", "courier", "Courier 1", ("W12", "W7"), NOW_MS, NOW_MS + 1000)
SCOPES = ("site", "site:people", "site:stays", "ward:W12", "ward:W7")


@pytest.mark.parametrize(
    ("row", "now_ms", "expected"),
    [
        (ROW, NOW_MS, Grant("courier", "Courier 1", ("W12", "W7"), SCOPES)),
        (ROW, NOW_MS + 999, Grant("courier", "Courier 1", ("W12", "W7"), SCOPES)),
        (None, NOW_MS, Refused("card.unknown")),
        (replace(ROW, token_hash=hash_of(b"x" * 16)), NOW_MS, Refused("card.unknown")),
        (replace(ROW, withdrawn=True, used_by="courier-x"), NOW_MS, Refused("card.withdrawn")),
        (replace(ROW, used_by="courier-x"), NOW_MS + 5000, Refused("card.used", {"node": "courier-x"})),
        (ROW, NOW_MS + 1000, Refused("card.expired")),
        (replace(ROW, site="other"), NOW_MS, Refused("card.other-site")),
        (replace(ROW, role="records"), NOW_MS, Refused("card.other-role", {"role": "records"})),
    ],
    ids=["good", "last instant", "no card", "another card", "withdrawn", "used", "expired", "site", "role"],
)
def test_who_is_let_in(row: CardRow | None, now_ms: int, expected: Grant | Refused) -> None:
    assert decide_enrol(row, REQUEST, site="demo", now_ms=now_ms) == expected


def test_a_machine_made_for_another_site_is_not_let_in() -> None:
    assert decide_enrol(ROW, replace(REQUEST, site="other"), site="demo", now_ms=NOW_MS) == Refused("card.other-site")


def test_scopes_follow_the_role() -> None:
    assert scopes_for("records", ("W12",)) == ("room:records", "site", "site:people", "site:stays")
    with pytest.raises(PeerFault):
        scopes_for("courier", ("W/1",))


def test_no_bit_of_a_request_can_change() -> None:
    for at in range(len(RAW)):
        with pytest.raises(PeerFault):
            read_enrol_request(RAW[:at] + bytes([RAW[at] ^ 1]) + RAW[at + 1 :], suite=suite1)
    for end in range(len(RAW)):
        with pytest.raises(PeerFault):
            read_enrol_request(RAW[:end], suite=suite1)


def test_keys_of_another_under_this_token_are_seen() -> None:
    outer = canonical.decode(RAW)
    thief = canonical.decode(
        make_request(
            site="demo",
            role="courier",
            token=b"t" * 16,
            csr=make_csr(make_tls_key()),
            signing_key=b"z" * 32,
            sealing_public=b"p" * 32,
            software="",
            suite=suite1,
        )
    )
    with pytest.raises(PeerFault, match=r"enrol\.proof"):
        read_enrol_request(canonical.encode(thief | {2: outer[2]}), suite=suite1)
    with pytest.raises(PeerFault, match=r"enrol\.signature"):
        read_enrol_request(canonical.encode(outer | {4: thief[4]}), suite=suite1)


ENROLLED = Enrolled(
    node="courier-abcdefgh",
    role="courier",
    name="收件 1",
    site="demo",
    hub="hub-abcdefgh",
    certificate=b"c",
    root=ROOT.certificate_der,
    identity=b"i",
    trust=b"t",
    sync_url="https://localhost:8443",
    mqtt=("localhost", 8883),
    server_name="localhost",
    scopes=SCOPES,
    hospital="示例医院",
)


@pytest.mark.parametrize("mqtt", [("localhost", 8883), None])
def test_an_answer_comes_back_under_its_pin(mqtt: tuple[str, int] | None) -> None:
    told = replace(ENROLLED, mqtt=mqtt)
    assert read_answer(make_answer(told, REQUEST.digest, ROOT), request_digest=REQUEST.digest, pin=ROOT.pin) == told


def test_no_bit_of_an_answer_can_change() -> None:
    raw = make_answer(ENROLLED, REQUEST.digest, ROOT)
    for at in range(len(raw)):
        with pytest.raises(PeerFault):
            read_answer(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], request_digest=REQUEST.digest, pin=ROOT.pin)


def test_an_answer_to_another_request_or_by_another_authority_is_none() -> None:
    with pytest.raises(PeerFault, match=r"enrol\.signature"):
        read_answer(make_answer(ENROLLED, bytes(32), ROOT), request_digest=REQUEST.digest, pin=ROOT.pin)
    other = make_root("demo", NOW_MS)
    forged = make_answer(replace(ENROLLED, root=other.certificate_der), REQUEST.digest, other)
    with pytest.raises(PeerFault, match=r"enrol\.pin"):
        read_answer(forged, request_digest=REQUEST.digest, pin=ROOT.pin)


def test_the_phrase_is_one_for_one_conversation() -> None:
    words = check_phrase(b"asked", b"answered")
    assert words == check_phrase(b"asked", b"answered")
    assert words != check_phrase(b"asked", b"answereD")
    assert words != check_phrase(b"askea", b"nswered")
    assert [len(words[lang]) for lang in ("zh", "en")] == [4, 4]
