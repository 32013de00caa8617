"""What a thread does about a bug of our own: say where, and go on. A box whose line died of one would look healthy."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from sync.kernel.outcome import Unavailable

PAUSE_S = 1.0
"""Before the next try, so that a bug that repeats costs no processor."""


def note(where: str, bug: Exception) -> None:
    """One line on standard error: which thread, what kind, which places. Never the message, which may hold a name."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in traceback.extract_tb(bug.__traceback__)
    ]
    print(f"bug in {where}: {type(bug).__name__} at {' > '.join(places[-6:])}", file=sys.stderr, flush=True)


def survive(where: str, act: Callable[[], object]) -> None:
    """One turn of a thread that must outlive it. What is away now is tried again at the next turn; a bug is noted."""
    try:
        act()
    except Unavailable:
        pass
    except Exception as bug:
        note(where, bug)
