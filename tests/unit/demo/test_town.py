"""The invented hospital is the same for the same seed, and holds what trips printers and screens."""

from __future__ import annotations

from datetime import date

from provisioning.demo import town
from provisioning.making.directories import toml

TODAY = date(2026, 11, 21)


def test_the_same_seed_gives_the_same_town() -> None:
    assert town.discharges(3, TODAY) == town.discharges(3, TODAY)
    assert town.discharges(3, TODAY) != town.discharges(4, TODAY)


def test_every_ward_has_enough_to_collect_and_keys_are_unique() -> None:
    for seed in range(20):
        rows = town.discharges(seed, TODAY)
        assert len({row.key for row in rows}) == len(rows)
        for code, _, _ in town.WARDS:
            assert sum(row.ward == code and row.discharged_on is not None for row in rows) >= 70


def test_names_hold_what_trips_printers() -> None:
    names = {row.name for seed in range(10) for row in town.discharges(seed, TODAY)}
    assert any(len(name) > 20 for name in names)
    assert any(any(ord(char) > 0xFFFF for char in name) for name in names)
    assert any(name.startswith("欧阳") for name in names)


def test_the_list_quotes_what_holds_a_comma() -> None:
    row = town.Discharge("00731846", 1, "O'Connor, Siobhán", "F", "W01", TODAY, None)
    lines = list(town.as_csv([row]))
    assert lines[1] == '00731846,1,"O\'Connor, Siobhán",女,W01,2026-11-21,'


def test_settings_survive_being_written_as_toml() -> None:
    import tomllib

    told = {
        "node": {"name": 'a "b" \\ c\n', "n": 3, "x": 2.5, "on": True},
        "devices": {"guns": [{"name": "g"}], "receipt_printer": {"url": "socket://h:1"}},
        "codes": {"prefixes": ["QL"], "none": []},
    }
    assert tomllib.loads(toml(told)) == told
