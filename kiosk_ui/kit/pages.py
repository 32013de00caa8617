"""What every node serves besides its features: assets, the strip, the event stream, language and theme."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, make_response, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from kiosk_ui.kit import guards, rights
from kiosk_ui.kit.assets import HTMX_FILE, STATIC
from kiosk_ui.kit.locale import LANGS, lang
from kiosk_ui.kit.port import KitConfig

FOREVER = "public, max-age=31536000, immutable"
STRIP_TOPIC = "line"
TOPICS_MAX = 16
THEMES = ("light", "dark", "contrast")


@cache
def _build(folders: tuple[str, ...]) -> str:
    """A short name of exactly these files: another build, another address, so caching may be permanent."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                digest.update(file.relative_to(folder).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _folders(config: KitConfig) -> dict[str, str]:
    return {**config.static_dirs, "kit": str(STATIC)}


def _build_of(config: KitConfig) -> str:
    return _build(tuple(_folders(config).values()))


def asset_url(path: str) -> str:
    """Address of `kit/kit.css`, or `<name>/<file>` of a folder in `KitConfig.static_dirs`."""
    config: KitConfig = current_app.extensions["kit"]
    return url_for("kit.asset", build=_build_of(config), path=path)


def htmx_url() -> str:
    return asset_url(f"kit/vendor/{HTMX_FILE}")


def other_lang_url() -> str:
    """This page in the other language, by the address alone."""
    args = {key: value for key, value in request.args.items() if key != "lang"}
    args["lang"] = "zh" if lang() == "en" else "en"
    return f"{request.path}?{urlencode(args)}"


def make_pages(config: KitConfig) -> Blueprint:
    """The blueprint `kit`."""
    kit = Blueprint("kit", __name__)
    folders = _folders(config)

    @kit.app_context_processor
    def urls() -> dict[str, str]:
        return {"htmx": htmx_url()}

    @kit.get("/assets/<build>/<path:path>")
    @rights.open_to_all("styles and scripts are the same for everyone")
    def asset(build: str, path: str) -> Response:
        folder, _, name = path.partition("/")
        found = safe_join(folders[folder], name) if folder in folders and name else None
        if found is None or not Path(found).is_file():
            raise NotFound
        answer = make_response(Path(found).read_bytes())
        answer.content_type = mimetypes.guess_type(found)[0] or "application/octet-stream"
        if answer.mimetype in ("text/css", "text/javascript", "application/javascript"):
            answer.content_type = f"{answer.mimetype}; charset=utf-8"
        answer.headers["Cache-Control"] = FOREVER if build == _build_of(config) else "no-store"
        return answer

    @kit.get("/strip")
    @rights.open_to_all("the state of the line is on every page, also before sign-in")
    def strip() -> str:
        """`in` names the language of the page that asks; unlike `lang` it is not remembered."""
        if (asked := request.args.get("in")) in LANGS:
            g.lang = asked
        return render_template("kit/strip.html")

    @kit.before_app_request
    def from_when() -> None:
        """A page's stream begins where the page was asked for: what happens while it is on its way is not lost."""
        g.events_at = config.events.at if config.events is not None else ""

    @kit.get("/events")
    @rights.open_to_all("the stream itself asks for the right of each topic")
    def events() -> Response:
        if config.events is None:
            raise NotFound
        asked = request.args.get("topics", "").split(",")[:TOPICS_MAX]
        heard = {STRIP_TOPIC} | {topic for topic in asked if _may_hear(config, topic)}
        last = request.headers.get("Last-Event-ID") or request.args.get("last")
        return config.events.stream(last, heard)

    @kit.after_app_request
    def remember_choice(answer: Response) -> Response:
        """Language and theme belong to the browser: asking for one in the address keeps it."""
        if (asked := request.args.get("lang")) in LANGS:
            guards.remember(answer, "lang", asked)
        if (theme := request.args.get("theme")) in THEMES:
            guards.remember(answer, "theme", theme)
        return answer

    return kit


def _may_hear(config: KitConfig, topic: str) -> bool:
    right = config.topics.get(topic)
    if right is None:
        return False
    return right == "" or rights.may(right)
