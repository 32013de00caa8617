"""What a person at a shell reads for a code: what happened, what was kept, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioning.trust.told import SUITE_SENTENCES

SENTENCES: Final[Mapping[str, str]] = {
    "node.absent": "There is no node in this directory. Give --dir the folder that holds settings.toml and data/.",
    "node.never-run": "The node in this directory has not run yet. Start it once.",
    "node.running": "The node is running. Stop it first; nothing was changed.",
    "node.not-ready": "A node did not come up. What it said is in log.txt in its directory.",
    "hub.absent": "The hub does not answer. Start it with: waystation hub run --dir DIR",
    "hub.unreachable": "The hub on the card does not answer from here. The card is still good; try again.",
    "provision.is-hub": "This directory is the hub's. Its own key is changed with: waystation provision hub-key",
    "hub-key.date": "Write the day as 2026-12-31. Nothing was changed.",
    "hub-key.too-soon": "Boxes are told of a new key 14 days before it begins. Give a later day, or none for the first "
    "that is possible. Nothing was changed.",
    "hub-key.pending": "Another key was ordered already and has not begun. Order the next one after that day.",
    "hub-key.too-many": "The trust bundle holds no more keys of the hub's. Nothing was changed.",
    "provision.not-joined": "The box in this directory has joined no site. Nothing was changed.",
    "key.write": "The disk does not take the key's file. The old key stays in force.",
    "provision.exists": "This directory holds a hub already. Nothing was changed.",
    "enrol.joined-already": "This directory holds a box that has joined already. Use an empty directory.",
    "card.used": "This card was used already. Ask the hub for a new one.",
    "card.expired": "This card is older than 24 hours. Ask the hub for a new one.",
    "card.unknown": "The hub does not know this card. Ask it for a new one.",
    "card.unreadable": "This is not the text of a card. Scan it again, or copy all of it.",
    "card.other-site": "This card is for another site.",
    "card.other-role": "This card is for a box of another role.",
    "card.withdrawn": "This card was withdrawn at the hub. Ask it for a new one.",
    "card.urls": "Machines cannot be sent to this address: [sync] public_host in the hub's settings.toml must be a "
    "plain host name or address.",
    "card.role": "A card is for the role courier or records.",
    "paper.no-printer": "This box has no printer of that name. Its names are in settings.toml, [devices].",
    "stick.nothing": "Nothing waits here: the hub has signed for everything.",
    "stick.read": "The file cannot be read.",
    "stick.write": "The stick cannot be written. Nothing was lost; everything still waits here.",
    "sign-in.unknown": "User or password is not right.",
    "right.missing": "This account may not do that.",
    "store.locked": "The database does not open with this node's key.",
    "store.unreadable": "The database cannot be read to its end. Start the node: a box mends what it can and says what "
    "was lost.",
    "store.damaged": "The hub's database is damaged. Keep the directory as it is and restore the newest backup "
    "(waystation backup restore); the machines send again what came after it.",
    "store.newer-schema": "The database was written by a newer version. Use that one.",
    "backup.place": "The backup place cannot be read or written. Nothing there was changed.",
    "backup.no-place": "No backup place is known. Give one, or set [backup] place in settings.toml.",
    "backup.catalogue": "The catalogue in the backup place is damaged or another hub's. Nothing was changed.",
    "backup.never-run": "This hub has not run yet, so there is nothing to keep. Start it once.",
    "backup.none": "There is no verified backup in this place.",
    "backup.unknown": "There is no backup of this name in this place.",
    "backup.damaged": "This backup does not hold what was written. Take another one.",
    "backup.newer": "This backup was written by a newer version. Use that one.",
    "backup.unverified": "What was written could not be read back whole; it was removed. The backups before it stay.",
    "backup.too-old": "Boxes may have dropped facts that this backup lacks. Take a newer one, or accept the loss with "
    "--accept-loss.",
    "backup.no-keys": "The hub's keys are neither in this directory nor in the place. Give --from and --recovery-key.",
    "backup.recovery-key": "This recovery key does not open the hub's keys in the place.",
    "backup.key-exists": "There is a file of this name. Nothing was changed.",
    "backup.busy": "Another backup command is at work in this directory.",
    **SUITE_SENTENCES,
    "settings": "A setting is wrong.",
    "box.not-running": "The box is not running, so nobody looks at its devices. "
    "Start it with: waystation appliance run --dir DIR",
    "device.name": "A name has 1 to 32 characters and is not a printer's.",
    "device.no-udev": "This machine does not hear of plugs, so no gun can be paired. Run: waystation doctor --dir DIR",
    "device.placed": "The settings say where this gun is. Change it there, or leave its url out to pair it.",
    "device.unknown": "There is no such device here, or no gun is paired with it.",
    "trial.away": "It is not connected. Do first what this says: waystation devices --dir DIR",
    "trial.busy": "Somebody is trying it, or it is at work. Try again when it is done.",
    "trial.none": "There is nothing to try on a device of this name.",
    "trial.over": "That trial is over and nothing of it was kept.",
    "pairing.over": "Nobody scanned the code in time. Nothing was changed; ask again.",
}


def sentence(code: str, detail: str) -> str:
    """The sentence, the detail where there is one, and the code small at the end."""
    said = SENTENCES.get(code, "It could not be done.")
    more = detail.removeprefix(code).removeprefix(": ").strip()
    return f"{said}{' ' + more if more else ''} [{code}]"
