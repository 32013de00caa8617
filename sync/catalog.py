"""Every replicated kind and entity type: its shape, its law, its lane, who may write it and where it is held.

A new kind is one row in `KINDS` and its shape in its feature; a new entity type one row in `ENTITY_TYPES`. Numbers are
never used twice: a log keeps facts of every version there ever was. How each of them may change: `docs/versions.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any, Final

from sync.domain.blobs import facts as blob_facts
from sync.domain.blobs import fold as blobs
from sync.domain.calendar import facts as calendar_facts
from sync.domain.calendar import fold as calendar
from sync.domain.fleet import facts as fleet_facts
from sync.domain.fleet import fold as fleet
from sync.domain.leases import facts as lease_facts
from sync.domain.leases import fold as leases
from sync.domain.patients import due
from sync.domain.patients import facts as patient_facts
from sync.domain.people import facts as people_facts
from sync.domain.people import fold as people
from sync.domain.tracking import alias, handins, rounds, stored
from sync.domain.tracking import facts as tracking_facts
from sync.domain.tracking import fold as stay_fold
from sync.domain.tracking.state import Stay
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import BULK, CONTROL, LIVE, FactId
from sync.kernel.limits import KEY_TEXT_BYTES_MAX, SCHEMAS_BACK
from sync.kernel.outcome import PeerFault
from sync.merge.schema import Schema, told
from sync.merge.shape import Rule, Shape, text
from sync.merge.upcast import Upcasts, upcast


@dataclass(frozen=True, slots=True)
class EntityType:
    """One replicated type. `fold` never raises and never refuses; `dump` gives a numbered map of the CBOR subset.

    `fold_version` rises with every change of what facts make of a state, a new kind or field included.
    `place` names the scopes in which the hub puts the entity; none: it stays at the hub. `key` holds for its keys.
    """

    number: int
    name: str
    law: str
    fold_version: int
    initial: Callable[[], Any]
    fold: Callable[[Any, Fact, FactId, Annotation], Any]
    dump: Callable[[Any], dict[int, Any]]
    load: Callable[[Mapping[int, Any]], Any]
    place: Callable[[Any], frozenset[str]]
    key: Rule


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact. `check` raises PeerFault `fact.schema`; `writers` are role words of nodes.

    `version` is the newest one that added a field.
    """

    number: int
    name: str
    version: int
    etype: int
    lane: int
    folded: bool
    check: Shape
    writers: frozenset[str]


def _at(*labels: str) -> Callable[[Any], frozenset[str]]:
    held = frozenset(labels)
    return lambda state: held


def _log(number: int, name: str) -> EntityType:
    """Facts that are kept and read as a list; there is no state."""
    return EntityType(
        number, name, "append_log", 1, lambda: None, lambda state, *_: state, lambda _: {}, lambda _: None, _at(),
        fleet_facts.node_key,
    )  # fmt: skip


_STAYS, _ROOM, _PEOPLE, _SITE = _at("site:stays"), _at("room:records"), _at("site:people"), _at("site")

_ENTITY_ROWS: Final = (
    _log(fleet_facts.STREAM, "stream"),
    EntityType(
        lease_facts.RESOURCE, "resource", "append_log, fence", 1, leases.Resource, leases.fold, leases.dump,
        leases.load, _at(), lease_facts.resource_key,
    ),
    EntityType(
        blob_facts.BLOB, "blob", "the first stays", 1, blobs.Blob, blobs.fold, blobs.dump, blobs.load, _at(),
        blob_facts.blob_key,
    ),
    EntityType(
        tracking_facts.STAY, "stay", "append_log, register by event time", 1, Stay, stay_fold.fold, stored.dump,
        stored.load, _STAYS, tracking_facts.stay_key_rule,
    ),
    EntityType(
        patient_facts.DUE, "due", "register, name: review", 1, due.Due, due.fold, due.dump, due.load, due.place,
        patient_facts.due_key,
    ),
    EntityType(
        tracking_facts.ALIAS, "alias", "register by event time", 1, alias.Alias, alias.fold, alias.dump, alias.load,
        _STAYS, tracking_facts.record_no,
    ),
    EntityType(
        tracking_facts.ROUND, "round", "append_log", 1, rounds.Round, rounds.fold, rounds.dump, rounds.load, _ROOM,
        tracking_facts.gathering_key,
    ),
    EntityType(
        tracking_facts.HANDIN, "handin", "append_log", 1, handins.HandIn, handins.fold, handins.dump, handins.load,
        _ROOM, tracking_facts.gathering_key,
    ),
    EntityType(
        people_facts.PERSON, "person", "register", 1, people.Person, people.fold_person, people.dump_person,
        people.load_person, _PEOPLE, people_facts.user_key,
    ),
    EntityType(
        people_facts.CREDENTIAL, "credential", "register", 1, people.Credential, people.fold_credential,
        people.dump_credential, people.load_credential, _at(), people_facts.user_key,
    ),
    EntityType(
        calendar_facts.CALENDAR, "calendar", "register", 1, calendar.Year, calendar.fold_year, calendar.dump_year,
        calendar.load_year, _SITE, calendar_facts.year_key,
    ),
    EntityType(
        calendar_facts.WARD, "ward", "register", 1, calendar.Ward, calendar.fold_ward, calendar.dump_ward,
        calendar.load_ward, _SITE, calendar_facts.ward_key,
    ),
    EntityType(
        fleet_facts.NODE, "node", "register", 3, fleet.Node, fleet.fold, fleet.dump, fleet.load, _SITE,
        fleet_facts.node_key,
    ),
    _log(fleet_facts.AUDIT, "audit"),
)  # fmt: skip
ENTITY_TYPES: Final[Mapping[int, EntityType]] = {row.number: row for row in _ENTITY_ROWS}

_HUB = frozenset({"hub"})
_COURIER = frozenset({"courier"})
_RECORDS = frozenset({"records"})
_BOXES = frozenset({"courier", "records"})
_ALL = frozenset({"courier", "records", "hub"})
_T, _P, _W, _C, _F, _L = tracking_facts, patient_facts, people_facts, calendar_facts, fleet_facts, lease_facts
_CHECKS: Final = {**_T.SHAPES, **_P.SHAPES, **_W.SHAPES, **_C.SHAPES, **_F.SHAPES, **_L.SHAPES, **blob_facts.SHAPES}

_KIND_ROWS: Final = (
    (_F.STREAM_OPENED, "stream.opened", _F.STREAM, CONTROL, _ALL),
    (_F.KEY_CHANGED, "key.changed", _F.NODE, CONTROL, _BOXES),
    (_L.LEASE_SPENT, "lease.spent", _L.RESOURCE, CONTROL, _ALL),
    (_L.LEASE_RETURNED, "lease.returned", _L.RESOURCE, CONTROL, _ALL),
    (_F.LOSS_REPORTED, "loss.reported", _F.STREAM, CONTROL, _HUB),
    (blob_facts.DESCRIBED, "blob.described", blob_facts.BLOB, BULK, _ALL),
    (_T.OPENED, "stay.opened", _T.STAY, BULK, _HUB),
    (_T.MOVED, "stay.moved", _T.STAY, BULK, _HUB),
    (_T.DISCHARGED, "stay.discharged", _T.STAY, BULK, _HUB),
    (_T.DISCHARGE_CANCELLED, "stay.discharge_cancelled", _T.STAY, BULK, _HUB),
    (_T.ADMISSION_CANCELLED, "stay.admission_cancelled", _T.STAY, BULK, _HUB),
    (_T.SEALED, "stay.sealed", _T.STAY, LIVE, _HUB),
    (_T.UNSEALED, "stay.unsealed", _T.STAY, LIVE, _HUB),
    (_T.COLLECTED, "stay.collected", _T.STAY, LIVE, _ALL),
    (_T.COLLECTION_UNDONE, "stay.collection_undone", _T.STAY, LIVE, _ALL),
    (_T.COLLECTION_CORRECTED, "stay.collection_corrected", _T.STAY, LIVE, _ALL),
    (_T.RECEIVED, "stay.received", _T.STAY, LIVE, _RECORDS),
    (_T.RECEPTION_UNDONE, "stay.reception_undone", _T.STAY, LIVE, _RECORDS | _HUB),
    (_T.MISSED, "stay.missed", _T.STAY, LIVE, _RECORDS),
    (_T.REASON_GIVEN, "stay.reason_given", _T.STAY, LIVE, _ALL),
    (_T.ANOMALY_SETTLED, "stay.anomaly_settled", _T.STAY, LIVE, _RECORDS | _HUB),
    (_T.LABEL_PRINTED, "stay.label_printed", _T.STAY, LIVE, _RECORDS | _HUB),
    (_P.LISTED, "due.listed", _P.DUE, BULK, _HUB),
    (_P.WITHDRAWN, "due.withdrawn", _P.DUE, BULK, _HUB),
    (_P.CLOSED, "due.closed", _P.DUE, BULK, _HUB),
    (_T.NUMBER_MERGED, "alias.number_merged", _T.ALIAS, BULK, _HUB),
    (_P.RELISTED, "due.relisted", _P.DUE, BULK, _HUB),
    (_T.ROUND_OPENED, "round.opened", _T.ROUND, LIVE, _COURIER),
    (_T.COUNTED, "round.counted", _T.ROUND, LIVE, _COURIER),
    (_T.HANDED_OVER, "round.handed_over", _T.ROUND, LIVE, _COURIER),
    (_T.RECEIPT_QUEUED, "round.receipt_queued", _T.ROUND, LIVE, _COURIER | _RECORDS),
    (_T.RECEIPT_PRINTED, "round.receipt_printed", _T.ROUND, LIVE, _COURIER | _RECORDS),
    (_T.ROUND_REBUILT, "round.rebuilt", _T.ROUND, LIVE, _ALL),
    (_T.HANDIN_OPENED, "handin.opened", _T.HANDIN, LIVE, _RECORDS),
    (_T.HANDIN_CLOSED, "handin.closed", _T.HANDIN, LIVE, _RECORDS),
    (_W.REGISTERED, "person.registered", _W.PERSON, BULK, _HUB),
    (_W.CHANGED, "person.changed", _W.PERSON, BULK, _HUB),
    (_W.DISABLED, "person.disabled", _W.PERSON, BULK, _HUB),
    (_W.PASSWORD_SET, "credential.password_set", _W.CREDENTIAL, BULK, _HUB),
    (_C.YEAR_SEEDED, "calendar.year_seeded", _C.CALENDAR, BULK, _HUB),
    (_C.DAY_SET, "calendar.day_set", _C.CALENDAR, BULK, _HUB),
    (_C.CONFIGURED, "ward.configured", _C.WARD, BULK, _HUB),
    (_F.ENROLLED, "node.enrolled", _F.NODE, BULK, _HUB),
    (_F.REVOKED, "node.revoked", _F.NODE, BULK, _HUB),
    (_F.SCOPES_SET, "node.scopes_set", _F.NODE, BULK, _HUB),
    (_F.NOTED, "audit.noted", _F.AUDIT, CONTROL, _ALL),
)
_UNFOLDED: Final = frozenset({_F.STREAM_OPENED, _F.LOSS_REPORTED, _F.NOTED})
KINDS: Final[Mapping[int, Kind]] = {
    number: Kind(number, name, shape.version, etype, lane, number not in _UNFOLDED, shape, writers)
    for number, name, etype, lane, writers in _KIND_ROWS
    for shape in (_CHECKS[number],)
}

UPCASTS: Final[Upcasts] = {}
"""No version so far asks more of a body than it had."""


def understood(fact: Fact) -> Fact:
    """The fact as a writer of this version would have said it. What is newer, or not known here, is left as it is."""
    kind = KINDS.get(fact.kind)
    if kind is None or fact.version >= kind.version:
        return fact
    return replace(fact, body=upcast(UPCASTS, fact.kind, fact.version, kind.version, fact.body))


@cache
def schema_digest() -> bytes:
    """Field 3 of a hello: the first 8 bytes of the schema's SHA-256, whatever the site's suite."""
    return sha256(json.dumps(schema(), sort_keys=True).encode()).digest()[:8]


SCHEMAS: Final[Mapping[bytes, int]] = {bytes(8): 1, bytes.fromhex("b2791a534c025154"): 2}
"""Released schemas by digest. The first release told none. A digest that is not here is of a schema still to come."""


def serves(theirs: bytes) -> bool:
    """Whether a hub of today's schema serves a node that told this digest: its own, newer ones, and two before."""
    next_one = max(SCHEMAS.values()) + 1
    return SCHEMAS.get(theirs, next_one) >= SCHEMAS.get(schema_digest(), next_one) - SCHEMAS_BACK


UNREAD: Final = 0
"""The fold version of what nothing here folds."""

nameable: Final[Rule] = text(KEY_TEXT_BYTES_MAX)
"""How keys of all types are, also of those to come: one line of text, since tables of every database hold it."""


def schema() -> Schema:
    """Types, kinds and their numbered fields as plain data: what a release freezes."""
    return told(ENTITY_TYPES, KINDS)


def check_fact(fact: Fact, role: str) -> None:
    """Hold an `understood` fact against its kind, for a writer of the node role `courier`, `records` or `hub`.

    Raises PeerFault `fact.schema` or `fact.role`. A kind that is not known here passes: a newer node wrote it. The
    name of an entity that is known keeps its form all the same, for tables hold it.
    """
    kind = KINDS.get(fact.kind)
    if kind is None:
        known = ENTITY_TYPES.get(fact.etype)
        if known is not None and not known.key(fact.key):
            raise PeerFault("fact.schema", "entity")
        return
    if role not in kind.writers:
        raise PeerFault("fact.role", kind.name)
    if fact.etype != kind.etype or not ENTITY_TYPES[kind.etype].key(fact.key):
        raise PeerFault("fact.schema", "entity")
    kind.check(fact.body)


def fold_fact(etype: int, state: Any, fact: Fact, fid: FactId, ann: Annotation) -> Any:
    """The state after the fact; the same state when the kind or the type is not known here or has nothing to fold.

    A fact of an older version folds as the newest one. A fact issued again folds under its first id: what names it
    elsewhere still finds it.
    """
    kind = KINDS.get(fact.kind)
    if kind is None or not kind.folded or kind.etype != etype:
        return state
    if fact.version < kind.version:
        fact = understood(fact)
    return ENTITY_TYPES[etype].fold(state, fact, fact.first_id(fid), ann)
