"""ADT messages from the line and from files: decoded, decided, written, and only then answered."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hub.features.imports import decide, ordering
from hub.features.imports.hl7_answer import answer
from hub.features.imports.hl7_message import Heard, Hl7Fault, decode_message
from hub.features.imports.hl7_reader import read_adt
from hub.store.desk import Desk
from sync.domain.patients.due import Due
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import ALIAS, STAY, stay_key
from sync.domain.tracking.state import Stay
from sync.kernel.fact import NewFact

SENDER = None
"""Messages of the line have no person behind them."""


class Hl7Desk:
    """`turn` is shared with the lists: decisions on one stay come one after the other."""

    def __init__(self, desk: Desk, turn: threading.RLock) -> None:
        self._desk = desk
        self._turn = turn

    def answer(self, raw: bytes) -> bytes:
        """The MLLP handler. Raises Unavailable when nothing could be stored: then the sender delivers again."""
        heard: Heard | None = None
        fault: Hl7Fault | None = None
        try:
            heard = decode_message(raw)
            self._take(heard, SENDER)
        except Hl7Fault as wrong:
            fault = wrong
            self._desk.store.tally(f"hl7.{wrong.code.removeprefix('hl7.')}"[:60])
        return answer(heard, fault, control_id=self._desk.new_key(10), now=self._desk.local(self._desk.now_ms()))

    def too_large(self, _head: bytes) -> bytes:
        """The MLLP answer to a message over the limit."""
        self._desk.store.tally("hl7.too-large")
        fault = Hl7Fault("AR", "hl7.too-large", 207)
        return answer(None, fault, control_id=self._desk.new_key(10), now=self._desk.local(self._desk.now_ms()))

    def take(self, raw: bytes, actor: str | None) -> tuple[Hl7Fault | None, bool]:
        """One message of a file: why it was not taken, or whether it said anything new."""
        try:
            return None, self._take(decode_message(raw), actor)
        except Hl7Fault as fault:
            return fault, False

    def _take(self, heard: Heard, actor: str | None) -> bool:
        event = read_adt(heard.text, self._offset_min())
        if event.discharged_on is not None and event.event == "A03" and event.discharged_on > self._desk.today():
            raise Hl7Fault("AE", "hl7.discharged-in-future", 102, "PV1-45")
        changes = ordering.changes(event)
        with self._turn:
            self._desk.settle()
            with self._desk.write(actor) as unit:
                new = [fact for change in changes for fact in self._decide(unit.state, change)]
                for fact in new:
                    unit.append(fact)
                if new:
                    self._desk.note(unit, "hl7.taken", detail=f"ADT^{event.event}")
        return bool(new)

    def _decide(self, state: object, change: ordering.StayChange) -> Sequence[NewFact]:
        assert callable(state)
        if change.kind == "record_merged":
            known = state(ALIAS, change.record_no)
            new = decide.from_change(change, Stay(), Due())
            return [] if known is not None and known.into == change.into_no else new
        key = stay_key(change.record_no, change.stay_no)
        return decide.from_change(change, state(STAY, key) or Stay(), state(DUE, key) or Due())

    def _offset_min(self) -> int:
        """The site's zone now, for times that were told without one. China keeps one all year."""
        offset = self._desk.local(self._desk.now_ms()).utcoffset()
        assert offset is not None
        return int(offset.total_seconds() // 60)
