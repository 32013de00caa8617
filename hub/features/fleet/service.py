"""Machines as people see them, and the four acts on them: a card, an enrolment, other scopes, shutting out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hub.features.fleet import ledger, store
from hub.features.fleet.acts import Acts, Tell
from hub.features.fleet.late import LateFacts, Take
from hub.features.fleet.ledger import Ledger
from hub.features.fleet.own_key import Order, OwnKeyOrders
from hub.features.fleet.safety import Safety
from hub.features.fleet.store import Cards
from hub.store.desk import Desk
from kiosk_ui.kit.screens.devices import DeviceWords, device_words
from provisioning.trust.cards import Card, CardRow, make_card
from provisioning.trust.desk import Admitted, Place, admit
from provisioning.trust.enrol import scopes_for
from provisioning.trust.site import Member, SiteTrust
from sync.adapters.sqlite_log import hub_lineage, hub_marks
from sync.adapters.sqlite_log.hub_inbound import undigested
from sync.adapters.sqlite_log.hub_lineage import ForkRow
from sync.adapters.sqlite_log.hub_store import NodeRow, add_node, set_node_scopes, set_node_state
from sync.adapters.sqlite_log.node_store import Unit, count
from sync.catalog import serves
from sync.domain.fleet import facts
from sync.kernel.ids import LABEL_PATTERN
from sync.kernel.limits import HELLO_EVERY_S
from sync.kernel.outcome import Refused
from sync.protocol.hello import Hello, common

ONLINE_MS = round(1.25 * HELLO_EVERY_S * 1000)
"""A machine with nothing to say presents itself every 15 minutes; until the next is due nobody can call it silent."""
LATE_MS = 24 * 3600 * 1000
WARD = re.compile(r"[A-Za-z0-9._-]{1,20}")
WARDS_MAX = 60
LABELS_MAX = 100
GRANT_PREFIX = "grant:"
"""Scopes that come and go with a lease, whatever wards a machine carries."""
REFUSED_NOTED_EVERY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Machine:
    """`state`: online, outdated (软件太旧), silent (联系不上), late (逾期未联系), never, rewound, frozen, revoked."""

    row: NodeRow
    state: str
    ledger: Ledger
    hello: Hello | None
    forks: tuple[ForkRow, ...] = ()

    @property
    def open_fork(self) -> ForkRow | None:
        """The oldest fork of which nobody has said yet what it was."""
        return next((fork for fork in self.forks if fork.verdict is None), None)

    @property
    def devices(self) -> tuple[DeviceWords, ...]:
        """What hangs on it, as it said in its last greeting."""
        told = () if self.hello is None else self.hello.devices
        return tuple(device_words(each.role, each.name, each.state, each.reason) for each in told)

    @property
    def devices_to_mend(self) -> int:
        """How many of them wait for somebody's hands."""
        return sum(1 for each in self.devices if each.steps)

    @property
    def free_mib(self) -> int | None:
        """What was left on its disk when it said so last; None: it never did."""
        return None if self.hello is None else self.hello.free_mib

    @property
    def backlog_bytes(self) -> int:
        return 0 if self.hello is None else self.hello.backlog_bytes


@dataclass(frozen=True, slots=True)
class Overview:
    machines: list[Machine]
    total: Ledger
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """What only boot has: the site's trust, where machines find the hub, and who must hear of a change."""

    trust: SiteTrust
    site: str
    place: Callable[[], Place]
    card_urls: Callable[[], tuple[str, ...]]
    members_changed: Callable[[], None]
    trust_changed: Callable[[], None]
    stick: Callable[[bytes], bytes]
    present: Callable[[str], bool | None]
    tell: Tell
    safety: Callable[[], Safety]
    take: Take
    order_key: Order


class Fleet:
    def __init__(self, desk: Desk, parts: Parts) -> None:
        self._desk = desk
        self._parts = parts
        self._refused_noted_ms: dict[str, int] = {}
        self.acts = Acts(desk, parts.tell)
        self.own_key = OwnKeyOrders(desk, parts.order_key)
        self.late = LateFacts(desk, parts.trust, parts.take, parts.trust_changed)

    def overview(self) -> Overview:
        rows = self._desk.store.nodes()
        with self._desk.store.read() as conn:
            streams, hellos, forks = store.streams(conn), store.hellos(conn), hub_lineage.forks(conn)
        now = self._desk.now_ms()
        machines = []
        for row in rows:
            hello = ledger.read_hello(hellos.get(row.node))
            books = ledger.books([one for one in streams if one.node == row.node], hello)
            state = _state(row, books, now, self._parts.present(row.node))
            if state == "online" and hello is not None and not (common(hello.protocol) and serves(hello.schema_digest)):
                state = "outdated"
            own_forks = tuple(fork for fork in forks if fork.node == row.node)
            machines.append(Machine(row, state, books, hello, own_forks))
        own = ledger.books([one for one in streams if one.node == self._desk.store.node], None)
        counts: dict[str, int] = {}
        for one in machines:
            counts[one.state] = counts.get(one.state, 0) + 1
        standing = [one.ledger for one in machines if one.state != "revoked"]
        return Overview(machines, ledger.together([own, *standing]), counts)

    def machine(self, node: str) -> Machine | None:
        return next((one for one in self.overview().machines if one.row.node == node), None)

    def names(self) -> dict[str, str]:
        """Machine names for lists; the hub names itself."""
        return {row.node: row.name or row.node for row in self._desk.store.nodes()}

    def safety(self) -> Safety:
        return self._parts.safety()

    def lag(self) -> int:
        return undigested(self._desk.store)

    def members(self) -> list[Member]:
        return [Member(row.node, row.scopes, row.state in ("revoked", "closed")) for row in self._desk.store.nodes()]

    def cards(self) -> list[CardRow]:
        with self._desk.store.read() as conn:
            return store.open_cards(conn, self._desk.now_ms())

    def new_card(self, role: str, name: str, wards: Sequence[str], actor: str | None) -> Card | Refused:
        """A card that is shown once: the hub keeps its hash alone. Refused `card.*`."""
        name, held = name.strip(), tuple(dict.fromkeys(wards))
        if not 1 <= len(name) <= 60 or not name.isprintable():
            return Refused("card.name")
        if len(held) > WARDS_MAX or not all(WARD.fullmatch(ward) for ward in held):
            return Refused("card.wards")
        if role == "courier" and not held:
            return Refused("card.no-wards")
        made = make_card(
            site=self._parts.site,
            role=role,
            name=name,
            wards=held if role == "courier" else (),
            urls=self._parts.card_urls(),
            pin=self._parts.trust.authority.pin,
            now_ms=self._desk.now_ms(),
            entropy=self._desk.store.entropy,
            suite=self._parts.trust.suite.number,
        )
        if isinstance(made, Refused):
            return made
        card, row = made
        with self._desk.write(actor) as unit:
            Cards(unit.conn).add(row)
            self._desk.note(unit, "card.made", detail=f"{role} {','.join(row.wards)}"[:200])
        return card

    def withdraw_card(self, short: str, actor: str) -> Refused | None:
        with self._desk.write(actor) as unit:
            if not store.withdraw(unit.conn, short):
                return Refused("card.unknown")
            self._desk.note(unit, "card.withdrawn")
        return None

    def authority_pem(self) -> bytes:
        """The site's root certificate, for machines that compare it with a card."""
        return self._parts.trust.authority.certificate_pem

    def enrol(self, raw: bytes) -> bytes | Refused:
        """A machine's request with its card; the answer for it. Raises PeerFault `enrol.*`. Refused `card.*`."""
        now = self._desk.now_ms()
        with self._desk.write(None) as unit:
            outcome = admit(
                Cards(unit.conn),
                raw,
                trust=self._parts.trust,
                site=self._parts.site,
                place=self._parts.place(),
                epoch=self._desk.store.epoch,
                now_ms=now,
                entropy=self._desk.store.entropy,
            )
            if isinstance(outcome, Admitted):
                request, grant = outcome.request, outcome.grant
                add_node(
                    unit,
                    node=outcome.node,
                    role=grant.role,
                    name=grant.name,
                    signing_public=request.signing,
                    sealing_public=request.sealing,
                    key_id=self._parts.trust.suite.key_id(request.signing),
                    scopes=grant.scopes,
                    tls_serial=f"{outcome.tls_serial:x}",
                    now_ms=now,
                )
                unit.append(facts.enrolled(outcome.node, grant.role, grant.name, request.signing, grant.wards))
                unit.append(facts.scopes_set(outcome.node, 1, grant.scopes))
                self._desk.note(unit, "node.enrolled", etype=facts.NODE, key=outcome.node)
            elif isinstance(outcome, Refused):
                self._note_refused(unit, outcome.code, now)
        if isinstance(outcome, Refused):
            return outcome
        if isinstance(outcome, Admitted):
            self._parts.members_changed()
        return outcome.answer

    def _note_refused(self, unit: Unit, code: str, now_ms: int) -> None:
        """Each one counts; of a kind the audit list gets a line a minute: who knocks needs no card, and lines stay."""
        count(unit.conn, f"enrol.{code}", now_ms)
        noted_ms = self._refused_noted_ms.get(code)
        if noted_ms is None or not 0 <= now_ms - noted_ms < REFUSED_NOTED_EVERY_MS:
            self._refused_noted_ms[code] = now_ms
            self._desk.note(unit, "node.enrol-refused", detail=code, ok=False)

    def stick(self, data: bytes, actor: str) -> bytes:
        """A file that somebody carried here; the file to carry back. Raises PeerFault `stick.*`: nothing was taken."""
        answer = self._parts.stick(data)
        with self._desk.write(actor) as unit:
            self._desk.note(unit, "stick.brought", detail=f"{len(data)} B")
        self._desk.settle()
        return answer

    def set_scopes(self, node: str, wards: Sequence[str], actor: str) -> Refused | None:
        """Which wards' lists a courier's machine carries. Refused `node.gone`, `card.wards`, `node.role`."""
        row = self._desk.store.node_row(node)
        if row is None or not row.counts:
            return Refused("node.gone")
        if row.role != "courier":
            return Refused("node.role")
        held = tuple(dict.fromkeys(wards))
        if not held or len(held) > WARDS_MAX or not all(WARD.fullmatch(ward) for ward in held):
            return Refused("card.wards")
        labels = [*scopes_for(row.role, held), *(label for label in row.scopes if label.startswith(GRANT_PREFIX))]
        assert len(labels) <= LABELS_MAX and all(LABEL_PATTERN.fullmatch(label) for label in labels)
        with self._desk.write(actor) as unit:
            version = set_node_scopes(unit, node, labels, self._desk.store.entropy)
            unit.append(facts.scopes_set(node, version, labels))
            self._desk.note(unit, "node.scopes-set", etype=facts.NODE, key=node, detail=",".join(held)[:400])
        self._parts.members_changed()
        return None

    def revoke(self, node: str, reason: str, actor: str) -> Refused | None:
        """Shut a machine out, for good. Refused `node.gone`, `node.reason`."""
        reason = reason.strip()
        if not 1 <= len(reason) <= 200 or not reason.isprintable():
            return Refused("node.reason")
        row = self._desk.store.node_row(node)
        if row is None or row.state in ("revoked", "closed"):
            return Refused("node.gone")
        self._end(row, "revoked", reason, actor)
        return None

    def close(self, node: str, actor: str) -> Refused | None:
        """End a machine whose disk was copied, once both halves have sent all they told of; each box enrols anew.

        Refused `node.not-copied`, `node.not-drained`.
        """
        row = self._desk.store.node_row(node)
        left = None if row is None else self.acts.undrained(row)
        if row is None or left is None:
            return Refused("node.not-copied")
        if left:
            return Refused("node.not-drained", {"n": left})
        self._end(row, "closed", "copied", actor)
        return None

    def _end(self, row: NodeRow, state: str, reason: str, actor: str) -> None:
        with self._desk.write(actor) as unit:
            set_node_state(unit, row.node, state)
            last_good = hub_marks.set_from_held(unit.conn, row.node)  # its row is ours: no batch comes in between
            unit.append(facts.revoked(row.node, reason))
            self._desk.note(unit, f"node.{state}", etype=facts.NODE, key=row.node, detail=reason)
        self.shut_out(row, last_good)
        self._parts.members_changed()
        self._parts.trust_changed()

    def shut_out(self, row: NodeRow, last_good: Sequence[tuple[int, int, int]]) -> None:
        """The signed half: a machine whose row says revoked is on the withdrawal list and in the trust bundle."""
        self._parts.trust.revoke(
            row.node,
            row.key_ids,
            serials=[int(serial, 16) for serial in (row.tls_serial or "").split()],
            now_ms=self._desk.now_ms(),
            epoch=self._desk.store.epoch,
            last_good=last_good,
        )


def _state(row: NodeRow, books: Ledger, now_ms: int, present: bool | None) -> str:
    """`present`: what the broker says; it counts for a machine that comes that way."""
    if row.state in ("revoked", "closed"):
        return "revoked"
    if row.state == "frozen" or books.frozen:
        return "frozen"
    if row.state == "rewound":
        return "rewound"
    if row.seen_at == 0:
        return "never"
    age = now_ms - row.seen_at
    if row.carrier == "mqtt" and present is not None:
        return "online" if present else "silent" if age <= LATE_MS else "late"
    return "online" if age <= ONLINE_MS else "silent" if age <= LATE_MS else "late"
