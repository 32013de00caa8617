"""What one box is told: its name, its hub, its devices. Every key has its meaning beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hardware import profiles

SOFTWARE = "waystation 0.1.0"
"""What a box calls itself in its openings and hellos."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(Section):
    node: str = Field(description="node id, made by the hub at enrolment")
    role: Literal["courier", "records"] = Field(description="what this box is for")
    name: str = Field(description="what people call this box")
    site: str = Field("site", description="short name of the site, as on cards")
    hospital: str = Field("", description="the hospital's name, printed on slips")
    time_zone: str = Field("Asia/Shanghai", description="the site's time zone: civil dates are in it")
    witness: str = Field(
        "", description="file that counts uses of leases outside the data folder; empty: `witness` beside settings.toml"
    )
    clock_offset_s: float = Field(0.0, description="shifts the wall clock; for drills with a wrong clock")


class Web(Section):
    host: str = Field("127.0.0.1", description="address the screen is served on")
    port: int = Field(0, description="port of the screen; 0 lets the machine choose")
    frame_ancestors: tuple[str, ...] = Field((), description="origins that may show this screen in a frame")


class Hub(Section):
    sync_url: str = Field("", description="https address of the hub's sync door; empty: no line")
    mqtt_host: str = Field("", description="broker address; empty: HTTPS only")
    mqtt_port: int = Field(8883, description="broker port")
    server_name: str = Field("localhost", description="name in the certificates of hub and broker")


class Sync(Section):
    carriers: tuple[Literal["mqtt", "https"], ...] = Field(("mqtt", "https"), description="carriers, best first")
    backoff_cap_s: float = Field(60.0, description="longest wait between two calls")
    blob_bytes_per_s: int = Field(
        1024 * 1024, ge=0, description="cap for page images going up, so that the line stays free; 0: none"
    )
    connect_s_max: float = Field(10.0, description="longest wait for a connection that says neither yes nor no")


class Stick(Section):
    folders: tuple[str, ...] = Field(
        ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*"),
        description="where a stick appears; of a pattern with * only what is mounted there counts",
    )


class Gun(Section):
    name: str = Field(description="what people call this gun")
    url: str = Field(
        "",
        description="socket://host:port (we call it), listen://host:port (it calls us), /dev/ttyACM0, "
        "hid:/dev/input/by-path/…; empty: the gun that was paired under this name",
    )
    profile: str = Field("", description="model, as in hardware/profiles; empty: what is usual on this kind of line")

    @field_validator("profile")
    @classmethod
    def _shipped(cls, value: str) -> str:
        known = [name for name in profiles.names() if profiles.load(name).kind == "gun"]
        if value and value not in known:
            raise ValueError(f"no gun profile is called so; there are {', '.join(known)}")
        return value


class Printer(Section):
    url: str = Field(
        "",
        description="socket://host:port, /dev/usb/lp0, /dev/rfcomm0, a serial device, cups:QUEUE; empty: none",
    )
    width_dots: int = Field(384, description="384 for 58 mm, 576 for 80 mm paper")


class LabelPrinter(Section):
    url: str = Field("", description="socket://host:port, /dev/usb/lp0, a serial device, or cups:QUEUE; empty: none")
    line: Literal["zpl", "tspl"] = Field("zpl", description="what the printer speaks")
    dpi: int = Field(203, description="dots per inch")


class IdentityReader(Section):
    name: str = Field(description="what people call this reader")
    url: str = Field(description="serial device or socket://host:port, or hid:/dev/input/eventN for one that types")
    profile: Literal["sam-v-reader", "zone-reader"] = Field(
        "sam-v-reader", description="identity cards by their chip, or passports by their machine-readable zone"
    )
    baud: int = Field(0, ge=0, description="speed of the line; 0: the profile's")


class DocumentPrinter(Section):
    name: str = Field(description="what people call this printer")
    queue: str = Field(description="its queue at the print server, of this box alone")
    counts_pages: bool = Field(
        False,
        description="the printer counts pages as they come out: a document that broke off goes on with the page "
        "that is missing; `waystation print test` tells",
    )


class Devices(Section):
    recordings: str = Field(
        "",
        description="folder for recordings of what devices say, with all that was read, scanned, said or signed left "
        "out; empty: none",
    )
    guns: tuple[Gun, ...] = Field((), description="barcode guns of this box")
    identity_readers: tuple[IdentityReader, ...] = Field((), description="readers of identity cards and passports")
    receipt_printer: Printer = Field(Printer(), description="belt printer")
    tone: str = Field("", description="beeper device or FIFO that gets one word a verdict; empty: the screen's sound")
    label_printer: LabelPrinter = Field(LabelPrinter(), description="label printer")
    print_server: str = Field("/run/cups/cups.sock", description="CUPS: path of its socket, or host:port")
    document_printers: tuple[DocumentPrinter, ...] = Field((), description="printers for documents, behind CUPS")


class Codes(Section):
    prefixes: tuple[str, ...] = Field((), description="site prefixes that a record's code may begin with")
    badge_prefix: str = Field("WB", description="how the text of a badge begins; never of four or more characters")


class Settings(Section):
    """The whole settings file of an appliance."""

    node: Node
    web: Web = Field(Web(), description="the screen")
    hub: Hub = Field(Hub(), description="the centre")
    sync: Sync = Field(Sync(), description="how the line is used")
    devices: Devices = Field(Devices(), description="what hangs on this box")
    stick: Stick = Field(Stick(), description="how a box without a line delivers")
    codes: Codes = Field(Codes(), description="how codes are read")
