"""That a grabbed gun is nobody else's, shown by a real kernel with a real input device: `make image-test`."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.guest import ROOT, Machine, file_system

SCANS = [f"ZY0{n:02d}" for n in range(10)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    cache = ROOT / ".stamps" / "image"
    initrd = file_system(cache, tmp_path, Path(__file__).with_name("reader_in_guest.py"))
    machine = Machine(cache, tmp_path, initrd)
    yield machine
    machine.close()


@pytest.mark.row("F10.29")
@pytest.mark.skipif(not os.environ.get("WAYSTATION_IMAGE"), reason="make image-test: boots a machine in QEMU")
def test_a_grabbed_gun_is_heard_by_nobody_else(machine: Machine) -> None:
    began_s = time.monotonic()
    machine.wait("free")
    print(f"the reader was ready {time.monotonic() - began_s:.0f} s after power-on")
    machine.type([*"free1", "ret"])
    machine.wait("heard other free1")
    machine.wait("grabbed")
    for text in SCANS:
        machine.type([*text, "ret"])
        machine.wait(f"heard ours {text}")
    machine.wait("let go")
    machine.type([*"free2", "ret"])
    machine.wait("heard other free2")
    lines = machine.wait("pull")
    assert [line for line in lines if line.startswith("heard ours")] == [f"heard ours {text}" for text in SCANS]
    assert [line for line in lines if line.startswith("heard other")] == ["heard other free1", "heard other free2"]
    assert "second grab device.taken" in lines
    machine.ask("device_del", id="gun")
    machine.wait("closed last device.gone")
    machine.wait("closed other device.gone")
    machine.wait("ended 0")
