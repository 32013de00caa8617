"""What may change between two schemas: fields, kinds and types are added; what was released stays as it was.

A schema is plain data, as it lies in a frozen file: `{"types": {number: …}, "kinds": {number: {…, "fields": {…}}}}`
with numbers as text. Source: protocol way/1, section 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.merge.shape import ONE_OF, words_of

Schema = Mapping[str, Any]

_OF_A_TYPE: Final = ("name", "key")
_OF_A_KIND: Final = ("name", "type", "lane", "folded")
_OF_A_FIELD: Final = ("must", "since")


def told(types: Mapping[int, Any], kinds: Mapping[int, Any]) -> Schema:
    """The rows of a catalogue as plain data, numbers ascending."""
    return {
        "types": {
            str(number): {"name": row.name, "key": words_of(row.key), "fold_version": row.fold_version}
            for number, row in sorted(types.items())
        },
        "kinds": {
            str(number): {
                "name": row.name,
                "version": row.version,
                "type": row.etype,
                "lane": row.lane,
                "folded": row.folded,
                "writers": sorted(row.writers),
                "fields": {
                    str(field): {"type": rule.words, "must": rule.must, "since": rule.since}
                    for field, rule in row.check.fields.items()
                },
            }
            for number, row in sorted(kinds.items())
        },
    }


def breaks(released: Schema, now: Schema) -> list[str]:
    """What of a released schema has gone or means something else now, one line each; none where all was added.

    A list of allowed words, the writers of a kind and the number of its version may grow. A type about which there is
    more to fold has a higher fold version.
    """
    return [*_of_types(released, now), *_of_kinds(released["kinds"], now["kinds"])]


def _of_types(released: Schema, now: Schema) -> Iterator[str]:
    for number, old in released["types"].items():
        new = now["types"].get(number)
        if new is None:
            yield f"type {number} is gone"
            continue
        yield from _differing(f"type {number}", _OF_A_TYPE, old, new)
        if new["fold_version"] < old["fold_version"]:
            yield f"type {number}: fold_version fell"
        elif new["fold_version"] == old["fold_version"] and not _folds(now, number) <= _folds(released, number):
            yield f"type {number}: there is more to fold, so fold_version {old['fold_version'] + 1} at the earliest"


def _folds(schema: Schema, etype: str) -> set[tuple[str, int]]:
    """(kind, version) of all that folds into a type."""
    kinds = schema["kinds"].items()
    return {(number, kind["version"]) for number, kind in kinds if kind["folded"] and str(kind["type"]) == etype}


def _of_kinds(released: Schema, now: Schema) -> Iterator[str]:
    for number, old in released.items():
        new = now.get(number)
        if new is None:
            yield f"kind {number} is gone"
            continue
        yield from _differing(f"kind {number}", _OF_A_KIND, old, new)
        if new["version"] < old["version"]:
            yield f"kind {number}: version fell"
        if not set(old["writers"]) <= set(new["writers"]):
            yield f"kind {number}: a writer is gone"
        for field, row in old["fields"].items():
            yield from _of_field(f"kind {number} field {field}", row, new["fields"].get(field))
        for field in sorted(new["fields"].keys() - old["fields"].keys()):
            if new["fields"][field]["since"] <= old["version"]:
                yield f"kind {number} field {field}: added, so since version {old['version'] + 1} at the earliest"


def _of_field(where: str, old: Schema, new: Schema | None) -> Iterator[str]:
    if new is None:
        yield f"{where} is gone"
        return
    yield from _differing(where, _OF_A_FIELD, old, new)
    if not _holds_all(old["type"], new["type"]):
        yield f"{where}: type"


def _holds_all(old: str, new: str) -> bool:
    """Whether the newer rule is the older one, with words added at the most."""
    if old.startswith(ONE_OF) and new.startswith(ONE_OF):
        return set(old[len(ONE_OF) :].split()) <= set(new[len(ONE_OF) :].split())
    return old == new


def _differing(where: str, names: tuple[str, ...], old: Schema, new: Schema) -> Iterator[str]:
    return (f"{where}: {name}" for name in names if old[name] != new[name])
