"""The key folder while its signing key changes: a process may die at any step, and no step leaves it without a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.trust.key_files import KeyFiles
from sync.adapters.idgen import SeededEntropy
from sync.adapters.keys import write_whole
from sync.adapters.keys.suites import suite_of
from sync.kernel.outcome import Unavailable

FIRST = bytes(range(1, 33))


class Dead(BaseException):
    """The process is no more."""


def files(folder: Path, number: int, last: str = "", fault: type[BaseException] = Dead) -> KeyFiles:
    def point(place: str) -> None:
        if place == last:
            raise fault

    return KeyFiles(folder, suite_of(number), SeededEntropy(3), point)


@pytest.mark.parametrize("number", [1, 2])
def test_a_key_is_drawn_once_and_put_in_force_in_one_step(tmp_path: Path, number: int) -> None:
    write_whole(tmp_path / "signing.key", FIRST)
    own, suite = files(tmp_path, number), suite_of(number)
    assert own.next is None and own.former == () and own.identity == b""
    coming = own.draw()
    assert own.draw() == coming == own.next and own.signing == FIRST
    own.keep_identity(b"record")
    own.put_in_force()
    assert (own.signing, own.next, own.identity) == (coming, None, b"record")
    assert own.former == (suite.signing_public(FIRST),)
    second = own.draw()
    own.put_in_force()
    assert own.signing == second and own.former == tuple(map(suite.signing_public, (FIRST, coming)))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


STEPS = ("key.next", "key.identity", "key.switch")


@pytest.mark.parametrize("place", [f"{step}:{side}" for step in STEPS for side in ("before", "after")])
def test_a_process_that_dies_leaves_a_key_in_force_and_the_next_one_goes_on(tmp_path: Path, place: str) -> None:
    write_whole(tmp_path / "signing.key", FIRST)
    with pytest.raises(Dead):
        dying = files(tmp_path, 1, place)
        dying.draw()
        dying.keep_identity(b"record")
        dying.put_in_force()
    again = files(tmp_path, 1)
    in_force = again.signing
    assert in_force == FIRST or place == "key.switch:after"
    if in_force == FIRST:
        coming = again.draw()
        again.keep_identity(b"record")
        again.put_in_force()
        assert again.signing == coming != FIRST
    assert again.former == (suite_of(1).signing_public(FIRST),) and again.next is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["identity.way", "signing.former", "signing.key"]


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_takes_nothing_changes_nothing(tmp_path: Path, step: str) -> None:
    write_whole(tmp_path / "signing.key", FIRST)
    whole = files(tmp_path, 1)
    if step != "key.next":
        whole.draw()
    full = files(tmp_path, 1, f"{step}:before", OSError)
    act = {"key.next": full.draw, "key.identity": lambda: full.keep_identity(b"r"), "key.switch": full.put_in_force}
    with pytest.raises(Unavailable, match=r"key\.write"):
        act[step]()
    assert whole.signing == FIRST and whole.identity == b"" and (whole.next is None) == (step == "key.next")
