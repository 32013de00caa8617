"""How the threads of one process take turns."""

from __future__ import annotations

import gc
import sys

SWITCH_S = 0.0005


def take_short_turns() -> None:
    """Let a thread that computes keep the others waiting for half a millisecond, where the interpreter has 5 ms.

    A fact on its way changes hands several times at either end, and each time whoever digests or folds is asked first.
    """
    sys.setswitchinterval(SWITCH_S)


def keep_what_stands() -> None:
    """What a process has made by the end of its start stays: it is not looked through for rubbish any more.

    Such a search holds every thread: 25 ms in a box and 40 ms in a hub with all its modules, each time.
    """
    gc.collect()
    gc.freeze()
