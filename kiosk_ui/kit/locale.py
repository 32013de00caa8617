"""zh-CN is the source, English comes from .po files compiled in memory; and dates, ages and numbers as people say them.

Source of a sentence: the template or `_()` in code. A missing English entry shows the Chinese one, and fails the test
that calls `missing_entries`.
"""

from __future__ import annotations

import gettext as gnu
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import current_app, g, has_request_context
from jinja2 import Environment
from markupsafe import Markup

from kiosk_ui.kit.port import KitConfig
from kiosk_ui.kit.screens import age, mask
from kiosk_ui.kit.screens.words import N_, Message, say

LANGS = ("zh", "en")
HTML_LANG = {"zh": "zh-CN", "en": "en"}
OWN_PO = str(Path(__file__).parent / "locale" / "en.po")
_METHODS = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_OPTIONS = {"**.html": {"silent": "false", "trimmed": "true"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def read_catalog(po_files: Iterable[str]) -> Catalog:
    """One English catalogue of all files; a later file may not change what an earlier one said."""
    whole = Catalog(locale="en")
    for path in po_files:
        with open(path, "rb") as file:
            for entry in read_po(file, locale="en"):
                if entry.id:
                    said = whole.get(entry.id)
                    assert said is None or said.string == entry.string, f"{path} translates {entry.id!r} once more"
                    whole.add(entry.id, entry.string, flags=entry.flags)
    return whole


def compile_catalog(catalog: Catalog) -> gnu.GNUTranslations:
    """The catalogue as gettext reads it, without a file."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)


def missing_entries(template_dirs: Iterable[str], po_files: Iterable[str]) -> list[str]:
    """Sentences of these folders (templates and Python) without an English entry, as `file:line sentence`."""
    catalog = read_catalog(po_files)
    missing = []
    for folder in template_dirs:
        for file, line, ids, _, _ in extract_from_dir(
            folder, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            entry = catalog.get(ids if isinstance(ids, str) else ids[0])
            strings = () if entry is None else (entry.string if isinstance(entry.string, tuple) else (entry.string,))
            if not strings or not all(strings):
                missing.append(f"{file}:{line} {ids if isinstance(ids, str) else ids[0]}")
    return sorted(set(missing))


def choose(asked: str | None, remembered: str | None, wish: str | None, otherwise: str) -> str:
    """The address, then what this browser chose, then the person, then the node."""
    return next((lang for lang in (asked, remembered, wish) if lang in LANGS), otherwise)


def lang() -> str:
    """The language of this request: zh or en."""
    chosen: str = g.get("lang", "zh") if has_request_context() else "zh"
    return chosen


def gettext(text: str, **fields: Any) -> str:
    """The sentence in the reader's language; a literal per cent sign is doubled in the entry."""
    translations: gnu.GNUTranslations = current_app.extensions["kit.en"]
    said = translations.gettext(text) if lang() == "en" else text
    return said % fields if fields else said.replace("%%", "%")


def ngettext(one: str, many: str, count: int, **fields: Any) -> str:
    """The same where English needs a plural; `n` is the count with its comma."""
    translations: gnu.GNUTranslations = current_app.extensions["kit.en"]
    said = translations.ngettext(one, many, count) if lang() == "en" else one
    return said % {"n": f"{count:,}", **fields}


_ = gettext


def words(message: Message | str | None) -> str:
    """A message of the pure screens, or a plain entry, in the reader's language."""
    if message is None:
        return ""
    if isinstance(message, str):
        return gettext(message)
    return say(message, _bare, _bare_many)


def _bare(text: str) -> str:
    translations: gnu.GNUTranslations = current_app.extensions["kit.en"]
    return translations.gettext(text) if lang() == "en" else text


def _bare_many(one: str, many: str, count: int) -> str:
    translations: gnu.GNUTranslations = current_app.extensions["kit.en"]
    return translations.ngettext(one, many, count) if lang() == "en" else one


def zone() -> ZoneInfo:
    config: KitConfig = current_app.extensions["kit"]
    return ZoneInfo(config.zone)


def now() -> datetime:
    """This instant in the site's zone, one value per request."""
    if "now" not in g:
        config: KitConfig = current_app.extensions["kit"]
        g.now = datetime.fromtimestamp(config.clock.wall_ms() / 1000, tz=UTC).astimezone(zone())
    instant: datetime = g.now
    return instant


def local(at: datetime | int) -> datetime:
    """An aware instant, or milliseconds since 1970 UTC, in the site's zone."""
    if isinstance(at, int):
        at = datetime.fromtimestamp(at / 1000, tz=UTC)
    return at.astimezone(zone())


def moment(at: datetime | int | None, seconds: bool = False) -> str:
    """10:31 · 昨天 10:31 · 11-18 10:31; a dash for what never was."""
    return "—" if at is None else words(age.moment(local(at), now(), seconds))


def clock(at: datetime | int | None, seconds: bool = True) -> str:
    """The time of day alone, for rows of today."""
    return "—" if at is None else age.clock(local(at), seconds)


def day(on: date | str | None) -> str:
    """A civil date: 11-18, 18 Nov; with its year when that is not this one."""
    if on is None or on == "":
        return "—"
    on = date.fromisoformat(on) if isinstance(on, str) else on
    return words(age.day(on, now().year))


def ago(at: datetime | int | None) -> str:
    return "—" if at is None else words(age.ago((now() - local(at)).total_seconds()))


def as_of(at: datetime | int | None, limit_s: float, seconds: bool = False) -> age.AgeView:
    return age.as_of(None if at is None else local(at), now(), limit_s, seconds)


def as_of_words(age_s: float) -> str:
    """截至 10:31:04, for what was last confirmed `age_s` ago."""
    return words(age.as_of(now() - timedelta(seconds=age_s), now(), float("inf"), seconds=True).text)


def last_heard(age_s: float) -> str:
    """最后回音 10:31，2 分钟前."""
    when = age.moment(now() - timedelta(seconds=age_s), now())
    return words(Message(N_("最后回音 %(when)s，%(ago)s"), {"when": when, "ago": age.ago(age_s)}))


def record_number(number: str) -> Markup:
    """0073 1846 that copies as 00731846 (`page.js` takes the no-break spaces out)."""
    return Markup('<span class="rec">{}</span>').format(mask.group4(number))


def install(env: Environment) -> None:
    """Filters and globals of every template."""
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(_bare, _bare_many, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    env.policies["ext.i18n.trimmed"] = True
    env.globals.update(words=words, now=now, as_of=as_of, as_of_words=as_of_words, last_heard=last_heard, _=gettext)
    env.filters.update(
        words=words,
        moment=moment,
        clock=clock,
        day=day,
        ago=ago,
        rec=record_number,
        masked=mask.mask_name,
        masked_document=mask.mask_document,
        thousands=mask.thousands,
    )
