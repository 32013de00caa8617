from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sync.adapters.idgen import SeededEntropy, SystemEntropy
from sync.adapters.keys import create_secret, load_key, load_or_create_key, load_secret, write_whole
from sync.kernel.outcome import Unavailable


def test_seeded_bytes_do_not_depend_on_the_sizes_asked() -> None:
    whole = SeededEntropy(7).bytes(100)
    pieces = SeededEntropy(7)
    assert b"".join(pieces.bytes(n) for n in (1, 0, 33, 60, 6)) == whole
    assert SeededEntropy(8).bytes(100) != whole


def test_system_bytes_differ() -> None:
    assert SystemEntropy().bytes(16) != SystemEntropy().bytes(16)


def test_a_key_is_drawn_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    first = load_or_create_key(path, SystemEntropy())
    assert load_or_create_key(path, SystemEntropy()) == first == load_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["store.key"]


def test_many_threads_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    seen: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: seen.append(load_or_create_key(path, SystemEntropy()))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert len(set(seen)) == 1


def test_what_is_wrong_with_a_key_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    with pytest.raises(Unavailable) as missing:
        load_key(path)
    assert str(missing.value) == "key.missing"
    write_whole(path, b"short")
    with pytest.raises(Unavailable) as damaged:
        load_or_create_key(path, SystemEntropy())
    assert str(damaged.value) == "key.damaged"
    assert path.read_bytes() == b"short", "a damaged key is never replaced"
    path.chmod(0o640)
    with pytest.raises(Unavailable) as open_to_others:
        load_secret(path)
    assert str(open_to_others.value) == "key.permissions"


def test_create_never_replaces_and_write_always_does(tmp_path: Path) -> None:
    path = tmp_path / "one"
    create_secret(path, b"a")
    with pytest.raises(FileExistsError):
        create_secret(path, b"b")
    assert path.read_bytes() == b"a"
    write_whole(path, b"c", mode=0o644)
    assert path.read_bytes() == b"c"
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["one"]
