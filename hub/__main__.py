"""`python -m hub --dir D`: one hub from its directory, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from hub.boot import SOFTWARE, Hub
from hub.settings import read_settings
from hub.worker import Worker
from provisioning.trust.names import WORKERS_MAX
from provisioning.trust.told import SUITE_SENTENCES
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.turns import keep_what_stands, take_short_turns
from sync.kernel.outcome import PeerFault, Unavailable

READY_STEP_S = 1.0
WHAT_TO_DO = {
    "hub.epoch-file": "monotone.json, which remembers the hub's epoch, is gone or damaged. Put it back, or start once "
    "with an epoch above any this site has seen: waystation hub run --dir DIR --epoch N",
    "hub.restoring": "A restore was cut off here. Run waystation backup restore again.",
    "hub.one-worker": "A hub of several workers keeps its tables in PostgreSQL: set [store] url in settings.toml.",
    "hub.no-broker": "Further workers take what comes by the broker. Start the first worker first.",
    "hub.key-missing": "The trust bundle has the hub sign with a key that is not on this machine, and boxes believe "
    "the old one no longer. Put the hub's keys back from the backup place: waystation backup keys --dir DIR "
    "--recovery-key FILE, or copy the keys folder from where you keep it. "
    "本机没有该用的签名密钥，未启动：请把 keys 目录恢复到定下新密钥之后的样子。",
    "hub.epoch-low": "This epoch is not above what the hub's own database knows. State a higher one.",
    **SUITE_SENTENCES,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hub", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="the hub's directory")
    parser.add_argument("--epoch", type=int, help="above any epoch ever seen; where monotone.json is lost")
    parser.add_argument("--worker", type=int, default=1, choices=range(1, WORKERS_MAX + 1), metavar="N",
                        help="a further worker beside the first; needs PostgreSQL")  # fmt: skip
    asked = parser.parse_args(argv)
    take_short_turns()
    ending = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ending.set())
    try:
        if asked.worker == 1:
            run(asked.dir, dict(os.environ), ending, asked.epoch)
        else:
            run_worker(asked.dir, dict(os.environ), asked.worker, ending)
    except (PeerFault, Unavailable) as fault:
        said = WHAT_TO_DO.get(fault.code)
        print(f"hub: {said} [{fault.code}]" if said else f"hub: {fault}", file=sys.stderr)
        return 1
    return 0


def run(folder: Path, environ: dict[str, str], ending: threading.Event, epoch: int | None = None) -> None:
    """Run a hub until `ending`. `epoch`: see `Hub.start`. Raises Unavailable: why it did not start, or cannot go on."""
    end, faults = _ender(ending)
    hub = Hub(folder, read_settings(folder, environ), end=end)
    try:
        hub.start(epoch)
        keep_what_stands()
        _until(ending)
    finally:
        hub.stop()
    if faults:
        raise faults[0]


def run_worker(folder: Path, environ: dict[str, str], number: int, ending: threading.Event) -> None:
    """Run a further worker beside the hub's first one until `ending`. Raises Unavailable as `run` does."""
    end, faults = _ender(ending)
    worker = Worker(folder, read_settings(folder, environ), number, SOFTWARE, SystemClock(), SystemEntropy(), end)
    try:
        worker.start()
        while not worker.wait_ready(READY_STEP_S):
            pass
        keep_what_stands()
        _until(ending)
    finally:
        worker.stop()
    if faults:
        raise faults[0]


def _ender(ending: threading.Event) -> tuple[Callable[[Unavailable], None], list[Unavailable]]:
    """For a process that finds out that it cannot go on: it ends in order, and then says why."""
    faults: list[Unavailable] = []

    def end(fault: Unavailable) -> None:
        faults.append(fault)
        ending.set()

    return end, faults


def _until(ending: threading.Event) -> None:
    while not ending.wait(3600):
        pass


if __name__ == "__main__":
    raise SystemExit(main())
