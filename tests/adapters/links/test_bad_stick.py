"""A box that is given a stick full of nonsense, most of it signed by its own hub: counted, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import cbor2
import pytest

from sync.adapters.stick_link import read_stick
from sync.protocol import message
from tests.adapters.bad_input.envelopes import Kind, short_kinds
from tests.adapters.links.conftest import HUB
from tests.adapters.links.test_bad_words import report as report
from tests.adapters.links.test_bad_words import standing, words
from tests.adapters.links.test_stick import Walked
from tests.adapters.links.test_stick import small_segments as small_segments
from tests.adapters.links.test_stick import walked as walked


def parcels(walked: Walked, messages: list[bytes]) -> list[Kind]:
    """Around each parcel of a good file."""
    made: list[Kind] = []
    for n, raw in enumerate(messages):
        if message.parse_short_header(raw).type == message.PARCEL:
            body = cbor2.loads(raw[message.SIGNED_BYTES :])
            key = walked.world.voice.keys.signing
            made += [
                Kind(f"{n} {kind.name}", kind.raw)
                for kind in short_kinds(message.PARCEL, body, key, HUB, walked.machine.node)
            ]
    return made


@pytest.mark.row("H35.7")
def test_wrong_words_on_a_stick_are_counted_and_change_nothing(
    walked: Walked, report: Callable[[str, int], None], capfd: pytest.CaptureFixture[str]
) -> None:
    back = walked.at_hub(walked.up())
    kinds = words(walked.world, walked.machine, walked.store.incarnation)
    apart = [kind for kind in parcels(walked, read_stick(back)) if kind.raw]
    before, counted = standing(walked.box), 0
    for some in (*([kind] for kind in apart), *(kinds[at : at + 100] for at in range(0, len(kinds), 100))):
        done = walked.post.take([kind.raw for kind in some])
        counted += done.refused.total()
        assert standing(walked.box) == before, some[0].name
        assert done.acknowledged == 0 and done.rounds is None, some[0].name
    assert counted > 0.8 * len(kinds) + len(apart) - 1, "what no stick brings is passed over"
    assert len(apart) > 200 and "Traceback" not in capfd.readouterr().err
    report("box, words by stick", len(kinds) + len(apart))
    assert walked.down(back).rounds is not None and walked.box.copy("ward:W12")
