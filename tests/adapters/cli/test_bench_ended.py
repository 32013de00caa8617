import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

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


@pytest.mark.parametrize("first_seen", ["-m hub", "mosquitto"], ids=["early", "late"])
def test_a_benchmark_that_is_ended_leaves_no_hub_and_no_broker(tmp_path: Path, first_seen: str) -> None:
    command = [str(Path(sys.executable).with_name("waystation")), "bench", "lone", "--json"]
    running = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        until(lambda: any(first_seen in words for words in processes_of(tmp_path)))
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=PATIENCE_S) == 128 + signal.SIGTERM
        until(lambda: not processes_of(tmp_path))
    finally:
        running.kill()
