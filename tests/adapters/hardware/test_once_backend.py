"""The backend that delivers a job once, with another program in the place of the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hardware.twins.print_room import ONCE

UUID = "job-uuid=urn:uuid:526e1725-b588-36ab-71a9-2f01de0a8146"
STOP, CANCEL = 4, 5
"""What a backend's end asks of CUPS. Source: backend(7), CUPS 2.4."""


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    shutil.copy(ONCE, tmp_path / "once")
    real = tmp_path / "ipp"
    real.write_text('#!/bin/sh\necho "$DEVICE_URI $1 $6"\n')
    for program in (tmp_path / "once", real):
        program.chmod(0o755)
    return tmp_path / "once"


def deliver(
    backend: Path, uri: str = "once:/ipp://localhost/ipp/print", options: str = f"sides=x {UUID}"
) -> tuple[int, str]:
    done = subprocess.run(
        [backend, "7", "box", "way-j-1", "1", options, "file"],
        env={**os.environ, "DEVICE_URI": uri, "CUPS_SERVERBIN": "/nowhere", "CUPS_CACHEDIR": f"{backend.parent}/cache"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.strip()


@pytest.mark.row("F11.1")
def test_a_job_leaves_once_and_its_number_may_leave_again(backend: Path) -> None:
    assert deliver(backend) == (0, "ipp://localhost/ipp/print 7 file")
    assert deliver(backend) == (CANCEL, "")
    other = UUID.replace("526e", "626e")
    assert deliver(backend, options=other) == (0, "ipp://localhost/ipp/print 7 file")


@pytest.mark.parametrize(
    ("uri", "options", "end"),
    [
        ("ipp://localhost/ipp/print", UUID, STOP),  # not behind the guard
        ("once:/once:/ipp://localhost/", UUID, STOP),  # itself
        ("once:/../sh://localhost/", UUID, STOP),  # no name of a backend
        ("once:/nothing://localhost/", UUID, STOP),
        ("once:/ipp://localhost/", "sides=x", CANCEL),  # a job that cannot be told from others
        ("once:/ipp://localhost/", "job-uuid=urn:uuid:../../x", CANCEL),
    ],
)
def test_what_it_does_not_deliver(backend: Path, uri: str, options: str, end: int) -> None:
    assert deliver(backend, uri, options) == (end, "")


def test_it_has_no_devices_of_its_own(backend: Path) -> None:
    assert subprocess.run([backend], capture_output=True, check=True).stdout == b""
