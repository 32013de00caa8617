"""A reading and a document as a program gets them, and masked as a test panel shows them."""

from __future__ import annotations

import datetime
from typing import Any

from hardware.codecs.identity.code_tables import ETHNIC
from hardware.codecs.identity.document import DocumentKind, IdentityDocument
from hardware.codecs.identity.recognise import Recognised
from hardware.drivers.reading_desk import Reading
from hardware.ports import DeviceView
from kiosk_ui.kit.screens.mask import mask_document, mask_name
from kiosk_ui.kit.screens.words import N_, FieldValue, Message

KINDS: dict[DocumentKind, str] = {
    "citizen-card": N_("居民身份证"),
    "hmt-residence-permit": N_("港澳台居民居住证"),
    "permanent-residence-card": N_("外国人永久居留身份证"),
    "passport": N_("护照"),
    "hmt-travel-permit": N_("港澳台居民通行证"),
    "travel-document": N_("旅行证件"),
}
STATES = {
    "waiting": N_("请放证件"),
    "card": N_("正在读"),
    "done": N_("读好了"),
    "refused": N_("没有收下"),
    "expired": N_("等过了时间"),
    "cancelled": N_("已停下"),
}
PUT_AGAIN = "identity.put-again"


def said_code(code: str) -> str:
    """The code whose sentence a person reads: what a module or cable said comes down to putting the card on again."""
    return code if not code or code.startswith(("identity.", "card-text.")) else PUT_AGAIN


def reading_event(reading: Reading) -> dict[str, Any]:
    """What the event stream tells: nothing of a person."""
    return {"reader": reading.device, "reading": reading.reading, "state": reading.state, "code": reading.code}


def reading_data(reading: Reading) -> dict[str, Any]:
    """For the person who asked; the photo stays out, it is opaque."""
    told = reading_event(reading)
    told["document"] = None if reading.document is None else document_data(reading.document)
    return told


def document_data(document: IdentityDocument) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "edition": document.edition,
        "source": document.source,
        "number": document.number,
        "name": document.name,
        "latin_name": document.latin_name,
        "sex": document.sex,
        "birth_on": _day(document.birth_on),
        "ethnic": document.ethnic,
        "ethnic_name": ETHNIC.get(document.ethnic, ""),
        "nationality": document.nationality,
        "address": document.latest_address or document.address,
        "issuer": document.issuer,
        "valid_from_on": _day(document.valid_from_on),
        "valid_to_on": _day(document.valid_to_on),
        "long_term": document.long_term,
        "permit_number": document.permit_number,
        "doubts": list(document.doubts),
    }


def recognised_data(found: Recognised) -> dict[str, Any]:
    return {
        "kinds": list(found.kinds),
        "edition": found.edition,
        "number": found.number,
        "birth_on": _day(found.birth_on),
        "sex": found.sex,
        "nationality": found.nationality,
        "document": None if found.document is None else document_data(found.document),
    }


def reader_data(view: DeviceView, last: str) -> dict[str, Any]:
    """`last`: the newest reading there, masked."""
    return {"reader": view.name, "state": view.state, "reason": view.reason, "last": last}


def masked(reading: Reading) -> Message:
    """The newest reading for a test panel: state, kind, name and number masked."""
    state = Message(STATES[reading.state])
    if reading.document is None:
        return state
    said: dict[str, FieldValue] = {
        "state": state,
        "kind": Message(KINDS[reading.document.kind]),
        "name": mask_name(reading.document.name),
        "number": mask_document(reading.document.number),
    }
    return Message(N_("%(state)s：%(kind)s %(name)s %(number)s"), said)


def _day(on: datetime.date | None) -> str | None:
    return None if on is None else on.isoformat()
