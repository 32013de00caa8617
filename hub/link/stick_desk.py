"""A stick file at the hub: everything in it goes through the one door, and the file to carry back has the answers.

A machine that says where its copies stand (its own signed message of heads) gets them brought up to date: what it would
fetch over a line, as parcels sealed to it alone. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hub.link.blob_desk import BlobDesk
from hub.link.door import Door, Offer
from hub.link.feed_desk import FeedDesk
from hub.link.voice import Voice
from sync.adapters.sqlite_log.hub_feeds import Feeds, HeadRow
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.kernel import canonical
from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import message, parcel, stick
from sync.protocol.notices import Head, ScopeHead
from sync.protocol.segment import parse_segment_header
from sync.protocol.sets import SetsAsk
from sync.protocol.snapshot import Manifest

TOGETHER = 64
"""Messages of a file in one commit."""
PARCEL_BYTES_MAX = STICK_BYTES_MAX // 2
"""Of one machine's copies in one file; scopes that do not fit come with the next one."""
ASKS_MAX = 64
"""Messages about copies in one file; a machine has one, and one more for each scope to be repaired."""


@dataclass(slots=True)
class _Asked:
    """What a machine said of its copies. `sets`: its questions, as it signed them, by scope. `parcels`: large bytes."""

    row: NodeRow
    heads: dict[str, ScopeHead] | None = None
    sets: dict[str, bytes] = field(default_factory=dict)
    parcels: list[object] = field(default_factory=list)


class StickDesk:
    """Used from any thread."""

    def __init__(
        self,
        store: HubStore,
        door: Door,
        desk: FeedDesk,
        feeds: Feeds,
        voice: Voice,
        *,
        trust: Callable[[], bytes],
        quiet: Callable[[], bool] = lambda: False,
        publish: Callable[[str], object] = lambda label: None,
        blobs: BlobDesk | None = None,
    ) -> None:
        """`trust()`: the newest bundle as it is carried. `quiet`: nobody may be told yet where feeds stand.

        `publish(label)` makes a snapshot: on a stick a scope begins with nothing else.
        """
        self._store = store
        self._door = door
        self._desk = desk
        self._feeds = feeds
        self._voice = voice
        self._trust = trust
        self._quiet = quiet
        self._publish = publish
        self._blobs = blobs

    def take(self, data: bytes) -> bytes:
        """Take a file in. Raises PeerFault `stick.*`: nothing of it was taken."""
        asked: dict[str, _Asked] = {}
        offers = [Offer(raw, "stick", None) for raw in stick.unpack(data) if not self._hear(raw, asked)]
        answers: list[bytes] = []
        for at in range(0, len(offers), TOGETHER):
            for told in self._door.receive_many(offers[at : at + TOGETHER]).answers.values():
                answers += told
        for node, said in sorted(asked.items()):
            if said.parcels and self._blobs is not None:
                answers += self._keep_blobs(self._blobs, said)
            if said.heads is not None and not self._quiet():
                found = self._answers(said.row, said.heads, said.sets)
                bodies = parcel.pack(found, said.row.sealing_public, self._voice.suite) if found else ()
                answers += [self._voice.say(message.PARCEL, body, node) for body in bodies]
        return stick.pack([self._trust(), *answers])

    def _hear(self, raw: bytes, asked: dict[str, _Asked]) -> bool:
        """Whether it is a message about copies that its machine signed; everything else is the door's."""
        if len(asked) >= ASKS_MAX:
            return False
        try:
            header = message.parse_short_header(raw)
            if header.type not in (message.HEAD, message.SETS, message.PARCEL):
                return False
            row = self._store.node_row(header.signer)
            if row is None or not row.counts:
                return False
            said = message.open_message(
                raw, suite=self._voice.suite, keys=self._keys_of(row), audience=self._store.node
            )
            mine = asked.get(row.node) or _Asked(row)
            if said.type == message.HEAD:
                mine.heads = {head.label: head for head in Head.read(said.body).scopes}
            elif said.type == message.PARCEL:
                mine.parcels.append(said.body)
            else:
                mine.sets[SetsAsk.read(said.body).label] = raw
        except PeerFault:
            return False
        asked[row.node] = mine
        return True

    def _keep_blobs(self, desk: BlobDesk, said: _Asked) -> list[bytes]:
        """The signed words for what is whole now. What is not what it is called stays outside; the rest is kept."""
        words: list[bytes] = []
        keys = self._voice.keys
        try:
            chunks = parcel.unpack(said.parcels, keys.sealing, keys.suite)
        except PeerFault:
            return words
        wholes: dict[bytes, int] = {}
        for address, data in chunks.items():
            place = parcel.blob_of(address)
            if place is None:
                continue
            blob, size_bytes, n = place
            try:
                if blob not in wholes:
                    desk.want(said.row, blob, size_bytes)
                    wholes[blob] = size_bytes
                desk.put(blob, n, data, keys.suite.hash(data))
            except PeerFault:
                continue
        for blob in wholes:
            with suppress(PeerFault):
                words.append(desk.finish(said.row, blob))
        return words

    def _keys_of(self, row: NodeRow) -> message.KeysOf:
        return lambda _node, key_id: row.public(key_id, self._voice.hub_ms())

    def _answers(self, row: NodeRow, told: dict[str, ScopeHead], sets: dict[str, bytes]) -> dict[str, bytes]:
        """What the machine would fetch, by address; only scopes that are whole in it are named in the heads."""
        answers: dict[str, bytes] = {}
        whole: list[HeadRow] = []
        size = 0
        for label in row.scopes:
            if _begins(told.get(label)) and not self._desk.manifest(label):
                self._publish(label)
        with self._store.read() as conn:
            heads = self._feeds.heads(conn, row.scopes)
        for head in heads:
            mine = self._scope(row, head, told.get(head.label), sets.get(head.label))
            size += sum(map(len, mine.values()))
            if size > PARCEL_BYTES_MAX:
                break
            answers |= mine
            whole.append(head)
        return {parcel.HEADS: self._voice.head(whole, row.node), **answers} if whole else {}

    def _scope(self, row: NodeRow, head: HeadRow, held: ScopeHead | None, asked: bytes | None) -> dict[str, bytes]:
        answers: dict[str, bytes] = {}
        label, first = head.label, 1 if held is None else held.sseq + 1
        if asked is not None:
            parts = self._desk.repair(row, label, asked)
            answers |= {parcel.sets_at(label, k): raw for k, raw in enumerate(parts)}
        signed = self._desk.manifest(label) if _begins(held) else b""
        if signed:
            manifest = Manifest.read(canonical.decode(signed[message.SIGNED_BYTES :]))
            answers[parcel.manifest_at(label)] = signed
            segments: list[bytes] = []
            while len(segments) < len(manifest.segments):
                more = self._desk.snapshot(label, manifest.epoch, manifest.sseq, len(segments))
                if not more:
                    break
                segments += more
            answers |= {parcel.snapshot_at(label, k): raw for k, raw in enumerate(segments)}
            first = manifest.sseq + 1
        k = 0
        while first <= head.sseq and (raw := self._desk.segment(label, self._store.epoch, first)):
            answers[parcel.tail_at(label, k)] = raw
            first, k = parse_segment_header(raw).last + 1, k + 1
        return answers


def _begins(held: ScopeHead | None) -> bool:
    """Whether a machine holds nothing of a scope yet."""
    return held is None or held.sseq == 0
