"""What is said of a device, in the one table that machine, hub and shell share."""

import pytest

from kiosk_ui.kit.locale import OWN_PO, compile_catalog, read_catalog
from kiosk_ui.kit.screens import devices
from kiosk_ui.kit.screens.devices import device_words
from kiosk_ui.kit.screens.papers import doubt
from kiosk_ui.kit.screens.words import say


def english(role: str, state: str, reason: str) -> str:
    table = compile_catalog(read_catalog([OWN_PO]))
    return say(device_words(role, "gun-1", state, reason).sentence, table.gettext, table.ngettext)


@pytest.mark.row("F10.24")
@pytest.mark.parametrize(
    ("state", "reason", "tone", "sentence"),
    [
        ("ready", "", "tick", "gun-1: Fine."),
        ("opening", "", "off", "gun-1: connecting."),
        ("disabled", "", "off", "gun-1: switched off."),
        ("absent", "not-tried", "off", "gun-1: not looked at yet."),
        ("lost", "device.unplugged", "person", "gun-1: not plugged in. Plug it back into its own socket."),
        ("absent", "device.no-access", "person",
         "gun-1: this machine's program may not open it. "
         "Ask the administrator to run waystation doctor on this machine and do what it says."),
        ("absent", "of-a-later-release", "person", "gun-1: not plugged in. "
         "Check its power light and push the plug in."),
    ],
)  # fmt: skip
def test_every_state_has_its_sentence(state: str, reason: str, tone: str, sentence: str) -> None:
    assert device_words("gun", "gun-1", state, reason).tone == tone
    assert english("gun", state, reason) == sentence


@pytest.mark.row("E01.3")
@pytest.mark.parametrize(
    ("role", "state", "reason", "tone", "sentence"),
    [
        ("scanner", "busy", "", "tick", "gun-1: scanning."),
        ("scanner", "busy", "busy", "off", "gun-1: in use by another program."),
        ("scanner", "busy", "warming-up", "off", "gun-1: its lamp is warming up."),
        ("scanner", "attention", "jam", "person",
         "gun-1: paper is jammed. Open the lid and take all jammed paper out."),
        ("scanner", "absent", "device.two", "person",
         "gun-1: two of a kind plugged in, nobody can tell which one is meant. "
         "Ask an administrator to name the one that is meant in this machine's settings (usb, with @PORT)."),
        ("speaker", "absent", "sound.no-player", "person",
         "gun-1: no sound player installed on this machine. "
         "Ask an administrator to install alsa-utils as the install page says."),
        ("signature-pad", "lost", "service.away", "person",
         "gun-1: the vendor's service is not running. Ask an administrator to start the vendor's service."),
        ("camera", "busy", "", "tick", "gun-1: taking pictures."),
        ("printer", "busy", "", "tick", "gun-1: printing."),
        ("printer", "ready", "near-end", "tick", "gun-1: fine, paper is running low."),
        ("printer", "attention", "offline", "person", "gun-1: set offline. Press the online key on the printer."),
    ],
)  # fmt: skip
def test_each_kind_of_device_has_its_own_words(role: str, state: str, reason: str, tone: str, sentence: str) -> None:
    assert device_words(role, "gun-1", state, reason).tone == tone
    assert english(role, state, reason) == sentence


@pytest.mark.parametrize("state", ["boiling", "", "READY"])
def test_a_state_nobody_knows_is_never_good(state: str) -> None:
    words = device_words("gun", "gun-1", state, "")
    assert words.tone == "person" and words.steps


def test_a_reason_beside_ready_is_not_hidden() -> None:
    assert device_words("printer", "belt", "ready", "paper-out").tone == "person"


@pytest.mark.parametrize("state", ["ready", "busy", "opening", "lost", "boiling"])
def test_what_has_a_name_of_its_own_is_called_by_its_kind_beside_it(state: str) -> None:
    gettext = compile_catalog(read_catalog([OWN_PO])).gettext
    told = [
        device_words(role, name, state, "").kind for role, name in (("pedal", "踏板"), ("printer", "label-printer"))
    ]
    assert told[0] is not None and gettext(told[0].id) == "Foot switch" and told[1] is None
    assert set(devices._KINDS) == set(devices._ICONS)


def test_every_reason_that_hands_can_mend_has_steps() -> None:
    assert set(devices._STEPS) <= set(devices._REASONS)
    passing = {reason for reason in devices._REASONS if device_words("gun", "n", "lost", reason).steps == ()}
    assert passing == {"not-tried", "busy", "warming-up"}


@pytest.mark.row("E05.5")
@pytest.mark.parametrize("reason", ["gone", "silent", "restart", "power", "half-sheet"])
def test_a_doubt_says_why(reason: str) -> None:
    table = compile_catalog(read_catalog([OWN_PO]))
    why = doubt(reason)
    assert why is not None and say(why, table.gettext, table.ngettext) != why.id
    assert doubt("of-a-later-release") is None
