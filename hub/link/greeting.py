"""Hello and welcome: a node presents itself, the hub says what it holds of it and what has changed.

A hello that is not above the last one of its incarnation is answered again and changes nothing.
Source: protocol way/1, sections 4.6 and 9 (hub session).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub.link.credits import Credits
from hub.link.key_desk import KeyDesk
from hub.link.lease_office import LeaseOffice
from hub.link.voice import Safe, Voice, not_safe, stream_ack
from sync import catalog
from sync.adapters.sqlite_log import hub_inbound, hub_keys, hub_lineage, hub_orders
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_contact import Told, last_hello, lift_scope_version, note_hellos
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.protocol import hello as words
from sync.protocol import message
from sync.protocol.ack import Ack, StreamAck, acked_digest
from sync.protocol.lease import Ask
from sync.protocol.message import ShortHeader
from sync.protocol.trust import Certified

SOFTWARE = "waystation"
BEYOND_MAX = 64
"""Streams told unasked; a machine restarts less often than that between a backup and its restore."""
Certify = Callable[[str, bytes], bytes]
"""(node, its last certificate) -> the next, DER. Raises PeerFault `certify.*`."""
Lane = tuple[int, int]
"""(incarnation, lane)."""
REJECTING_MAX = 8
"""Complete streams with rejected facts that a welcome tells of, the newest ones."""
EPOCH_LEAP_MAX = 1000
"""One machine must not use up the 32 bits of epochs; no hub is put back this often."""

SCOPE_LEAP_MAX = 1 << 32
"""Scope sets that a hub which was put back may have forgotten of one machine, each up to 2^24 above the last."""

_STATUS = {
    "known": words.OPEN,
    "rewound": words.REWOUND,
    "frozen": words.FROZEN,
    "revoked": words.REVOKED,
    "closed": words.REVOKED,
}


class Greeting:
    """Answers everything that is not a batch of facts."""

    def __init__(
        self,
        store: HubStore,
        voice: Voice,
        credits: Credits,
        learn: Callable[[bytes], bool] | None,
        behind: Callable[[int], None] | None,
        office: LeaseOffice | None,
        safe: Safe = not_safe,
        certify: Certify | None = None,
        heed: Callable[[bytes], None] | None = None,
    ) -> None:
        self._certify = certify
        self._heed = heed
        self._safe = safe
        self._store = store
        self._voice = voice
        self._keys = KeyDesk(store, voice)
        self._credits = credits
        self._learn = learn
        self._behind = behind
        self._office = office

    def message(self, raw: bytes, claimed: str | None, carrier: str) -> tuple[str, list[bytes]]:
        """(node, answers). Raises PeerFault."""
        header = message.parse_short_header(raw)
        if header.type == message.IDENTITY:
            return self._identity(raw, claimed)
        if header.type == message.TRUST:
            return self._trust(raw, claimed)
        if header.type in (message.ACK, message.WELCOME):
            return self._receipt(raw, claimed)
        if header.type == message.ASK:
            return self._ask(raw, header.signer, claimed)
        if header.type in (message.RENEW, message.CERTIFY):
            return self._renew(raw, header, claimed)
        if header.type != message.HELLO:
            raise PeerFault("message.unexpected")
        row, hello = self._hello(raw, header, claimed)
        if row is None:
            return header.signer, [self._unknown(raw, header.signer)]
        signed_by = row.key(header.key_id)
        assert signed_by is not None
        others = self._keys.records(row, signed_by)
        if not signed_by.counts(self._voice.hub_ms()):
            return row.node, [*others, self._unknown(raw, row.node)]
        if header.epoch > self._store.epoch + EPOCH_LEAP_MAX:
            raise PeerFault("message.epoch")
        if header.epoch > self._store.epoch and self._behind is not None:
            self._behind(header.epoch)
        if self._is_newer(row.node, hello):
            note_hellos(self._store, [Told(row.node, raw, carrier, hello.streams)])
            row = self._store.node_row(row.node) or row  # what it told may have shown a fork
        if row.scope_version < hello.scope_version <= row.scope_version + SCOPE_LEAP_MAX:
            row = lift_scope_version(self._store, row, hello.scope_version)
        if row.state == "rewound" and self._office is not None:
            self._office.rewound(row.node)
            row = self._store.node_row(row.node) or row
        return row.node, [*others, *self._welcome(row, hello)]

    def note_many(self, offered: Iterable[tuple[bytes, str | None, str]]) -> None:
        """Keep what came together of hellos in one commit: each (raw, claimed, carrier) is answered as known then.

        One that proves wrong is left to `message`, which says so.
        """
        fresh: dict[str, Told] = {}
        for raw, claimed, carrier in offered:
            try:
                header = message.parse_short_header(raw)
                if header.type != message.HELLO or header.epoch > self._store.epoch or header.signer in fresh:
                    continue
                row, hello = self._hello(raw, header, claimed)
            except PeerFault:
                continue
            if row is None or row.public(header.key_id, self._voice.hub_ms()) is None:
                continue
            if self._is_newer(row.node, hello):
                fresh[row.node] = Told(row.node, raw, carrier, hello.streams)
        if fresh:
            note_hellos(self._store, fresh.values())

    def _hello(self, raw: bytes, header: ShortHeader, claimed: str | None) -> tuple[NodeRow | None, words.Hello]:
        """The node, None for one with a certificate of ours that this hub does not know, itself or its key.

        And what it says. Its key may be one that counts no more; one that a hub which was put back never heard of is in
        the machine's identity record, which it shows when it is told so.
        """
        if claimed is not None and claimed != header.signer:
            raise PeerFault("message.foreign")
        row = self._store.node_row(header.signer)
        if row is None or row.key(header.key_id) is None:
            if claimed is None:
                raise PeerFault("message.unknown-node" if row is None else "message.key")
            return None, words.Hello.read(canonical.decode(raw[message.SIGNED_BYTES :]))
        return row, words.Hello.read(self._keys.open(raw, row, ended=True).body)

    def _welcome(self, row: NodeRow, hello: words.Hello) -> list[bytes]:
        trust = self._voice.trust()
        with self._store.read() as conn:
            line = hub_lineage.line_of(conn, row.node, hello.incarnation)
            lacks = hub_lineage.lacks_past(conn, row.node, [(s.incarnation, s.lane) for s in hello.streams])
            next_key = row.counts and hub_keys.is_asked(conn, row.node, row.key_ids[-1])
        office = self._office
        others = office is not None and office.digest(row.node) != hello.leases_digest
        forgot = self._heed is not None and trust is not None and hello.trust_version > trust.version
        wanted = {words.LEASES: others, words.RECEIPTS: lacks, words.TRUST: forgot, words.NEXT_KEY: next_key}
        welcome = words.Welcome(
            answers=(hello.incarnation, hello.number),
            ack=Ack(self._streams(row, hello), self._voice.hub_time(), self._credits.greeted(row.node, hello)),
            status=words.TOO_OLD if row.counts and too_old(hello) else _STATUS[row.state],
            wanted=tuple(word for word, wants in wanted.items() if wants),
            scope_set=None if hello.scope_version == row.scope_version else (row.scope_version, row.scopes),
            trust_version=0 if trust is None else trust.version,
            served_software=SOFTWARE,
            line=line,
        )
        answers = [self._voice.say(message.WELCOME, welcome.body(), row.node)]
        with self._store.read() as conn:
            orders = hub_orders.due(conn, row.node, [(s.incarnation, s.lane) for s in hello.streams])
        answers += [self._voice.say(message.ORDER, order.body(), row.node) for order in orders]
        if trust is not None and hello.trust_version < trust.version:
            answers.insert(0, trust.raw)
        if office is not None and others:
            answers += office.words_for(row.node)
        return answers

    def _ask(self, raw: bytes, signer: str, claimed: str | None) -> tuple[str, list[bytes]]:
        if claimed is not None and claimed != signer:
            raise PeerFault("message.foreign")
        row = self._store.node_row(signer)
        if row is None or self._office is None:
            raise PeerFault("message.unknown-node")
        opened = self._keys.open(raw, row)
        return row.node, self._office.answer(row, Ask.read(opened.body))

    def _streams(self, row: NodeRow, hello: words.Hello) -> tuple[StreamAck, ...]:
        """Where the named streams stand; those that the node sees the same way are left out."""
        named = [(s.incarnation, s.lane) for s in hello.streams]
        # A complete stream is named no more; the ack that told what was rejected in it may have been lost.
        others = [each for each in hub_inbound.streams_with_rejects(self._store, row.node) if each not in named]
        with self._store.read() as conn:
            marks = hub_inbound.marks(conn, row.node, named)
            unknown = {place: None for place in (*self._beyond(conn, row.node, hello), *others[-REJECTING_MAX:])}
            more = hub_inbound.marks(conn, row.node, [place for place in unknown if place not in named])
            told = hub_inbound.hashes_at(conn, row.node, [(s.incarnation, s.lane, s.acked) for s in hello.streams])
        same = acked_digest(self._store.suite.hasher, [h for h in told if h is not None]) == hello.acked_digest
        same_past = None not in told and same
        acks = [stream_ack(row.node, mark, self._safe) for mark in marks]
        differing = [
            ack
            for ack, mark, stream in zip(acks, marks, hello.streams, strict=True)
            if not same_past or mark.upto != stream.acked or mark.state or mark.rejects or _waits(ack, stream, hello)
        ]
        return (*differing, *(stream_ack(row.node, mark, self._safe) for mark in more))

    def _beyond(self, conn: Connection, node: str, hello: words.Hello) -> list[Lane]:
        """Streams that a node with a fork may have lost: it is told of them, and fetches what it lacks."""
        if not hub_lineage.forks(conn, node):
            return []
        return hub_lineage.beyond(conn, node, hello.incarnation)[-BEYOND_MAX:]

    def _is_newer(self, node: str, hello: words.Hello) -> bool:
        raw = last_hello(self._store, node)
        if raw is None:
            return True
        try:
            known = words.Hello.read(canonical.decode(raw[message.SIGNED_BYTES :]))
        except PeerFault:
            return True
        return known.incarnation != hello.incarnation or hello.number > known.number

    def _unknown(self, raw: bytes, node: str) -> bytes:
        """To a machine that this hub does not know, or whose key is over: show your identity record."""
        hello = words.Hello.read(canonical.decode(raw[message.SIGNED_BYTES :]))
        welcome = words.Welcome(
            answers=(hello.incarnation, hello.number),
            ack=Ack((), self._voice.hub_time()),
            status=words.UNKNOWN,
            wanted=(words.IDENTITY,),
        )
        return self._voice.say(message.WELCOME, welcome.body(), node)

    def _receipt(self, raw: bytes, claimed: str | None) -> tuple[str, list[bytes]]:
        """Our own signed word, shown back: when it promises what the log does not hold, this hub was rolled back.

        A copy of the machine may have come in the place of what was lost: then another fact stands at its number.
        """
        shown = message.open_message(raw, suite=self._voice.suite, keys=self._voice.own_key)
        node = shown.audience
        if node is None or (claimed is not None and claimed != node):
            raise PeerFault("message.foreign")
        ack = Ack.read(shown.body) if shown.type == message.ACK else words.Welcome.read(shown.body).ack
        promised = ack.streams
        with self._store.read() as conn:
            marks = hub_inbound.marks(conn, node, [(s.incarnation, s.lane) for s in promised])
            held = hub_inbound.hashes_at(conn, node, [(s.incarnation, s.lane, s.upto) for s in promised])
        lost = any(
            mark.upto < stream.upto or h not in (None, stream.h)
            for mark, h, stream in zip(marks, held, promised, strict=True)
        )
        if lost and shown.epoch == self._store.epoch and self._behind is not None:
            self._behind(shown.epoch)
        return node, []

    def _renew(self, raw: bytes, header: ShortHeader, claimed: str | None) -> tuple[str, list[bytes]]:
        if claimed is not None and claimed != header.signer:
            raise PeerFault("message.foreign")
        row = self._store.node_row(header.signer)
        if row is None:
            raise PeerFault("message.unknown-node")
        if header.type == message.RENEW:
            return row.node, self._keys.renew(raw, row)
        if self._certify is None:
            raise PeerFault("message.unexpected")
        fresh = self._certify(row.node, Certified.read(self._keys.asked(raw, row).body).der)
        return row.node, [self._voice.say(message.CERTIFY, Certified(fresh).body(), row.node)]

    def _trust(self, raw: bytes, claimed: str | None) -> tuple[str, list[bytes]]:
        """Our own signed bundle, shown back: one above the one we have is ours from now on."""
        if self._heed is None:
            raise PeerFault("message.unexpected")
        self._heed(raw)
        return claimed or self._store.node, []

    def _identity(self, raw: bytes, claimed: str | None) -> tuple[str, list[bytes]]:
        if self._learn is None or claimed is None or not self._learn(raw):
            raise PeerFault("identity.refused")
        return claimed, []


def for_the_first(raw: bytes, epoch: int) -> bool:
    """What a worker that knows this epoch leaves to the first of them, which keeps the file that never falls.

    That is asks, identity records, receipts, and the hello of a machine that knows a higher epoch. Bytes that are no
    message are refused where they come in.
    """
    if not message.is_message(raw):
        return False
    try:
        header = message.parse_short_header(raw)
    except PeerFault:
        return False
    return header.type != message.HELLO or header.epoch > epoch


def for_any(raw: bytes) -> bool:
    """What every worker acts on that the first is told of as well: a machine's identity record.

    Any of them learns the machine again, so it need not wait for the first; the first lets the broker hear of it.
    """
    return message.is_message(raw) and message.parse_short_header(raw).type == message.IDENTITY


def too_old(hello: words.Hello) -> bool:
    """Whether its feeds stop: it shares no protocol version with us, or its schema is older than two before ours."""
    return not words.common(hello.protocol) or not catalog.serves(hello.schema_digest)


def is_too_old(store: HubStore, node: str) -> bool:
    """The same of a machine's newest hello; not of one that has said none."""
    raw = last_hello(store, node)
    if raw is None:
        return False
    try:
        return too_old(words.Hello.read(canonical.decode(raw[message.SIGNED_BYTES :])))
    except PeerFault:
        return False


def _waits(ack: StreamAck, stream: words.HelloStream, hello: words.Hello) -> bool:
    """A complete stream of an earlier start is named for one thing: to hear that it may be dropped."""
    return bool(ack.safe) and stream.acked == stream.last and stream.incarnation != hello.incarnation
