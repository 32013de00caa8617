"""What a command prints: one JSON document, or sentences; and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

FINE, FAILED, WRONG_USE, PARTLY = 0, 1, 2, 3


def document(value: Any, *, as_json: bool, lines: Sequence[str] = ()) -> None:
    """Print `value` as one JSON document, or the given sentences."""
    if as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")
    else:
        for line in lines:
            sys.stdout.write(line + "\n")


def end(code: int) -> NoReturn:
    raise SystemExit(code)


def stop(sentence: str, *, code: str, as_json: bool, exit_code: int = FAILED) -> NoReturn:
    """What happened, said once: to a program as a code, to a person as a sentence."""
    if as_json:
        sys.stdout.write(json.dumps({"error": code, "sentence": sentence}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(sentence + "\n")
    raise SystemExit(exit_code)
