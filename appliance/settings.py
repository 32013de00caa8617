"""What one box is told: its name, its hub, its devices. Every key has its meaning beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hardware import profiles
from hardware.drivers.plugs import wanted_of

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


def _of_kind(kind: str) -> Callable[[str], str]:
    def shipped(value: str) -> str:
        known = [name for name in profiles.names() if profiles.load(name).kind == kind]
        if value and value not in known:
            raise ValueError(f"no {kind} profile is called so; there are {', '.join(known)}")
        return value

    return shipped


class Gun(Section):
    name: str = Field(description="what people call this gun")
    url: str = Field(
        "",
        description="socket://host:port (we call it), listen://host:port (it calls us), /dev/ttyACM0, "
        "hid:/dev/input/by-path/…; empty: the gun that was paired under this name",
    )
    profile: str = Field("", description="model, as in hardware/profiles; empty: what is usual on this kind of line")

    _profile = field_validator("profile")(_of_kind("gun"))


class Printer(Section):
    url: str = Field(
        "",
        description="socket://host:port, /dev/usb/lp0, /dev/rfcomm0, a serial device, cups:QUEUE; empty: none",
    )
    baud: int = Field(9600, ge=1200, description="speed of the line to one on a serial device, as its test page says")
    width_dots: int = Field(384, description="384 for 58 mm, 576 for 80 mm paper")


class LabelPrinter(Section):
    url: str = Field("", description="socket://host:port, /dev/usb/lp0, a serial device, or cups:QUEUE; empty: none")
    line: Literal["zpl", "tspl"] = Field("zpl", description="what the printer speaks")
    baud: int = Field(9600, ge=1200, description="speed of the line to one on a serial device, as its test page says")
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


class Plugged(Section):
    """A device that may be named by what it is instead of by its node's place."""

    usb: str = Field(
        "",
        description="which USB device it has to be: VENDOR:PRODUCT as `lsusb` shows it, with :SERIAL behind it where "
        "there is one, and @PORT (udev's ID_PATH) where two of a kind are plugged in; empty: whatever is at url",
    )

    @field_validator("usb")
    @classmethod
    def _identity(cls, value: str) -> str:
        if value and wanted_of(value, "") is None:
            raise ValueError("write 04b8:0142, 04b8:0142:SERIAL or either with @PORT")
        return value


class Scanner(Plugged):
    name: str = Field(description="what people call this scanner")
    url: str = Field(
        description="sane:NAME as `scanimage -L` shows it, with {usb} in place of the two numbers that change at each "
        "plug; http://HOST/eSCL for one on the network; folder:/PATH that a vendor's scanning program fills"
    )
    profile: str = Field("", description="model, as in hardware/profiles; empty: what is usual on this kind of line")
    source: Literal["feeder", "feeder-duplex", "flatbed"] = Field(
        "feeder", description="where the paper lies when nobody says otherwise, as for a trial"
    )
    dpi: int = Field(0, ge=0, le=1200, description="dots per inch; 0: the profile's")
    feeder: str = Field("", description="this scanner's own word for its feeder; empty: the profile's")
    feeder_duplex: str = Field("", description="its word for both sides from the feeder; empty: the profile's")
    flatbed: str = Field("", description="its word for its glass; empty: the profile's")

    _profile = field_validator("profile")(_of_kind("scanner"))

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith(("sane:", "folder:/", "http://", "https://")):
            raise ValueError("write sane:NAME, http://HOST/eSCL or folder:/PATH")
        return value


class Camera(Plugged):
    name: str = Field(description="what people call this camera")
    url: str = Field(
        "",
        description="/dev/v4l/by-path/… or /dev/videoN, or http:// or rtsp:// on the network; empty: what usb says",
    )
    profile: str = Field("", description="model, as in hardware/profiles; empty: what is usual on this kind of line")

    _profile = field_validator("profile")(_of_kind("camera"))


class Pedal(Plugged):
    name: str = Field(description="what people call this foot switch")
    url: str = Field(
        "",
        description="hid:/dev/input/by-path/…, or socket://HOST:PORT that sends the same events; empty: what usb says",
    )
    profile: str = Field("foot-pedal", description="model, as in hardware/profiles")
    keys: tuple[int, ...] = Field((), description="kernel codes of the keys that count; empty: the profile's")

    _profile = field_validator("profile")(_of_kind("pedal"))


class Speaker(Section):
    name: str = Field(description="what people call this loudspeaker, and the area it is heard in")
    url: str = Field(description="alsa:DEVICE as `aplay -L` shows it, such as alsa:plughw:CARD=Device,DEV=0")
    profile: str = Field("alsa-speaker", description="model, as in hardware/profiles")
    voices: str = Field("", description="folder of a voice pack; empty: everything is read out by espeak-ng")
    music: str = Field(
        "",
        description="WAV file (PCM, 16 bit, one channel, 22,050 Hz) that is played over and over, turned down under "
        "calls; empty: none",
    )
    gain: float = Field(1.0, gt=0.0, le=4.0, description="how much louder than recorded")
    chime: bool = Field(True, description="two tones before each call")

    _profile = field_validator("profile")(_of_kind("speaker"))

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith("alsa:"):
            raise ValueError("write alsa:DEVICE")
        return value


class VendorService(Section):
    name: str = Field(description="what people call this signature pad or face terminal")
    mapping: str = Field(description="a shipped mapping file of hardware/profiles/services, or the path of one's own")
    url: str = Field("", description="address of the service on this machine; empty: the mapping's")


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
    scanners: tuple[Scanner, ...] = Field((), description="document scanners")
    cameras: tuple[Camera, ...] = Field((), description="document cameras")
    pedals: tuple[Pedal, ...] = Field((), description="foot switches")
    speakers: tuple[Speaker, ...] = Field((), description="loudspeakers, one an area")
    services: tuple[VendorService, ...] = Field(
        (), description="signature pads and face terminals behind their vendors' services on this machine"
    )

    @model_validator(mode="after")
    def _one_name_one_device(self) -> Devices:
        told = (self.guns, self.identity_readers, self.document_printers, self.scanners, self.cameras, self.pedals,
                self.speakers, self.services)  # fmt: skip
        names = [each.name for section in told for each in section]
        names += ["receipt-printer"] * bool(self.receipt_printer.url)
        names += ["label-printer"] * bool(self.label_printer.url)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two devices are called {twice[0]}")
        return self


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
