"""How a machine stands, from what it tells any program on this computer: its metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

import requests

from kiosk_ui.kit.screens.ledger import LedgerView

ASK_S = 2.0
_FIGURE = re.compile(r'^waystation_(\w+?)(?:\{state="(\w+)"\})? ([0-9.e+]+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Machine:
    """One row. `state` is a state of the line strip, or `gone`; `ledger` None: it has never answered.

    `at_ms` is when the ledger was read: an old one is shown with its age.
    """

    name: str
    state: str = "gone"
    ledger: LedgerView | None = None
    at_ms: int = 0


def ask(name: str, base_url: str, now_ms: int, before: Machine) -> Machine:
    """The machine as it answers now; the last known ledger stays when it does not."""
    try:
        answer = requests.get(f"{base_url}/metrics", timeout=ASK_S)
        answer.raise_for_status()
    except requests.RequestException:
        return Machine(name, "gone", before.ledger, before.at_ms)
    return read(name, answer.text, now_ms)


def read(name: str, exposition: str, now_ms: int) -> Machine:
    """A machine's figures in the Prometheus text form. What is absent counts as 0, an absent state as `gone`."""
    figures: dict[str, int] = {}
    state = "gone"
    for figure, label, value in _FIGURE.findall(exposition):
        if figure == "line_state" and float(value) == 1:
            state = label
        elif not label:
            figures[figure] = int(float(value))
    produced, received, waiting = (figures.get(f"facts_{part}", 0) for part in ("produced", "received", "waiting"))
    return Machine(name, state, LedgerView(produced, received, waiting), now_ms)
