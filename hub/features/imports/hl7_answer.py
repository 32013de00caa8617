"""The acknowledgement an HL7 sender waits for: taken (AA), content wrong (AE), not of a kind we take (AR).

Source: HL7 v2.5, chapter 2, sections 2.13.1 (ACK), 2.15.5 (ERR), 2.15.8 (MSA). Says codes and places, never a value.
"""

from __future__ import annotations

from datetime import datetime

from hub.features.imports.hl7_message import Heard, Hl7Fault, read_separators

DEFAULT_SEPARATORS = "|^~\\&"
_ECHO_CHARS_MAX = 199
_CONDITIONS = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    104: "Value too long",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    207: "Application internal error",
}


def answer(heard: Heard | None, fault: Hl7Fault | None, *, control_id: str, now: datetime) -> bytes:
    """The ACK for a message, in its separators, charset and version; for what could not be decoded in plain ASCII.

    Without a fault it says AA. `control_id` is the answer's own MSH-10, `now` an aware instant. MSA-2 repeats the
    sender's MSH-10 as it came. Nothing here can fail on what a message holds.
    """
    fields, separators = _header_fields(heard)
    field, component = separators[0], separators[1]
    charset = heard.charset if heard else "ascii"
    code = fault.answer if fault else "AA"
    event = fields[8].split(component)[1:2]
    kind = component.join(["ACK", *event, "ACK"] if event else ["ACK"])
    stamp = now.strftime("%Y%m%d%H%M%S%z")
    version = fields[11] or "2.5"
    header = [
        "MSH",
        separators[1:],
        fields[4],
        fields[5],
        fields[2],
        fields[3],
        stamp,
        "",
        kind,
        control_id,
        "P",
        version,
    ]
    if fields[17]:
        header += [""] * 5 + [fields[17]]
    segments = [header, ["MSA", code, fields[9], fault.code if fault else ""]]
    if fault:
        condition = component.join([str(fault.condition), _CONDITIONS[fault.condition], "HL70357"])
        place = fault.place.replace("-", component + "1" + component)
        segments.append(["ERR", "", place, condition, "E", fault.code])
    return "".join(field.join(segment).rstrip(field) + "\r" for segment in segments).encode(charset, "replace")


def _header_fields(heard: Heard | None) -> tuple[list[str], str]:
    """The fields of the sender's MSH by list position (MSH-n at n - 1), as raw text, cut and free of controls."""
    text = heard.text.lstrip(" \t\r\n\0") if heard else ""
    header = text.split("\r", 1)[0].split("\n", 1)[0]
    try:
        separators = read_separators(header)
    except Hl7Fault:
        return [""] * 18, DEFAULT_SEPARATORS
    fields = ["".join(c for c in one[:_ECHO_CHARS_MAX] if c.isprintable()) for one in header.split(separators[0])]
    return (fields + [""] * 18)[:18], separators
