"""What a node hands to its pages: settings, and the few answers that pages of every feature need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from kiosk_ui.kit.clock import Clock as Clock
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts, LineWords

BODY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Principal:
    """Who stands in front of the screen, as of this request. `ward` limits a nurse, `lang` is a wish, not a rule."""

    user_id: str
    name: str
    roles: frozenset[str]
    rights: frozenset[str]
    ward: str | None = None
    lang: str | None = None


class KitPort(Protocol):
    """What boot implements. Called on every page: answers in microseconds, from memory or one indexed row."""

    def principal(self, token: str) -> Principal | None:
        """Who holds this session token; None when it is unknown, ended or revoked."""

    def line(self) -> LineFacts: ...

    def ledger(self) -> LedgerView: ...


@dataclass(frozen=True)
class KitConfig:
    """One node's pages.

    `secret_key` differs per node and names its cookies, so that nodes on one address never read each other's.
    `allowed_hosts`: host names, with a port only where that port is meant. `template_dirs` and `po_files` come before
    and after the kit's own. `static_dirs`: name to folder, served below `/assets/<build>/<name>/`. `sentences`: code of
    a refusal to its zh-CN sentence (a catalogue entry). `topics`: topic of the event stream to the right that may hear
    it ("" = whoever sees the page). `frame_sources` and `frame_ancestors` are for the demo's miniatures alone.
    """

    name: str
    secret_key: bytes
    allowed_hosts: frozenset[str]
    port: KitPort
    clock: Clock
    template_dirs: tuple[str, ...] = ()
    po_files: tuple[str, ...] = ()
    skin: Literal["work", "pad"] = "work"
    secure_cookies: bool = False
    zone: str = "Asia/Shanghai"
    lang: Literal["zh", "en"] = "zh"
    sign_in_path: str = "/sign-in"
    line_words: LineWords = field(default_factory=LineWords)
    static_dirs: Mapping[str, str] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    events: EventHub | None = None
    frame_sources: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
