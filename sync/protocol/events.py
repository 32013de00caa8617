"""What happens to a session, and what it wants done: values, both ways. Somebody else touches disk and line.

The runner performs effects in their order and reports what they led to as further events.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.protocol.ack import Ack
from sync.protocol.message import Message
from sync.protocol.notices import Order

Lane = tuple[int, int]
"""(incarnation, lane): a stream of this node."""


@dataclass(frozen=True, slots=True)
class OwnStream:
    """Where an own stream stands in the local log. `state` as in acks: 0 open, 1 frozen, 2 waits for an operator."""

    incarnation: int
    lane: int
    last: int
    acked: int
    state: int = 0


# Events


@dataclass(frozen=True, slots=True)
class Started:
    """The process is up. `streams`: own ones with unacknowledged facts and the current ones. `epoch` 0: none heard."""

    streams: tuple[OwnStream, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class CarrierUp:
    """A carrier that was asked to connect can carry messages."""

    carrier: str


@dataclass(frozen=True, slots=True)
class CarrierDown:
    """A carrier could not connect, or is gone."""

    carrier: str


@dataclass(frozen=True, slots=True)
class Received:
    """A verified message of the hub, over any carrier or from a file; `raw` is what was signed."""

    message: Message
    raw: bytes


@dataclass(frozen=True, slots=True)
class FactCommitted:
    """Facts up to `last` are durable in this stream. The stream may be new."""

    incarnation: int
    lane: int
    last: int


@dataclass(frozen=True, slots=True)
class BatchCut:
    """What `CutAndSend` led to: facts `first` to `last` are on their way, in `size` bytes.

    `last` < `first`: there was nothing.
    """

    incarnation: int
    lane: int
    first: int
    last: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class AckApplied:
    """What `ApplyAck` led to for one stream: `acked` is the mark now.

    `trouble`: None, `other-history`, `parted`, `rewound`, `behind`, `unknown-stream`.
    """

    incarnation: int
    lane: int
    acked: int
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class EpochRaised:
    """What `RaiseEpoch` led to: own streams, now all with mark 0, those too that were done with under the old epoch."""

    streams: tuple[OwnStream, ...]


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """What `Obey` led to: this stream has ended at its last good fact, and nothing of it is to be sent."""

    incarnation: int
    lane: int


@dataclass(frozen=True, slots=True)
class BegunAgain:
    """The node opened another incarnation in this process; its hellos are counted from 1 again."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class Stumbled:
    """The disk failed in the middle of an event's effects; `streams` and `epoch` are what it holds.

    `incarnation`: the running one; an effect may have begun another before it failed.
    """

    streams: tuple[OwnStream, ...]
    epoch: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class HelloWanted:
    """Something changed that the hub should know at once, or a round met another epoch."""


@dataclass(frozen=True, slots=True)
class AsksOpen:
    """Something is to be asked about leases, at this time on the session's clock or when a line is there."""

    at_s: float


@dataclass(frozen=True, slots=True)
class IdentityRenewed:
    """This node was enrolled again."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; due at `Session.wakes_at_s` at the latest."""


Event = (
    Started | CarrierUp | CarrierDown | Received | FactCommitted | BatchCut | AckApplied | EpochRaised | StreamClosed
    | BegunAgain | HelloWanted | AsksOpen | IdentityRenewed | Stumbled | Tick
)  # fmt: skip


# Effects


@dataclass(frozen=True, slots=True)
class Connect:
    """Open this carrier now; answer with CarrierUp or CarrierDown."""

    carrier: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close this carrier; no answer is waited for."""

    carrier: str


@dataclass(frozen=True, slots=True)
class SendHello:
    """Send hello `number` of this incarnation (again, when it was sent before), the receipts beside it where asked."""

    carrier: str
    number: int
    with_receipts: bool = False


@dataclass(frozen=True, slots=True)
class SendIdentity:
    """Show the identity record: the hub does not know this node."""

    carrier: str


@dataclass(frozen=True, slots=True)
class SendTrust:
    """Show the trust bundle: the hub has an older one."""

    carrier: str


@dataclass(frozen=True, slots=True)
class ChangeKey:
    """An administrator wants another signing key of this node. Asked again in each welcome until the hub has one."""


@dataclass(frozen=True, slots=True)
class CutAndSend:
    """Cut a batch that begins at `first` and send it; answer with BatchCut. Bytes are those of the facts."""

    carrier: str
    incarnation: int
    lane: int
    first: int
    facts_max: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Resend:
    """Send facts `first` to `last` again; no answer is waited for."""

    carrier: str
    incarnation: int
    lane: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ApplyAck:
    """Apply marks and keep receipts in one commit; answer with AckApplied for each stream of the ack."""

    ack: Ack
    raw: bytes
    welcome: bool


@dataclass(frozen=True, slots=True)
class RaiseEpoch:
    """One commit: store the epoch, forget marks and their times, cursors become to repair, frozen streams open.

    Answer with EpochRaised.
    """

    epoch: int


@dataclass(frozen=True, slots=True)
class Withhold:
    """From now on this fact travels as its digest alone; an alarm names it."""

    incarnation: int
    lane: int
    seq: int


@dataclass(frozen=True, slots=True)
class FetchRound:
    """Bring the held scopes up to the hub's heads, when a round is not already running."""


@dataclass(frozen=True, slots=True)
class AdoptScopes:
    """The scope set that this node is to hold."""

    version: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdoptTrust:
    """A trust bundle; a version that is not above the kept one is ignored."""

    message: Message
    raw: bytes


@dataclass(frozen=True, slots=True)
class AdoptIdentity:
    """A new identity record of this node; then `IdentityRenewed`."""

    message: Message
    raw: bytes


@dataclass(frozen=True, slots=True)
class Obey:
    """An operator's order that the store must remember (freeze, thaw of a stream, void, wipe)."""

    order: Order


@dataclass(frozen=True, slots=True)
class SendAsks:
    """Send what is due to be asked about leases, all of it when the line is `fresh`; answer with AsksOpen for more.

    `every`: the hub holds other leases for this node than the node does, so each one is asked about.
    """

    carrier: str
    fresh: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class TakeLease:
    """The hub's word on a lease of this node; its body is still to be read."""

    message: Message
    raw: bytes


@dataclass(frozen=True, slots=True)
class ShowState:
    """The session's state changed; the words of `states`. `up_only`: feeds have stopped, the software is too old."""

    state: str
    carrier: str | None
    up_only: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """A person must know. `stream` where one is meant."""

    code: str
    stream: Lane | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Something was heard that changes nothing: count it."""

    code: str


Effect = (
    Connect | Disconnect | SendHello | SendIdentity | SendTrust | CutAndSend | Resend | ApplyAck | RaiseEpoch | Withhold
    | ChangeKey | FetchRound | AdoptScopes | AdoptTrust | AdoptIdentity | Obey | SendAsks
    | TakeLease | ShowState | Alarm | Count
)  # fmt: skip
