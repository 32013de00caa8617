"""One Flask app per node: guards, rights, problems, language and the look, in that order; features bring the views.

A view may return a `Refused` (or `(Refused, status)`) where it would return a page.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, request
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined

from kiosk_ui.kit import guards, icons, locale, pages, problems, rights
from kiosk_ui.kit.port import BODY_BYTES_MAX, KitConfig
from kiosk_ui.kit.screens import line
from sync.kernel.outcome import Refused

OWN_TEMPLATES = str(Path(__file__).parent / "templates")
FORM_BYTES_MAX = 256 * 1024
FORM_PARTS_MAX = 200

_log = logging.getLogger("waystation.pages")


class KitFlask(Flask):
    """Flask whose views may answer with the rule's own no."""

    def make_response(self, rv: Any) -> Response:
        match rv:
            case Refused():
                rv = problems.refused(rv)
            case (Refused() as no, int() as status):
                rv = problems.refused(no, status)
        answer = super().make_response(rv)
        assert isinstance(answer, Response)
        return answer


def make_app(config: KitConfig) -> Flask:
    """The app of one node. Boot registers blueprints on it, then calls `rights.assert_all_routes_named`."""
    icons.check_assets()
    app = KitFlask("kiosk_ui.kit", static_folder=None, template_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES_MAX,
        MAX_FORM_PARTS=FORM_PARTS_MAX,
        SECRET_KEY=None,
        TRAP_HTTP_EXCEPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.extensions["kit"] = config
    catalog = locale.read_catalog((locale.OWN_PO, *config.po_files))
    app.extensions["kit.en"] = locale.compile_catalog(catalog)
    _templates(app, config)
    app.before_request(_who_and_how)
    app.before_request(guards.check_request)
    app.before_request(rights.check_right)
    guards.install(app)
    problems.install(app, _report)
    app.register_blueprint(pages.make_pages(config))
    return app


def _templates(app: Flask, config: KitConfig) -> None:
    folders = [*config.template_dirs, OWN_TEMPLATES]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    locale.install(app.jinja_env)
    app.jinja_env.globals.update(
        icon=icons.icon,
        may=rights.may,
        csrf_token=guards.csrf_token,
        asset=pages.asset_url,
        line_states=line.STATES,
    )

    @app.context_processor
    def page() -> dict[str, Any]:
        return {
            "kit": config,
            "lang": locale.lang(),
            "html_lang": locale.HTML_LANG[locale.lang()],
            "theme": g.get("theme", "light"),
            "principal": rights.current_principal(),
            "line": line.line_view(config.port.line(), config.line_words),
            "line_facts": config.port.line(),
            "ledger": config.port.ledger(),
            "other_lang": pages.other_lang_url(),
        }


def _who_and_how() -> None:
    """Principal, language and theme of this request, before anything may be refused in words."""
    config: KitConfig = current_app.extensions["kit"]
    token, _ = guards.session_token()
    g.principal = config.port.principal(token) if token else None
    wish = g.principal.lang if g.principal else None
    g.lang = locale.choose(request.args.get("lang"), guards.read_cookie("lang"), wish, config.lang)
    theme = request.args.get("theme") or guards.read_cookie("theme")
    g.theme = theme if theme in pages.THEMES else "light"


def _report(incident: str, exc: BaseException) -> None:
    """Where and what kind, never the message: a message may hold a person's data."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    _log.error("incident %s: %s at %s", incident, type(exc).__name__, where)
