"""What a further worker of a hub leaves to the first of them."""

from __future__ import annotations

import pytest

from hub.link.greeting import for_any, for_the_first
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.hello import Hello

EPOCH, KEY = 4, bytes(range(32))


def said(kind: int, epoch: int, body: dict[int, object] | None = None) -> bytes:
    return message.make_message(
        kind, body or {}, signer="courier-aaaaaaaa", audience=None, epoch=epoch, signing_key=KEY, suite=suite1
    )


@pytest.mark.parametrize("kind", [message.ACK, message.WELCOME, message.ASK, message.IDENTITY])
@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH, EPOCH + 1])
@pytest.mark.row("H35.13")
def test_receipts_asks_and_identity_records_go_to_the_first(kind: int, epoch: int) -> None:
    assert for_the_first(said(kind, epoch), EPOCH)
    assert for_any(said(kind, epoch)) == (kind == message.IDENTITY)


@pytest.mark.parametrize(("epoch", "passed_on"), [(EPOCH - 1, False), (EPOCH, False), (EPOCH + 1, True)])
@pytest.mark.row("H35.13")
def test_a_hello_is_any_workers_unless_it_knows_a_higher_epoch(epoch: int, passed_on: bool) -> None:
    hello = Hello(software="1", incarnation=7, number=1, streams=(), acked_digest=bytes(8), cursors_digest=bytes(8))
    assert for_the_first(said(message.HELLO, epoch, dict(hello.body())), EPOCH) is passed_on


@pytest.mark.parametrize("raw", [b"", b"WAYB", b"WAYM", b"WAYM" + bytes(200), bytes(300)])
def test_what_is_no_message_is_refused_where_it_came_in(raw: bytes) -> None:
    assert not for_the_first(raw, EPOCH)
