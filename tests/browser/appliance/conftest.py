"""A whole box without a hub: its store, its screen and its services, started as on a ward. All names are invented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from appliance.boot import Box
from provisioning.trust.node_keys import make_keys
from sync.adapters.idgen import SystemEntropy
from sync.domain.calendar import facts as calendar
from sync.domain.patients import facts as patients
from sync.domain.people import facts as people
from sync.domain.people.badges import badge_hash
from sync.domain.tracking import facts
from sync.kernel.suite import suite1

PIN = "2468"
PEOPLE = {
    "WB-LUO": ("u-luo", "罗建平", "courier", None),
    "WB-WEN": ("u-wen", "温雨桐", "clerk", None),
    "WB-SONG": ("u-song", "宋晓岚", "nurse", "W12"),
    "WB-QI": ("u-qi", "戚若水", "nurse", "W07"),
}
DUE = (
    ("00731846-2", "W12", "仇建国", "QJG"),
    ("00731779-1", "W12", "欧阳静姝", "OYJS"),
    ("00730388-1", "W12", "Maximiliana-Konstantina Wojciechowska-Lee", "MKW"),
    ("00732222-1", "W12", "单晓芸", "SXY"),
    ("00732222-2", "W12", "单晓芸", "SXY"),
    ("00730912-1", "W07", "汤沐阳", "TMY"),
)


def make_box(directory: Path, role: str, devices: str = "") -> Box:
    """A started box that carries two wards' lists; `settings.toml` is all that tells it who it is and what it has."""
    directory.mkdir()
    (directory / "settings.toml").write_text(
        f'[node]\nnode = "{role}-aaaaaaaa"\nrole = "{role}"\nname = "{role}"\nsite = "QL"\n'
        f'[codes]\nprefixes = ["QL"]\n{devices}',
        "utf-8",
    )
    make_keys(directory / "keys", SystemEntropy(), suite=suite1)
    box = Box(directory, {})
    pin_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
    box.store.role = "hub"
    with box.store.write() as unit:
        for badge, (user, name, work, ward) in PEOPLE.items():
            hashed = badge_hash(badge, "QL")
            unit.append(people.person(user, name=name, roles=[work], badge_hash=hashed, ward=ward, pin_hash=pin_hash))
        unit.append(calendar.configured("W12", "心内二病区", "Cardiology 2"))
        unit.append(calendar.configured("W07", "骨科一病区", "Orthopaedics 1"))
        for key, ward, name, initials in DUE:
            unit.append(facts.discharged(key, ward=ward, discharged_on="2026-11-17", event_at_ms=2, control="b"))
            due = patients.listed(key, name=name, sex="F", ward=ward, discharged_on="2026-11-17", initials=initials)
            unit.append(due)
        for label in ("ward:W12", "ward:W07"):
            unit.conn.execute(
                "INSERT INTO cursor (label, epoch, sseq, e, head_at) VALUES (?, 1, 1, x'00', ?)",
                (label, box.clock.wall_ms()),
            )
    box.store.role = role
    return box


@pytest.fixture
def courier_box(tmp_path: Path) -> Iterator[Box]:
    box = make_box(tmp_path / "courier", "courier")
    yield box
    box.close()


@pytest.fixture
def records_box(tmp_path: Path) -> Iterator[Box]:
    box = make_box(tmp_path / "records", "records")
    yield box
    box.close()
