"""What facts of tracking say: kind numbers, body fields, shapes, and one maker per kind.

Entity types: 10 stay, 12 alias, 13 round, 14 hand-in. Nothing here names a patient: a stay is a record number and a
stay number, and whoever may know the name reads it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sync.domain.tracking import words
from sync.kernel.fact import NewFact
from sync.kernel.ids import NODE_PATTERN, FactId
from sync.merge.shape import (
    Shape,
    body_of,
    civil_date,
    fact_ref,
    instant_ms,
    one_of,
    pair,
    pattern,
    prose,
    rows,
    text,
    to_ref,
    uint,
)

STAY: Final = 10
ALIAS: Final = 12
ROUND: Final = 13
HANDIN: Final = 14

OPENED, MOVED, DISCHARGED, DISCHARGE_CANCELLED, ADMISSION_CANCELLED, SEALED, UNSEALED = range(40, 47)
COLLECTED, COLLECTION_UNDONE, COLLECTION_CORRECTED, RECEIVED, RECEPTION_UNDONE = range(50, 55)
MISSED, REASON_GIVEN, ANOMALY_SETTLED, LABEL_PRINTED = range(55, 59)
NUMBER_MERGED: Final = 63
ROUND_OPENED, COUNTED, HANDED_OVER, RECEIPT_QUEUED, RECEIPT_PRINTED, ROUND_REBUILT = range(70, 76)
HANDIN_OPENED, HANDIN_CLOSED = 80, 81

record_no: Final = pattern(r"[0-9A-Z]{4,20}")
stay_no: Final = pattern(r"0|[1-9][0-9]{0,3}")
ward_code: Final = pattern(r"[A-Za-z0-9._-]{1,20}")
stay_key_rule: Final = pattern(r"[0-9A-Z]{4,20}-(0|[1-9][0-9]{0,3})")
gathering_key: Final = pattern(NODE_PATTERN.pattern + r"\.[0-9a-f]{8}")
"""A round or a hand-in: the node that opened it and 8 hex digits."""
user_id: Final = text(32)
control: Final = text(64, 0)
reason: Final = one_of(*words.ALL_REASONS)
job: Final = text(64)
count: Final = uint(100_000)

_EVENT: Final = {8: instant_ms, 9: control}

SHAPES: Final[Mapping[int, Shape]] = {
    OPENED: Shape({1: record_no, 2: stay_no, 3: ward_code, **_EVENT}, {4: civil_date}),
    MOVED: Shape({1: ward_code, **_EVENT}),
    DISCHARGED: Shape({1: ward_code, 2: civil_date, **_EVENT}),
    DISCHARGE_CANCELLED: Shape(_EVENT),
    ADMISSION_CANCELLED: Shape(_EVENT),
    SEALED: Shape({1: prose(200)}),
    UNSEALED: Shape({1: prose(200)}),
    COLLECTED: Shape(
        {
            1: gathering_key,
            2: ward_code,
            3: one_of(*words.VERDICTS),
            5: one_of(*words.HOW_COLLECTED),
            6: record_no,
            7: instant_ms,
            9: instant_ms,
        },
        {4: reason, 8: fact_ref, 10: user_id},
    ),
    COLLECTION_UNDONE: Shape({1: fact_ref, 2: prose(200)}),
    COLLECTION_CORRECTED: Shape({1: fact_ref, 2: stay_key_rule, 3: prose(200)}),
    RECEIVED: Shape({1: gathering_key, 2: one_of(*words.HOW_RECEIVED)}),
    RECEPTION_UNDONE: Shape({1: fact_ref}),
    MISSED: Shape({1: gathering_key}),
    REASON_GIVEN: Shape({1: fact_ref, 2: reason}, {3: prose(200)}),
    ANOMALY_SETTLED: Shape({1: one_of(*words.ANOMALIES), 2: text(64), 3: one_of(*words.ALL_OUTCOMES)}, {4: prose(400)}),
    LABEL_PRINTED: Shape({1: job, 2: count}),
    NUMBER_MERGED: Shape({1: record_no, **_EVENT}),
    ROUND_OPENED: Shape({1: ward_code, 2: user_id, 3: instant_ms}),
    COUNTED: Shape({1: count}),
    HANDED_OVER: Shape(
        {1: user_id, 2: count, 3: count, 4: count, 5: rows(pair(text(64, 0), one_of(*words.DIFFERENCES)), 2000)}
    ),
    RECEIPT_QUEUED: Shape({1: job, 2: count, 3: count}),
    RECEIPT_PRINTED: Shape({1: job, 2: one_of("confirmed", "uncertain", "failed")}),
    ROUND_REBUILT: Shape({1: text(16), 2: pair(count, count)}, {3: ward_code, 4: user_id}),
    HANDIN_OPENED: Shape({1: user_id, 2: rows(gathering_key, 200)}),
    HANDIN_CLOSED: Shape({1: count, 2: count, 3: rows(stay_key_rule, 2000), 4: rows(stay_key_rule, 2000)}),
}

KEYS: Final = {STAY: stay_key_rule, ALIAS: record_no, ROUND: gathering_key, HANDIN: gathering_key}


def stay_key(number: str, stay: str | None) -> str:
    """The key of a stay. A stay number that was not told is 0; leading zeros say nothing."""
    return f"{number}-{(stay or '').lstrip('0') or '0'}"


def split_stay_key(key: str) -> tuple[str, str]:
    """(record number, stay number) of a stay's key."""
    number, _, stay = key.rpartition("-")
    return number, stay


def _of(kind: int, etype: int, key: str, fields: Mapping[int, Any]) -> NewFact:
    """A fact whose null fields are left out: the bytes have one form."""
    return NewFact(kind, etype, key, body_of(SHAPES[kind], fields))


def opened(key: str, *, ward: str, admitted_on: str | None, event_at_ms: int, control: str) -> NewFact:
    """An admission, or a list that first names the stay."""
    number, stay = split_stay_key(key)
    return _of(OPENED, STAY, key, {1: number, 2: stay, 3: ward, 4: admitted_on, 8: event_at_ms, 9: control})


def moved(key: str, *, ward: str, event_at_ms: int, control: str) -> NewFact:
    """The patient lies on another ward, or the ward was told wrong before."""
    return _of(MOVED, STAY, key, {1: ward, 8: event_at_ms, 9: control})


def discharged(key: str, *, ward: str, discharged_on: str, event_at_ms: int, control: str) -> NewFact:
    """A discharge from the ward on a civil date."""
    return _of(DISCHARGED, STAY, key, {1: ward, 2: discharged_on, 8: event_at_ms, 9: control})


def discharge_cancelled(key: str, *, event_at_ms: int, control: str) -> NewFact:
    """The discharge did not happen."""
    return _of(DISCHARGE_CANCELLED, STAY, key, {8: event_at_ms, 9: control})


def admission_cancelled(key: str, *, event_at_ms: int, control: str) -> NewFact:
    """The admission did not happen."""
    return _of(ADMISSION_CANCELLED, STAY, key, {8: event_at_ms, 9: control})


def sealed(key: str, reason: str) -> NewFact:
    """The office has sealed the record."""
    return _of(SEALED, STAY, key, {1: reason})


def unsealed(key: str, reason: str) -> NewFact:
    """The office has lifted the seal."""
    return _of(UNSEALED, STAY, key, {1: reason})


def collected(
    key: str,
    *,
    round_key: str,
    ward: str,
    verdict: str,
    how: str,
    read_no: str,
    at_ms: int,
    list_as_of_ms: int,
    reason: str | None = None,
    rebuilt_from: FactId | None = None,
    courier: str | None = None,
) -> NewFact:
    """A record was taken from a ward. `at_ms` is a person's claim; `courier` is told where the actor is another."""
    ref = None if rebuilt_from is None else to_ref(rebuilt_from)
    fields = {1: round_key, 2: ward, 3: verdict, 4: reason, 5: how, 6: read_no, 7: at_ms, 8: ref, 9: list_as_of_ms}
    return _of(COLLECTED, STAY, key, {**fields, 10: courier})


def collection_undone(key: str, fact: FactId, reason: str) -> NewFact:
    """The scan does not count: the record went back."""
    return _of(COLLECTION_UNDONE, STAY, key, {1: to_ref(fact), 2: reason})


def collection_corrected(key: str, fact: FactId, to_key: str, reason: str) -> NewFact:
    """The scan was of another stay."""
    return _of(COLLECTION_CORRECTED, STAY, key, {1: to_ref(fact), 2: to_key, 3: reason})


def received(key: str, handin_key: str, how: str) -> NewFact:
    """The records room has it in its hands."""
    return _of(RECEIVED, STAY, key, {1: handin_key, 2: how})


def reception_undone(key: str, fact: FactId) -> NewFact:
    """The reception was a mistake."""
    return _of(RECEPTION_UNDONE, STAY, key, {1: to_ref(fact)})


def missed(key: str, handin_key: str) -> NewFact:
    """The room did not get what the courier signed for."""
    return _of(MISSED, STAY, key, {1: handin_key})


def reason_given(key: str, fact: FactId, reason: str, note: str | None = None) -> NewFact:
    """The courier's answer to a warning, given later."""
    return _of(REASON_GIVEN, STAY, key, {1: to_ref(fact), 2: reason, 3: note})


def anomaly_settled(key: str, code: str, anomaly_id: str, outcome: str, note: str | None = None) -> NewFact:
    """A person has said what is true."""
    return _of(ANOMALY_SETTLED, STAY, key, {1: code, 2: anomaly_id, 3: outcome, 4: note})


def label_printed(key: str, job: str, copy_no: int) -> NewFact:
    """A cover label left the printer. `copy_no` 0 is the first one."""
    return _of(LABEL_PRINTED, STAY, key, {1: job, 2: copy_no})


def number_merged(old: str, into: str, *, event_at_ms: int, control: str) -> NewFact:
    """One patient had two record numbers; the old one leads to the other from now on."""
    return _of(NUMBER_MERGED, ALIAS, old, {1: into, 8: event_at_ms, 9: control})


def round_opened(key: str, ward: str, courier: str, list_as_of_ms: int) -> NewFact:
    """A courier has begun at a ward, with a list of that age."""
    return _of(ROUND_OPENED, ROUND, key, {1: ward, 2: courier, 3: list_as_of_ms})


def counted(key: str, by_hand: int) -> NewFact:
    """Somebody has counted the pile."""
    return _of(COUNTED, ROUND, key, {1: by_hand})


def handed_over(
    key: str, nurse: str, expected: int, scanned: int, by_hand: int, differences: Iterable[Sequence[str]]
) -> NewFact:
    """The nurse has confirmed with the badge; differences as (stay key or "", code)."""
    named = [list(difference) for difference in differences]
    return _of(HANDED_OVER, ROUND, key, {1: nurse, 2: expected, 3: scanned, 4: by_hand, 5: named})


def receipt_queued(key: str, job: str, copies: int, copy_no: int) -> NewFact:
    """A receipt waits for the printer. `copy_no` 0 is the original, from 1 it is a marked reprint."""
    return _of(RECEIPT_QUEUED, ROUND, key, {1: job, 2: copies, 3: copy_no})


def receipt_printed(key: str, job: str, outcome: str) -> NewFact:
    """What the printer has proved: confirmed, uncertain or failed."""
    return _of(RECEIPT_PRINTED, ROUND, key, {1: job, 2: outcome})


def round_rebuilt(key: str, by_node: str, codes: int, of: int, ward: str, courier: str) -> NewFact:
    """The batch was read back from `codes` of the receipt's `of` codes."""
    return _of(ROUND_REBUILT, ROUND, key, {1: by_node, 2: [codes, of], 3: ward, 4: courier})


def handin_opened(key: str, courier: str, rounds: Sequence[str]) -> NewFact:
    """A courier stands at the records room with these rounds."""
    return _of(HANDIN_OPENED, HANDIN, key, {1: courier, 2: list(rounds)})


def handin_closed(key: str, expected: int, got: int, missing: Sequence[str], extra: Sequence[str]) -> NewFact:
    """The room has counted; missing and extra by stay key."""
    return _of(HANDIN_CLOSED, HANDIN, key, {1: expected, 2: got, 3: list(missing), 4: list(extra)})
