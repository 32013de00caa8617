"""Reading a receipt back, by gun or from a picture: each genuine code is taken at once, whatever the others say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.features.rebuilding import store as codes
from appliance.store.site import public_of
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.tracking import receipt_code
from sync.domain.tracking.facts import ROUND, STAY
from sync.domain.tracking.rebuild import rebuild
from sync.domain.tracking.receipt_code import ReceiptPart
from sync.domain.tracking.rounds import Round
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Refused

ReadPicture = Callable[[bytes], Iterable[str]]
"""A picture's bytes → the texts of its 2-D codes. Raises PeerFault `picture` on what is no picture."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What one code brought. `new` records were not known here; `read` of `n` codes are in."""

    round: str
    ward: str
    k: int
    n: int
    read: tuple[int, ...]
    records: int
    new: int


class Rebuilding:
    """Works in the records room and on any courier's hand-held; the line is not needed."""

    def __init__(self, store: NodeStore, read_picture: ReadPicture) -> None:
        self._store = store
        self._read_picture = read_picture

    def take(self, text: str, actor: str, device: str | None = None) -> Rebuilt | Refused:
        """One code. Refused `receipt.damaged`, `receipt.unknown-signer`, `receipt.signature`."""
        with self._store.read() as conn:
            part = receipt_code.read(text, lambda key_id: public_of(conn, key_id), self._store.suite.verify)
        if isinstance(part, Refused):
            self._store.tally(part.code)
            return part
        return self._write(part, actor, device)

    def take_picture(self, picture: bytes, actor: str) -> list[Rebuilt | Refused]:
        """Every receipt code in a picture. Empty: no code was found."""
        try:
            texts = sorted({text for text in self._read_picture(picture) if text.startswith("WAY1:")})
        except PeerFault as fault:
            return [Refused(fault.code)]
        return [self.take(text, actor) for text in texts]

    def receipts(self) -> list[codes.ReceiptRow]:
        """Receipts read on this box, newest first."""
        with self._store.read() as conn:
            return codes.receipts(conn)

    def _write(self, part: ReceiptPart, actor: str, device: str | None) -> Rebuilt:
        with self._store.write(actor=actor, device=device) as unit:
            known: set[FactId] = set()
            for entry in part.entries:
                stay = unit.state(STAY, entry.stay_key)
                if stay is not None and any(one.identity == part.fact_of(entry) for one in stay.collections):
                    known.add(part.fact_of(entry))
            read = codes.note_code(
                unit.conn, part.round, part.k, part.n, len(part.entries), self._store.clock.wall_ms()
            )
            state = unit.state(ROUND, part.round) or Round()
            for new in rebuild(part, state, self._store.node, read, known.__contains__):
                unit.append(new)
            ks = tuple(codes.read_codes(unit.conn, part.round))
        return Rebuilt(part.round, part.ward, part.k, part.n, ks, len(part.entries), len(part.entries) - len(known))
