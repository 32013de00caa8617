"""What the hub is told. Every key has its meaning beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sync.adapters.settings_file import load


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(Section):
    node: str = Field(description="the hub's node id, made by `waystation provision hub`")
    site: str = Field("site", description="short name of the site, as on cards")
    name: str = Field("", description="the hospital's name on screens")
    time_zone: str = Field("Asia/Shanghai", description="the site's time zone: civil dates are in it")


class Web(Section):
    host: str = Field("127.0.0.1", description="address the screens are served on")
    port: int = Field(0, description="port of the screens; 0 lets the machine choose")
    frame_ancestors: tuple[str, ...] = Field((), description="origins that may show these pages in a frame (demo)")


class Sync(Section):
    host: str = Field("127.0.0.1", description="address of the sync door (client certificates required)")
    port: int = Field(0, description="port of the sync door; 0 lets the machine choose")
    public_host: str = Field("localhost", description="name appliances reach the hub by; in its certificate")


class Feeds(Section):
    snapshot_members: int = Field(500, ge=1, description="entities from which on a scope gets snapshots")
    snapshot_entries: int = Field(2000, ge=1, description="entries a feed grows by before the next snapshot")


class Broker(Section):
    host: str = Field("localhost", description="broker address; empty: no broker, HTTPS only")
    port: int = Field(0, description="broker port; 0 lets the machine choose when the hub runs its own broker")
    own: bool = Field(True, description="start and configure an own mosquitto")


class Store(Section):
    url: str = Field(
        "",
        description="empty: an encrypted file in the hub's directory; postgresql://… without the password: PostgreSQL",
    )
    password_file: str = Field("", description="file with the password of `url`; only the hub's user may read it")


class Blobs(Section):
    s3_url: str = Field("", description="an S3-compatible store for page images; empty: a folder beside the database")
    s3_bucket: str = Field("waystation", description="its bucket, which must exist")
    s3_region: str = Field("us-east-1", description="its region")
    s3_key_file: str = Field("", description='file with {"access_key": …, "secret_key": …}; only the hub may read it')


class Mllp(Section):
    host: str = Field("127.0.0.1", description="address HL7 messages arrive at")
    port: int = Field(0, description="MLLP port; 0 lets the machine choose")


class Backup(Section):
    place: str = Field("", description="folder away from this machine where backups lie; empty: none")
    at: str = Field(
        "02:30",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="site time at which the hub makes one every night; empty: it makes none itself",
    )
    keep: int = Field(14, ge=3, description="how many backups that count stay in the place")


class Settings(Section):
    """The whole settings file of a hub."""

    node: Node
    web: Web = Field(Web(), description="the screens")
    sync: Sync = Field(Sync(), description="the appliances' door")
    feeds: Feeds = Field(Feeds(), description="what comes down to appliances")
    broker: Broker = Field(Broker(), description="MQTT")
    store: Store = Field(Store(), description="the database")
    blobs: Blobs = Field(Blobs(), description="page images and other large bytes")
    mllp: Mllp = Field(Mllp(), description="HL7 messages")
    backup: Backup = Field(Backup(), description="copies away from this machine")


def read_settings(folder: Path, environ: dict[str, str], flags: dict[str, Any] | None = None) -> Settings:
    """Settings of the hub in `folder`. Raises PeerFault `settings`."""
    return load(Settings, folder / "settings.toml", environ, flags)
