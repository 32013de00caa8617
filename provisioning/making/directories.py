"""Making a hub's directory and a box's directory: keys, settings, and for the hub its first administrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from provisioning.trust import hub_door, joining
from provisioning.trust.cards import read_card
from provisioning.trust.node_keys import load_keys
from provisioning.trust.site import make_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.keys import write_whole
from sync.adapters.keys.suites import suite_of
from sync.adapters.postgres.database import by_settings
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.domain.people import facts as people
from sync.domain.people.badges import badge_hash
from sync.kernel.canonical import decode
from sync.kernel.outcome import PeerFault, Refused, Unavailable
from sync.protocol.message import SIGNED_BYTES
from sync.protocol.trust import Identity

SOFTWARE = "waystation 0.1.0"


def make_hub(
    directory: Path,
    *,
    site: str,
    name: str,
    hosts: Sequence[str],
    admin: str,
    password: str,
    suite: int = 1,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """A hub that can be run; its site keeps `suite` for good.

    Doing it again on the same directory keeps its keys and refuses a second administrator.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    trust = make_site(
        directory / "keys", site=site, hosts=list(hosts), now_ms=clock.wall_ms(), entropy=entropy, suite=suite_of(suite)
    )
    path = directory / "settings.toml"
    if path.exists():
        raise Unavailable("provision.exists", 0.0)
    (directory / "data").mkdir(exist_ok=True, mode=0o700)
    where = (settings or {}).get("store", {})
    store = HubStore(
        directory / "data" / "node.db",
        trust.keys.store,
        node=trust.hub,
        role="hub",
        clock=clock,
        entropy=entropy,
        database=by_settings(where.get("url", ""), where.get("password_file", ""), name=trust.worker),
        suite=trust.suite,
    )
    try:
        store.start_incarnation(SOFTWARE, "start")
        with store.write(actor=admin) as unit:
            unit.append(
                people.person(
                    admin,
                    name=admin.removeprefix("u-"),
                    roles=["administrator"],
                    badge_hash=badge_hash(entropy.bytes(16).hex(), site),
                )
            )
            unit.append(people.password_set(admin, PasswordHasher().hash(password)))
    finally:
        store.close()
    node = {"node": trust.hub, "site": site, "name": name or site}
    write_whole(path, toml({"node": node, **(settings or {})}).encode(), mode=0o600)
    return {"node": trust.hub, "site": site, "dir": str(directory)}


def enrol_box(
    directory: Path, card_text: str, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Join the card's site and write the box's settings. Raises Unavailable with the hub's or the card's code."""
    card = read_card(card_text)
    if isinstance(card, Refused):
        raise PeerFault(card.code)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    joined = joining.join(
        directory / "keys",
        card,
        lambda raw: hub_door.ask_hub(card, raw),
        software=SOFTWARE,
        now_ms=SystemClock().wall_ms(),
        entropy=SystemEntropy(),
    )
    if isinstance(joined, Refused):
        raise Unavailable(joined.code, 60.0)
    told = joined.enrolled
    hub: dict[str, Any] = {"sync_url": told.sync_url, "server_name": told.server_name}
    if told.mqtt is not None:
        hub.update(mqtt_host=told.mqtt[0], mqtt_port=told.mqtt[1])
    node = {
        "node": told.node,
        "role": told.role,
        "name": told.name,
        "site": told.site,
        "hospital": told.hospital or told.site,
    }
    merged: dict[str, dict[str, Any]] = {"node": node, "hub": hub}
    for section, values in (settings or {}).items():
        merged[section] = {**merged.get(section, {}), **values}
    write_whole(directory / "settings.toml", toml(merged).encode(), mode=0o600)
    return {
        "node": told.node,
        "role": told.role,
        "site": told.site,
        "dir": str(directory),
        "phrase": list(joined.phrase["zh"]),
    }


def renew_box(directory: Path) -> dict[str, Any]:
    """Draw the next signing key of a box that has joined; drawn once, however often it is asked for.

    Raises Unavailable `provision.not-joined`, `provision.is-hub`, `key.*`.
    """
    keys = load_keys(directory / "keys")
    if not keys.joined:
        raise Unavailable("provision.not-joined", 0.0)
    own = Identity.read(decode(keys.identity_path.read_bytes()[SIGNED_BYTES:]))
    if own.role == "hub":
        raise Unavailable("provision.is-hub", 0.0)
    coming = keys.suite.signing_public(keys.files.draw())
    return {"node": own.node, "key": keys.key_id.hex(), "next": keys.suite.key_id(coming).hex()}


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Settings as TOML: plain values, lists, tables and lists of tables one level down."""
    lines: list[str] = []
    for section, values in sections.items():
        plain = {k: v for k, v in values.items() if not _is_table(v)}
        lines += [f"[{section}]", *(f"{k} = {_value(v)}" for k, v in plain.items()), ""]
        for key, value in values.items():
            if isinstance(value, Mapping):
                lines += [f"[{section}.{key}]", *(f"{k} = {_value(v)}" for k, v in value.items()), ""]
            elif _is_table(value):
                for row in value:
                    lines += [f"[[{section}.{key}]]", *(f"{k} = {_value(v)}" for k, v in row.items()), ""]
    return "\n".join(lines)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
    return repr(value)
