"""`waystation backup …`: copies of the hub away from its machine, the way back, and the proof that the way works."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioning.cli import say
from provisioning.cli.sentences import sentence
from sync.kernel.limits import EPOCH_MAX
from sync.kernel.outcome import Unavailable

if TYPE_CHECKING:
    from hub.backup.place import Place
    from hub.backup.restore import HubSecrets
    from hub.settings import Settings
    from sync.adapters.sqlite_log.database import Database

Dir = Annotated[Path, typer.Option("--dir", help="the hub's directory")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]
From = Annotated[Path | None, typer.Option("--from", help="the backup place; else the one of the settings")]
Recovery = Annotated[Path | None, typer.Option("--recovery-key", help="file with the recovery key")]

backup = typer.Typer(no_args_is_help=True, help="Backups of the hub, and the way back.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(backup, name="backup")


@backup.command("create")
def create(
    dir: Dir,
    to: Annotated[Path | None, typer.Option("--to", help="the backup place; else the one of the settings")] = None,
    json: AsJson = False,
) -> None:
    """One more backup of a hub, running or not: written, carried to the place, read back whole."""
    from hub.backup.blobs import read_list
    from hub.backup.now import back_up
    from hub.backup.place import Place
    from provisioning.making.places import database_of
    from sync.adapters.clock import SystemClock
    from sync.adapters.keys import load_key

    folder = to or _place_of(dir)
    database = database_of(dir)
    place = Place(folder, load_key(dir / "keys" / "store.key"))
    told = _whole_settings(dir)
    made, mirrored = back_up(dir, database, place, SystemClock().wall_ms(), told.backup.keep, _stage(json), told.blobs)
    blobs = len(read_list(place, made))
    found = {
        **asdict(made),
        "blobs": blobs,
        "place": str(folder),
        "keys": mirrored.keys,
        "relied_on": _relied(dir, folder),
    }
    lines = [f"{made.name}: {made.facts} facts, {made.size_bytes} bytes, read back whole"]
    if not mirrored.keys:
        lines.append("The hub's keys are not there; without them nobody can open it. Make a recovery key: "
                     "waystation backup key --dir DIR --to FILE")  # fmt: skip
    if not found["relied_on"]:
        lines.append("The hub does not rely on this place: set [backup] place in settings.toml.")
    say.document(found, as_json=json, lines=lines)


@backup.command("restore")
def restore(
    dir: Dir,
    source: From = None,
    name: Annotated[str | None, typer.Option("--backup", help="name of a backup; else the newest verified one")] = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="also one that is older than what boxes may have dropped")
    ] = False,
    recovery_key: Recovery = None,
    epoch: Annotated[
        int, typer.Option(min=0, max=EPOCH_MAX, help="at least this hub epoch, where one is known to be higher")
    ] = 0,
    json: AsJson = False,
) -> None:
    """Give a stopped hub, or an empty directory, the database of a backup under a higher epoch."""
    from hub.backup.keys import unseal_keys
    from hub.backup.now import alone
    from hub.backup.place import KEYS
    from hub.backup.restore import put_back
    from provisioning.cli.look import refuse_running

    refuse_running(dir)
    if not (dir / "keys" / "store.key").exists():
        if source is None or recovery_key is None:
            raise Unavailable("backup.no-keys", 0.0)
        unseal_keys(source / KEYS, recovery_key, dir)
        _newest_trust(dir, source)
    secrets, place = _secrets(dir, source or _place_of(dir))
    from hub.backup.blobs import open_copies

    copies = open_copies(dir, place.folder, _whole_settings(dir).blobs, secrets.messages.suite)
    with alone(dir):
        done = put_back(
            dir, place, secrets, name=name, accept_loss=accept_loss, epoch=epoch, told=_stage(json), copies=copies
        )  # fmt: skip
    found = {
        "backup": done.backup.name,
        "began_ms": done.backup.began_ms,
        "epoch": done.epoch,
        **asdict(done.built),
        "replaced": str(done.replaced) if done.replaced else None,
        "retired": done.lost,
        "blobs_lost": done.blobs_lost,
    }
    say.document(
        found,
        as_json=json,
        lines=[
            f"{done.backup.name} is in place: {done.built.facts} facts, {done.built.own_facts} of the hub's own read "
            f"back, epoch {done.epoch}.",
            "Start the hub; the boxes bring what was lost since.",
            *([f"The old database lies in {done.replaced}"] if done.replaced else []),
        ],
    )


@backup.command("drill")
def drill(dir: Dir, source: From = None, recovery_key: Recovery = None, json: AsJson = False) -> None:
    """Put the newest backup into a scratch folder, check it, throw it away. Exit 1: it cannot be restored."""
    from hub.backup.drill import rehearse
    from hub.backup.keys import unseal_keys
    from hub.backup.place import KEYS

    with tempfile.TemporaryDirectory(prefix="waystation-keys-") as scratch:
        keys = dir
        if recovery_key is not None:
            keys = Path(scratch)
            unseal_keys((source or _place_of(dir)) / KEYS, recovery_key, keys)
        secrets, place = _secrets(keys, source or _place_of(dir))
        done = rehearse(place, secrets, _stage(json))
    found = {
        "restorable": done.fault is None,
        "fault": done.fault,
        "backup": done.backup,
        "began_ms": done.began_ms,
        "took_s": done.took_s,
        **(asdict(done.built) if done.built else {}),
    }
    said = sentence(done.fault, "") if done.fault else f"{done.backup} can be restored: {found['facts']} facts"
    say.document(found, as_json=json, lines=[said])
    say.end(say.FINE if done.fault is None else say.FAILED)


@backup.command("key")
def key(
    dir: Dir, to: Annotated[Path, typer.Option("--to", help="a new file, to be taken away")], json: AsJson = False
) -> None:
    """Draw the key that opens the hub's keys in the backup place. Put the file in a safe and nowhere else."""
    from hub.backup.keys import make_recovery_key
    from sync.adapters.idgen import SystemEntropy

    if not (dir / "keys" / "store.key").exists():
        raise Unavailable("node.absent", 0.0)
    try:
        make_recovery_key(dir, to, SystemEntropy())
    except FileExistsError:
        raise Unavailable("backup.key-exists", 0.0) from None
    say.document(
        {"file": str(to)},
        as_json=json,
        lines=[f"{to} opens the hub's keys in the next backups. Take it away from this machine."],
    )


@backup.command("keys")
def keys(
    dir: Dir,
    recovery_key: Annotated[Path, typer.Option("--recovery-key", help="file with the recovery key")],
    source: From = None,
    json: AsJson = False,
) -> None:
    """Put the hub's keys back as the backup place holds them: for a stopped hub whose keys folder is too old."""
    from hub.backup.keys import put_keys_back
    from hub.backup.place import KEYS
    from provisioning.cli.look import refuse_running
    from provisioning.trust.bundle import load_bundle
    from provisioning.trust.node_keys import load_keys

    refuse_running(dir)
    put_keys_back(dir, (source or _place_of(dir)) / KEYS, recovery_key)
    found = {"key": load_keys(dir / "keys").key_id.hex(), "trust_version": load_bundle(dir / "keys").version}
    say.document(found, as_json=json, lines=["The hub's keys are back. Start the hub."])


def _server(directory: Path) -> Database | None:
    from hub.settings import Settings
    from sync.adapters.postgres.database import by_settings
    from sync.adapters.settings_file import load

    if not (directory / "settings.toml").exists():
        raise Unavailable("node.absent", 0.0)
    where = load(Settings, directory / "settings.toml", dict(os.environ)).store
    return by_settings(where.url, where.password_file, name="waystation backup")


def _whole_settings(directory: Path) -> Settings:
    from hub.settings import Settings as HubSettings
    from sync.adapters.settings_file import load

    if not (directory / "settings.toml").exists():
        raise Unavailable("node.absent", 0.0)
    return load(HubSettings, directory / "settings.toml", dict(os.environ))


def _place_of(directory: Path) -> Path:
    told = _whole_settings(directory).backup.place
    if not told:
        raise Unavailable("backup.no-place", 0.0)
    return Path(told)


def _relied(directory: Path, place: Path) -> bool:
    """Whether the hub itself looks at this place."""
    try:
        return _place_of(directory).resolve() == place.resolve()
    except Unavailable:
        return False


def _secrets(directory: Path, source: Path) -> tuple[HubSecrets, Place]:
    from hub.backup.place import Place
    from hub.backup.restore import HubSecrets
    from hub.link.voice import keys_of
    from hub.settings import Settings
    from provisioning.trust.node_keys import load_keys
    from sync.adapters.settings_file import load

    keys = load_keys(directory / "keys")
    node = load(Settings, directory / "settings.toml", dict(os.environ)).node.node
    return HubSecrets(node, keys.store, keys_of(keys), _server(directory)), Place(source, keys.store)


def _newest_trust(directory: Path, source: Path) -> None:
    """Who was shut out since the keys were sealed stays shut out: the place holds the newest bundle."""
    from hub.backup.place import TRUST
    from provisioning.trust import bundle

    held = bundle.load_bundle(directory / "keys")
    try:
        offered = (source / TRUST).read_bytes()
    except OSError:
        return
    newer = bundle.adopt(held, offered)
    if isinstance(newer, bundle.Bundle):
        bundle.save_bundle(directory / "keys", newer)


def _stage(as_json: bool) -> Callable[[str], None]:
    def told(stage: str) -> None:
        if not as_json:
            sys.stderr.write(f"{stage} …\n")

    return told
