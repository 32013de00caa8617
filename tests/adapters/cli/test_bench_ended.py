import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PATIENCE_S = 60.0


def processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words:
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


def eventually(true: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        if true():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("first_seen", ["-m hub", "mosquitto"], ids=["early", "late"])
def test_a_benchmark_that_is_ended_leaves_no_hub_and_no_broker(tmp_path: Path, first_seen: str) -> None:
    command = [str(Path(sys.executable).with_name("waystation")), "bench", "lone", "--json"]
    running = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: any(first_seen in words for words in processes_of(tmp_path)))
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=PATIENCE_S) == 128 + signal.SIGTERM
        assert eventually(lambda: not processes_of(tmp_path)), processes_of(tmp_path)
    finally:
        running.kill()
