"""A thread outlives what one of its turns meets."""

import pytest

from sync.adapters import bugs
from sync.kernel.outcome import Unavailable


def test_what_is_away_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def away() -> None:
        raise Unavailable("store.connect", 5.0)

    bugs.survive("tick", away)
    assert capsys.readouterr().err == ""


def test_a_bug_is_told_by_place_and_never_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    def wrong() -> None:
        raise KeyError("欧阳静姝")

    bugs.survive("tick", wrong)
    told = capsys.readouterr().err
    assert "bug in tick: KeyError at" in told and "test_bugs.py" in told and "欧阳静姝" not in told


def test_an_end_from_outside_is_obeyed() -> None:
    with pytest.raises(SystemExit):
        bugs.survive("tick", lambda: (_ for _ in ()).throw(SystemExit(1)))
