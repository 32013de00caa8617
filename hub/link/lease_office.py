"""Who is granted what: numbers from marks that never fall, holds one at a time, grants that a person gave.

A grant is committed, its numbers reserved in the file that only rises, before it is told; the same ask always gets the
same answer. Source: protocol way/1, sections 5.2, 5.4, 7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from hub.link.voice import Voice
from sync.adapters.leases import hub_tables as tables
from sync.adapters.leases.hub_tables import Row, Wish
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow, node_row, set_node_scopes
from sync.adapters.sqlite_log.node_store import Change, Unit, set_meta
from sync.domain.fleet.facts import NODE, noted
from sync.domain.leases import facts
from sync.domain.leases.fold import Resource
from sync.kernel.limits import (
    GLASS_OPEN_MAX,
    GLASS_S_MAX,
    GLASS_UNITS_MAX,
    HOLD_GRACE_S,
    HOLD_S_MAX,
    NUMBER_BLOCK_MAX,
    NUMBER_BLOCKS_A_START_MAX,
    NUMBER_RESOURCES_MAX,
)
from sync.kernel.outcome import PeerFault, Refused
from sync.protocol import lease as words
from sync.protocol import message
from sync.protocol.hello import leases_digest
from sync.protocol.lease import COUNTED, KEY_INFO, Ask, Lease, LeaseWord, fence_of

WORDS_MAX = 12
"""Words on leases beside a welcome, so that all fit one answer; the rest comes with the next hello."""
WAIT_S, WAIT_PERSON_S = 60, 60
_RAISED, _RAISED_EPOCH, _COUNTER, _TURN = "lease.raised_ms", "lease.epoch", "lease.counter", "lease.turn"


class Marks(Protocol):
    """High marks outside the database: what was given away once is never given again."""

    def mark(self, resource: str) -> int: ...

    def reserve(self, resource: str, upto: int) -> None: ...


class LeaseOffice:
    """One a hub. Any thread."""

    def __init__(
        self,
        store: HubStore,
        voice: Voice,
        marks: Marks,
        *,
        keys_of: Callable[[str], Sequence[bytes]] = lambda resource: (),
        members_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`keys_of(resource)`: content keys to be wrapped for the holder. `members_changed`: scope sets changed."""
        self._store = store
        self._voice = voice
        self._marks = marks
        self._keys_of = keys_of
        self._members_changed = members_changed

    # What machines ask

    def answer(self, row: NodeRow, ask: Ask) -> list[bytes]:
        """The signed word on an ask."""
        with self._store.write(step="lease.grant") as unit:
            # One answer at a time also where several workers share the database: this row is locked until the commit.
            set_meta(unit.conn, _TURN, 1)
            if ask.verb == words.WANT:
                known = tables.by_ask(unit.conn, row.node, ask.incarnation, ask.request)
                word = self._word(known) if known else self._want(unit, row, ask)
            else:
                word = self._about(unit, row, ask)
            labelled = bool(word.lease and word.lease.label)
        if labelled:
            self._members_changed()
        return [self._say(row.node, replace(word, answers=(ask.incarnation, ask.request)))]

    def digest(self, node: str) -> bytes:
        """H8 over the ids the node holds by the hub's knowledge. Source: section 4.6, hello field 13."""
        with self._store.read() as conn:
            return leases_digest(self._store.suite.hasher, tables.open_ids(conn, node))

    def words_for(self, node: str) -> list[bytes]:
        """The word on every lease that is open for this node, for one that holds others than the hub thinks."""
        with self._store.read() as conn:
            rows = tables.of_node(conn, node, (tables.OPEN,))
        return [self._say(node, self._word(row)) for row in rows[:WORDS_MAX]]

    # What a person does

    def grant(self, node: NodeRow, wish: Wish, by: str, ask: bytes | None = None) -> bytes | Refused:
        """Grant reads or prints, unasked or in answer to a waiting ask; the signed word for the machine."""
        if node.state != "known":
            return Refused("lease.node-shut", {"node": node.node})
        with self._store.write(actor=by, step="lease.grant") as unit:
            waiting = None if ask is None else tables.by_id(unit.conn, ask)
            if ask is not None and (waiting is None or waiting.state != tables.ASKED):
                return Refused("lease.not-waiting")
            lease = self._counted(unit, node, wish, ask)
            tables.put(unit.conn, lease, answers=waiting.answers if waiting else None, by=by)
            self._scope(unit, node.node, lease.label, held=True)
            self._note(
                unit, "lease.granted", node.node, f"{words.KIND_WORDS[lease.kind]} {lease.resource} {lease.quota}"
            )
            word = self._word(tables.by_id(unit.conn, lease.id))
        self._members_changed()
        return self._say(node.node, word)

    def refuse(self, lease: bytes, by: str) -> tuple[str, bytes] | Refused:
        """Say no to a waiting ask: (node, the word for it)."""
        with self._store.write(actor=by, step="lease.grant") as unit:
            row = tables.by_id(unit.conn, lease)
            if row is None or row.state != tables.ASKED:
                return Refused("lease.not-waiting")
            tables.set_state(unit.conn, lease, tables.REFUSED)
            self._note(unit, "lease.refused", row.node, f"{words.KIND_WORDS[row.kind]} {row.resource}")
            word = self._word(tables.by_id(unit.conn, lease))
        return row.node, self._say(row.node, word)

    def void(self, lease: bytes, by: str) -> tuple[str, bytes] | Refused:
        """Take a lease back: (node, the word for it). A hold stays taken until its term and grace are over."""
        with self._store.write(actor=by, step="lease.grant") as unit:
            row = tables.by_id(unit.conn, lease)
            if row is None or row.state != tables.OPEN:
                return Refused("lease.not-open")
            self._end(unit, row, tables.VOID)
            self._note(unit, "lease.voided", row.node, f"{words.KIND_WORDS[row.kind]} {row.resource}")
            word = self._word(tables.by_id(unit.conn, lease))
        self._members_changed()
        return row.node, self._say(row.node, word)

    def tidy(self) -> None:
        """What is over ends here, too, whether or not its machine ever says so or has even heard of it; every minute.

        A hold is over when its grace is.
        """
        now_ms = self._now_ms()
        with self._store.read() as conn:
            over = [row for row in tables.termed_open(conn) if _over_ms(row) < now_ms]
        if not over:
            return
        with self._store.write(step="lease.grant") as unit:
            for row in over:
                self._end(unit, row, tables.CLOSED)
        self._members_changed()

    def rewound(self, node: str) -> None:
        """A node's disk was rolled back: what it counted is not to be believed. Source: section 1, table."""
        with self._store.read() as conn:
            if not any(row.kind in COUNTED for row in tables.of_node(conn, node, (tables.OPEN,))):
                return
        with self._store.write(step="lease.grant") as unit:
            for row in tables.of_node(unit.conn, node, (tables.OPEN,)):
                if row.kind in COUNTED:
                    self._end(unit, row, tables.VOID)
                    self._note(unit, "lease.voided", node, f"{words.KIND_WORDS[row.kind]} {row.resource}")
        self._members_changed()

    # What facts tell

    def follow(self, unit: Unit, change: Change, state: Any) -> None:
        """The digest's `Follow`: marks rise with uses, ends free what was held, doubts go before a person."""
        fact = change.fact
        if fact is None or fact.etype != facts.RESOURCE or fact.lease is None or change.fid is None:
            return
        lease, unit_no = fact.lease
        row = tables.by_id(unit.conn, lease)
        if fact.kind == facts.LEASE_SPENT:
            if fact.body[1] != "hold":
                tables.mark_used(unit.conn, lease, unit_no, fact.body[4])
            if fact.body[1] == "glass":
                self._review(
                    unit, "break-glass", str(change.fid), lease, str(fact.key), fact.actor, fact.body.get(5), fact.at_ms
                )
        elif fact.kind == facts.LEASE_RETURNED and row is not None and row.node == change.fid.node:
            tables.mark_used(unit.conn, lease, fact.body[2], fact.body[3])
            self._end(unit, row, tables.CLOSED)
            tables.free(unit.conn, lease)
        if isinstance(state, Resource):
            for found in state.anomalies:
                self._review(
                    unit, found.code, str(found.fact), found.lease, str(fact.key), fact.actor, None, fact.at_ms
                )

    # Inside

    def _note(self, unit: Unit, what: str, node: str, detail: str) -> None:
        unit.append(noted(self._store.node, what, etype=NODE, key=node, detail=detail))

    def _say(self, node: str, word: LeaseWord) -> bytes:
        return self._voice.say(message.LEASE, word.body(), node)

    def _now_ms(self) -> int:
        return self._voice.hub_time() >> 16

    def _word(self, row: Row | None) -> LeaseWord:
        """How a lease stands now, by its row."""
        assert row is not None
        if row.state == tables.ASKED:
            return LeaseWord(words.NOT_NOW, answers=row.answers, code="lease.waits-approval", wait_s=WAIT_PERSON_S)
        if row.state == tables.REFUSED:
            return LeaseWord(words.NOT_NOW, answers=row.answers, code="lease.refused")
        lease = row.lease()
        spent_s = max(row.spent_s, -(-(self._now_ms() - row.granted_ms) // 1000), 0)
        over = row.state == tables.CLOSED or (lease.lasts_s and spent_s >= lease.lasts_s)
        standing = words.VOID if row.state == tables.VOID else words.CLOSED if over else words.STANDS
        return LeaseWord(standing, lease.id, lease, row.answers, row.used, spent_s)

    def _want(self, unit: Unit, row: NodeRow, ask: Ask) -> LeaseWord:
        if row.state != "known":
            return LeaseWord(words.NOT_NOW, code="lease.node-shut", wait_s=WAIT_S)
        if ask.kind == words.NUMBER:
            return self._block(unit, row, ask)
        if ask.kind == words.HOLD:
            return self._hold(unit, row, ask)
        if ask.kind == words.GLASS:
            return self._glass(unit, row, ask)
        waiting = len(tables.of_node(unit.conn, row.node, (tables.ASKED,)))
        if waiting >= NUMBER_BLOCKS_A_START_MAX:
            return LeaseWord(words.NOT_NOW, code="lease.too-many-asked", wait_s=WAIT_PERSON_S)
        tables.put_ask(unit.conn, self._store.entropy.bytes(16), row.node, ask, self._now_ms())
        return LeaseWord(words.NOT_NOW, code="lease.waits-approval", wait_s=WAIT_PERSON_S)

    def _block(self, unit: Unit, row: NodeRow, ask: Ask) -> LeaseWord:
        conn = unit.conn
        if tables.blocks_open(conn, row.node, ask.incarnation, ask.resource) >= NUMBER_BLOCKS_A_START_MAX:
            return LeaseWord(words.NOT_NOW, code="lease.too-many-blocks", wait_s=WAIT_S)
        high = self._marks.mark(ask.resource)
        if not high and tables.number_resources(conn) >= NUMBER_RESOURCES_MAX:
            return LeaseWord(words.NOT_NOW, code="lease.too-many-resources", wait_s=WAIT_S)
        size = max(1, min(ask.units, NUMBER_BLOCK_MAX))
        self._marks.reserve(ask.resource, high + size)
        lease = self._lease(unit, words.NUMBER, ask.resource, row.node)
        lease = replace(lease, incarnation=ask.incarnation, first=high + 1, last=high + size)
        return self._granted(unit, lease, ask)

    def _hold(self, unit: Unit, row: NodeRow, ask: Ask) -> LeaseWord:
        now_ms = self._now_ms()
        keeper = tables.keeper_of(unit.conn, ask.resource, now_ms)
        free_ms = max(self._quiet_ms(unit), keeper.free_ms if keeper else 0)
        if free_ms > now_ms:
            return LeaseWord(words.NOT_NOW, code="lease.held", wait_s=min(WAIT_S, -(-(free_ms - now_ms) // 1000)))
        counter = self._store.meta_int(_COUNTER) + 1
        set_meta(unit.conn, _COUNTER, counter)
        lasts_s = max(1, min(ask.lasts_s or HOLD_S_MAX, HOLD_S_MAX))
        lease = replace(
            self._lease(unit, words.HOLD, ask.resource, row.node),
            fence=fence_of(self._store.epoch, counter), lasts_s=lasts_s, grace_s=HOLD_GRACE_S,
        )  # fmt: skip
        return self._granted(unit, lease, ask)

    def _glass(self, unit: Unit, row: NodeRow, ask: Ask) -> LeaseWord:
        if not ask.purpose.strip():
            return LeaseWord(words.NOT_NOW, code="lease.reason-missing")
        open_now = tables.of_node(unit.conn, row.node, (tables.OPEN,))
        if sum(each.kind == words.GLASS for each in open_now) >= GLASS_OPEN_MAX:
            return LeaseWord(words.NOT_NOW, code="lease.too-many-glass", wait_s=WAIT_S)
        lasts_s = max(1, min(ask.lasts_s or GLASS_S_MAX, GLASS_S_MAX))
        units = max(1, min(ask.units, GLASS_UNITS_MAX))
        wish = Wish(words.GLASS, ask.resource, units, lasts_s, lasts_s, ask.actor, ask.role, ask.purpose)
        lease = self._counted(unit, row, wish, None)
        self._scope(unit, row.node, lease.label, held=True)
        now_ms = lease.granted >> 16
        self._review(
            unit, "break-glass-asked", lease.id.hex(), lease.id, ask.resource, ask.actor or None, ask.purpose, now_ms
        )
        return self._granted(unit, lease, ask)

    def _lease(self, unit: Unit, kind: int, resource: str, node: str) -> Lease:
        return Lease(self._store.entropy.bytes(16), kind, resource, node, self._store.hub_hlc(unit))

    def _counted(self, unit: Unit, node: NodeRow, wish: Wish, name: bytes | None) -> Lease:
        made = self._lease(unit, wish.kind, wish.resource, node.node)
        name = name or made.id
        seal = self._voice.suite.seal
        keys = tuple(seal(node.sealing_public, KEY_INFO + name, key) for key in self._keys_of(wish.resource))
        return replace(
            made, id=name, quota=wish.units, lasts_s=wish.lasts_s, offline_s=min(wish.offline_s, wish.lasts_s),
            actor=wish.actor, role=wish.role, purpose=wish.purpose, label=f"grant:{name.hex()}", wrapped=keys,
        )  # fmt: skip

    def _granted(self, unit: Unit, lease: Lease, ask: Ask) -> LeaseWord:
        tables.put(unit.conn, lease, answers=(ask.incarnation, ask.request), free_ms=free_ms_of(lease))
        return LeaseWord(words.STANDS, lease.id, lease)

    def _about(self, unit: Unit, node: NodeRow, ask: Ask) -> LeaseWord:
        row = tables.by_id(unit.conn, ask.id) or self._adopt(unit, node, ask)
        if row is None or row.node != node.node or row.state in (tables.ASKED, tables.REFUSED):
            return LeaseWord(words.CLOSED, ask.id)
        if ask.verb in (words.RETURN, words.CLOSE):
            tables.mark_used(unit.conn, row.id, ask.used, ask.spent_s)
            self._end(unit, row, tables.CLOSED)
            tables.free(unit.conn, row.id)
            return LeaseWord(words.CLOSED, row.id)
        if row.state == tables.OPEN and row.kind == words.HOLD and row.free_ms > self._now_ms():
            lease = replace(row.lease(), granted=self._store.hub_hlc(unit))
            tables.put(unit.conn, lease, answers=row.answers, free_ms=free_ms_of(lease))
        return self._word(tables.by_id(unit.conn, row.id))

    def _adopt(self, unit: Unit, node: NodeRow, ask: Ask) -> Row | None:
        """A lease that this hub has forgotten, shown with its own signature. Source: section 5.2."""
        if not ask.shown:
            return None
        try:
            shown = message.open_message(ask.shown, suite=self._voice.suite, keys=self._voice.own_key)
            word = LeaseWord.read(shown.body)
        except PeerFault:
            return None
        lease = word.lease
        if shown.type != message.LEASE or shown.audience != node.node or lease is None or lease.id != ask.id:
            return None
        if word.standing != words.STANDS or lease.node != node.node:
            return None
        if lease.kind == words.NUMBER:
            self._marks.reserve(lease.resource, lease.last)
        used, spent_s = max(word.used, ask.used), max(word.spent_s, ask.spent_s)
        tables.put(unit.conn, lease, answers=None, free_ms=free_ms_of(lease), used=used, spent_s=spent_s)
        if lease.label:
            self._scope(unit, node.node, lease.label, held=True)
        return tables.by_id(unit.conn, lease.id)

    def _end(self, unit: Unit, row: Row, state: str) -> None:
        if row.state not in (tables.OPEN, tables.VOID):
            return
        tables.set_state(unit.conn, row.id, state)
        if row.state == tables.OPEN and (label := row.lease().label):
            self._scope(unit, row.node, label, held=False)

    def _scope(self, unit: Unit, node: str, label: str, *, held: bool) -> None:
        row = _node_scopes(unit.conn, node)
        wanted = row | {label} if held else row - {label}
        if wanted != row:
            set_node_scopes(unit, node, sorted(wanted), self._store.entropy)

    def _review(
        self,
        unit: Unit,
        code: str,
        about: str,
        lease: bytes,
        resource: str,
        actor: str | None,
        reason: str | None,
        at_ms: int,
    ) -> None:
        tables.add_review(unit.conn, tables.Review(about, code, lease, resource, actor, reason, at_ms))

    def _quiet_ms(self, unit: Unit) -> int:
        """Until when no hold is granted: the longest term after a raise of the epoch, for what was forgotten by it.

        The page would end this early for a resource whose holder has reported; who else held it is not known then, so
        the whole term is waited for.
        """
        epoch = self._store.epoch
        seen = self._store.meta_int(_RAISED_EPOCH)
        if seen == epoch:
            return self._store.meta_int(_RAISED)
        quiet_ms = 0 if epoch == 1 else self._now_ms() + (HOLD_S_MAX + HOLD_GRACE_S) * 1000
        set_meta(unit.conn, _RAISED_EPOCH, epoch)
        set_meta(unit.conn, _RAISED, quiet_ms)
        return quiet_ms


def _node_scopes(conn: Connection, node: str) -> frozenset[str]:
    row = node_row(conn, "node", node)
    return frozenset() if row is None else frozenset(row.scopes)


def _over_ms(row: Row) -> int:
    return row.free_ms if row.kind == words.HOLD else row.granted_ms + row.lease().lasts_s * 1000


def free_ms_of(lease: Lease) -> int:
    """Hub time from which a hold may be somebody else's; 0 for what is nobody's alone."""
    if lease.kind != words.HOLD:
        return 0
    return (lease.granted >> 16) + (lease.lasts_s + lease.grace_s) * 1000
