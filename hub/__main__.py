"""`python -m hub --dir D`: one hub from its directory, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from hub.boot import run, run_worker
from provisioning.trust.names import WORKERS_MAX
from provisioning.trust.told import SUITE_SENTENCES
from sync.adapters.turns import take_short_turns
from sync.kernel.outcome import PeerFault, Unavailable

WHAT_TO_DO = {
    "hub.epoch-file": "monotone.json, which remembers the hub's epoch, is gone or damaged. Put it back, or start once "
    "with an epoch above any this site has seen: waystation hub run --dir DIR --epoch N",
    "hub.restoring": "A restore was cut off here. Run waystation backup restore again.",
    "hub.one-worker": "A hub of several workers keeps its tables in PostgreSQL: set [store] url in settings.toml.",
    "hub.no-broker": "Further workers take what comes by the broker. Start the first worker first.",
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
            run(asked.dir, dict(os.environ), lambda: _until(ending), asked.epoch)
        else:
            run_worker(asked.dir, dict(os.environ), asked.worker, lambda: _until(ending))
    except (PeerFault, Unavailable) as fault:
        said = WHAT_TO_DO.get(fault.code)
        print(f"hub: {said} [{fault.code}]" if said else f"hub: {fault}", file=sys.stderr)
        return 1
    return 0


def _until(ending: threading.Event) -> None:
    while not ending.wait(3600):
        pass


if __name__ == "__main__":
    raise SystemExit(main())
