"""What was released stays: the frozen schemas, and a table of changes that no later version may make."""

import json
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sync import catalog
from sync.merge.schema import breaks
from sync.merge.shape import Shape, one_of, pair, rows, text, uint, words_of

GOLDEN = Path(__file__).parents[2] / "golden" / "schema"
FROZEN = {int(path.stem.split("_")[1]): json.loads(path.read_text("utf-8")) for path in GOLDEN.glob("schema_*.json")}
NEWEST = max(FROZEN)
COLLECTED = "50"


@pytest.mark.row("H35.19")
@pytest.mark.parametrize("number", sorted(FROZEN))
def test_what_was_released_means_the_same_today(number: int) -> None:
    assert breaks(FROZEN[number], catalog.schema()) == []


@pytest.mark.parametrize("number", sorted(FROZEN)[1:])
def test_each_released_schema_only_adds_to_the_one_before(number: int) -> None:
    assert breaks(FROZEN[number - 1], FROZEN[number]) == []


def test_schemas_are_numbered_from_one() -> None:
    assert sorted(FROZEN) == list(range(1, NEWEST + 1))


def test_released_schemas_are_known_by_their_digest() -> None:
    digests = {
        number: sha256(json.dumps(told, sort_keys=True).encode()).digest()[:8] for number, told in FROZEN.items()
    }
    assert {bytes(8): 1} | {digests[number]: number for number in FROZEN if number > 1} == catalog.SCHEMAS
    assert catalog.schema_digest() == digests[NEWEST] or catalog.schema_digest() not in digests.values()
    assert all(map(catalog.serves, catalog.SCHEMAS))


def test_every_rule_has_words() -> None:
    now = catalog.schema()
    told = [row["key"] for row in now["types"].values()]
    told += [field["type"] for kind in now["kinds"].values() for field in kind["fields"].values()]
    assert [words for words in told if "<" in words or " at 0x" in words] == []


def kind(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["kinds"][COLLECTED]


def field(schema: dict[str, Any], number: str) -> dict[str, Any]:
    return kind(schema)["fields"][number]


def drop(where: dict[str, Any], name: str) -> None:
    del where[name]


BREAKING: dict[str, Callable[[dict[str, Any]], None]] = {
    "kind 50 is gone": lambda s: drop(s["kinds"], COLLECTED),
    "kind 50: name": lambda s: kind(s).update(name="stay.carried"),
    "kind 120: type": lambda s: s["kinds"]["120"].update(type=40),
    "kind 50: lane": lambda s: kind(s).update(lane=2),
    "kind 120: version fell": lambda s: s["kinds"]["120"].update(version=0),
    "kind 50: a writer is gone": lambda s: kind(s).update(writers=["hub"]),
    "kind 50 field 4 is gone": lambda s: drop(kind(s)["fields"], "4"),
    "kind 50 field 4: must": lambda s: field(s, "4").update(must=True),
    "kind 50 field 4: since": lambda s: field(s, "4").update(since=2),
    "kind 50 field 6: type": lambda s: field(s, "6").update(type="uint 0..9"),
    "kind 50 field 3: type": lambda s: field(s, "3").update(type="one of: good"),
    "kind 50 field 11: added, so since version 2 at the earliest": lambda s: kind(s)["fields"].update(
        {"11": {"type": "flag", "must": False, "since": 1}}
    ),
    "type 10: there is more to fold, so fold_version 2 at the earliest": lambda s: kind(s).update(version=2),
    "kind 50: folded": lambda s: kind(s).update(folded=False),
    "type 10 is gone": lambda s: drop(s["types"], "10"),
    "type 10: key": lambda s: s["types"]["10"].update(key="text .*"),
    "type 10: name": lambda s: s["types"]["10"].update(name="visit"),
    "type 10: fold_version fell": lambda s: s["types"]["10"].update(fold_version=0),
}


@pytest.mark.parametrize("said", sorted(BREAKING))
def test_a_change_of_what_was_released_is_named(said: str) -> None:
    changed = deepcopy(FROZEN[NEWEST])
    BREAKING[said](changed)
    assert breaks(FROZEN[NEWEST], changed) == [said]


def test_what_is_added_breaks_nothing() -> None:
    changed = deepcopy(FROZEN[NEWEST])
    kind(changed).update(version=2, writers=[*kind(changed)["writers"], "ward"])
    kind(changed)["fields"]["11"] = {"type": "flag", "must": False, "since": 2}
    field(changed, "3").update(type=field(changed, "3")["type"] + " lent")
    changed["types"]["10"].update(fold_version=2)
    changed["types"]["900"] = {"name": "cart", "key": "line 1..40", "fold_version": 1}
    changed["kinds"]["901"] = {**kind(changed), "name": "cart.moved", "type": 900}
    assert breaks(FROZEN[NEWEST], changed) == []


def test_rules_of_one_meaning_have_one_text() -> None:
    assert words_of(one_of("b", "a")) == words_of(one_of("a", "b")) == "one of: a b"
    assert words_of(rows(pair(text(9), uint(3)), 5)) == "rows 0..5 of (pair of (line 1..9) and (uint 0..3))"
    shape = Shape({1: text(9)}, {2: uint(3)}, since={2: 4})
    assert shape.version == 4
    assert shape.fields == {1: ("line 1..9", True, 1), 2: ("uint 0..3", False, 4)}
