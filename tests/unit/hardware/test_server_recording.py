from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.server_recording import kept_answer, kept_question, like, plain_uri

QUESTIONS = ("queue", "make", "free", "job", "named", "cancel", "printer", "cancel_at_printer")
ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["state", "jobs", "x"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("socket://10.0.0.7:9100/?waiteof=false", "socket://printer"),
        ("once:/ipp://zhang:secret@10.0.0.7/ipp/print?waitjob=false", "once:/ipp://printer"),
        ("usb://Epson/TM-T88?serial=4A", "usb://printer"),
        ("/dev/usb/lp0", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_of_an_address_the_way_is_kept(uri: str | None, kept: str) -> None:
    assert plain_uri(uri) == kept
    assert kept_question("printer", {"uri": uri})["uri"] == kept


def test_of_an_answer_the_fields_that_count_are_kept() -> None:
    job = {"number": 7, "uuid": "urn:uuid:1-2", "name": "way-5f-1", "state": 9, "reasons": ["job-completed"]}
    assert kept_answer("named", [{**job, "owner": "zhang", "reasons": ["job-completed", "张三 said"]}]) == [job]
    assert kept_answer("job", None) is None
    assert kept_answer("queue", {"state": "3", "accepting": 1}) == {"state": None, "accepting": False}


@pytest.mark.parametrize("do", QUESTIONS)
@given(answer=ANY)
def test_any_answer_is_survived_and_no_sentence_kept(do: str, answer: Any) -> None:
    def sentences(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(sentences, value.values()))
        return any(map(sentences, value)) if isinstance(value, list) else isinstance(value, str) and " " in value

    assert not sentences(kept_answer(do, answer))


def test_rounds_are_alike_while_the_printer_runs_on() -> None:
    def looked(at_s: float, up_s: int) -> list[dict[str, Any]]:
        return [{"at_s": at_s, "ask": {"do": "printer"}, "ok": {"state": 3, "up_s": up_s}}]

    assert like(looked(10.0, 100), looked(40.0, 131))
    assert not like(looked(10.0, 100), looked(40.0, 3)), "it was switched off meanwhile"
    assert not like(looked(10.0, 100), [])
