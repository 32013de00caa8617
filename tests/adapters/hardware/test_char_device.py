"""A character device as a printer's node: the kernel's pseudo terminals stand in for /dev/usb/lp0."""

import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.transports.char_device import CharDeviceStream
from sync.kernel.outcome import Unavailable


@pytest.fixture
def pair() -> Iterator[tuple[int, str]]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


def test_bytes_go_both_ways(pair: tuple[int, str]) -> None:
    printer, path = pair
    stream = CharDeviceStream(path)
    stream.write(b"\x1b@" * 20)
    assert os.read(printer, 100) == b"\x1b@" * 20
    assert stream.read(0.0) == b""
    os.write(printer, b"\x12")
    assert stream.read(5.0) == b"\x12"
    stream.close()
    stream.close()
    with pytest.raises(Unavailable, match=r"device\.closed"):
        stream.read(None)


def test_a_long_slip_waits_for_a_slow_printer(pair: tuple[int, str]) -> None:
    printer, path = pair
    stream, data, got = CharDeviceStream(path), bytes(range(256)) * 400, bytearray()

    def swallow() -> None:
        while len(got) < len(data):
            got.extend(os.read(printer, 4096))

    reader = threading.Thread(target=swallow)
    reader.start()
    stream.write(data)
    reader.join(timeout=30.0)
    stream.close()
    assert bytes(got) == data


def test_a_printer_that_takes_nothing_is_stuck_and_not_waited_for_without_end(pair: tuple[int, str]) -> None:
    stream = CharDeviceStream(pair[1], write_s=0.1)
    with pytest.raises(Unavailable, match=r"device\.stuck"):
        stream.write(bytes(1 << 20))
    stream.close()


def test_a_missing_node_stays_missing_and_a_file_is_no_device(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"device\.gone"):
        CharDeviceStream(str(tmp_path / "lp0"))
    assert not (tmp_path / "lp0").exists()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match=r"device\.not-a-device"):
        CharDeviceStream(str(tmp_path / "file"))
