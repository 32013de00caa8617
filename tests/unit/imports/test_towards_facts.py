"""What the import lets through, the domain's facts can hold. All people are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.features.imports import cells
from hub.features.imports.cells import BadValue
from hub.features.imports.hl7_message import Hl7Fault
from hub.features.imports.hl7_reader import read_adt
from hub.features.imports.ordering import changes
from hub.features.imports.rows import DischargeRow, read_row
from sync.domain.patients import facts as due
from sync.domain.tracking import facts as stay

WORDS = st.text(min_size=1, max_size=60) | st.datetimes().map(lambda at: at.strftime("%Y%m%d%H%M%S").zfill(14))
PLAIN = {"record_no": "00123456", "stay_no": "1", "name": "张三", "ward": "W01", "discharged_on": "2026-11-17"}


@given(
    st.sampled_from(["record_no", "stay_no", "name", "ward", "discharged_on", "sex", "admitted_on"]),
    st.text(min_size=1, max_size=90) | st.integers(0, 99999) | st.dates(),
)
def test_every_row_becomes_facts(field, value):
    row = read_row(1, {**PLAIN, field: value})
    if not isinstance(row, DischargeRow):
        return
    key = stay.stay_key(row.record_no, row.stay_no)
    on = row.discharged_on.isoformat()
    due.listed(key, name=row.name, sex=row.sex, ward=row.ward, discharged_on=on, initials="")
    stay.discharged(key, ward=row.ward, discharged_on=on, event_at_ms=0, control="list/1/1")


@given(st.sampled_from(["{id}", "{app}", "{name}", "{stay}", "{ward}", "{at}"]), WORDS)
def test_every_discharge_message_becomes_facts(place, value):
    template = (
        "MSH|^~\\&|{app}|HOSP|WAY|HUB|20261117||ADT^A03|{id}|P|2.5\rEVN|A03|{at}\r"
        "PID|1||00123456||{name}\rPV1|1|I|{ward}||||||||||||||||{stay}\r"
    )
    told = {
        "{id}": "M1",
        "{app}": "HIS",
        "{name}": "张三",
        "{stay}": "1",
        "{ward}": "W01",
        "{at}": "20261117103000",
    } | {place: value}
    for hole, text in told.items():
        template = template.replace(hole, text)
    try:
        event = read_adt(template, 480)
    except Hl7Fault:
        return
    (change,) = changes(event)
    key = stay.stay_key(change.record_no, change.stay_no)
    assert change.ward and change.discharged_on
    on = change.discharged_on.isoformat()
    stay.discharged(key, ward=change.ward, discharged_on=on, event_at_ms=change.event_at_ms, control=change.control)
    due.listed(key, name=change.name, sex=change.sex, ward=change.ward, discharged_on=on, initials="")


@pytest.mark.parametrize("reader", [cells.name, cells.record_no, cells.ward, cells.stay_no])
def test_the_longest_values_fit(reader):
    fits = {cells.name: "张" * 80, cells.record_no: "A" * 20, cells.ward: "w" * 20, cells.stay_no: "9999"}[reader]
    assert reader(fits) == fits
    with pytest.raises(BadValue):
        reader(fits + fits[-1])
    row = read_row(1, PLAIN)
    assert isinstance(row, DischargeRow)
    full = replace(row, record_no="A" * 20, stay_no="9999", name="张" * 80, ward="w" * 20)
    key = stay.stay_key(full.record_no, full.stay_no)
    due.listed(
        key, name=full.name, sex=full.sex, ward=full.ward, discharged_on=date(2026, 11, 17).isoformat(), initials=""
    )
