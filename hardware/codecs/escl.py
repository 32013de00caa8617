"""What a network scanner says of itself.

Its answers are small XML documents; only two words of them are looked for, so none is ever parsed as a document.
Source: Mopria Alliance, eSCL Technical Specification 2.97, ScannerStatus, AdfState.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hardware.ports import DeviceState

STATUS_BYTES_MAX = 65_536
_STATE = re.compile(rb"<(?:\w+:)?State>\s*(\w{1,40})\s*</")
_ADF = re.compile(rb"<(?:\w+:)?AdfState>\s*(\w{1,40})\s*</")

ADF_REASONS = {
    "ScannerAdfEmpty": "no-documents",
    "ScannerAdfJam": "jam",
    "ScannerAdfMispick": "jam",
    "ScannerAdfMultipickDetected": "jam",
    "ScannerAdfHatchOpen": "cover-open",
    "ScannerAdfDuplexPageTooShort": "jam",
    "ScannerAdfDuplexPageTooLong": "jam",
    "ScannerAdfInputTrayFailed": "error",
    "ScannerAdfInputTrayOverloaded": "jam",
}


class EsclStatus(NamedTuple):
    """`state` is Idle, Processing, Testing, Stopped or Down; `adf` is empty where there is no feeder."""

    state: str
    adf: str

    @property
    def trouble(self) -> str:
        """What a person has to mend before a page moves; an empty feeder is none of it."""
        reason = ADF_REASONS.get(self.adf, "")
        return reason if reason not in ("", "no-documents") else "error" if self.state in ("Stopped", "Down") else ""

    @property
    def view(self) -> tuple[DeviceState, str]:
        if self.trouble:
            return "attention", self.trouble
        if self.state == "Testing":
            return "busy", "warming-up"
        return ("ready", "") if self.state == "Idle" else ("busy", "")


def read_status(answer: bytes) -> EsclStatus | None:
    """None for anything that does not name a state."""
    state, adf = _STATE.search(answer[:STATUS_BYTES_MAX]), _ADF.search(answer[:STATUS_BYTES_MAX])
    if state is None:
        return None
    return EsclStatus(state[1].decode("ascii"), adf[1].decode("ascii") if adf else "")
