"""A person's window onto one node: a real browser page that may speak with that node alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 60_000
HAND, ROOM, HUB = (480, 854), (1366, 768), (1440, 900)
GREY = """() => {
  const probe = document.createElement("i");
  probe.className = "chip";
  document.body.append(probe);
  const grounds = [document.getElementById("strip"), probe].map((each) => getComputedStyle(each).backgroundColor);
  probe.remove();
  return grounds[0] === grounds[1];
}"""
"""Whether the strip lies on the ground of `off`, which a bare chip has too."""


@dataclass
class Window:
    """`foreign` holds every request to anywhere else, `faults` what a script complained of."""

    page: Page
    home: str
    lang: str
    foreign: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        joint = "&" if "?" in path else "?"
        self.page.goto(f"{self.home}{path}{joint}lang={self.lang}")
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]", timeout=PATIENCE_MS)

    def wait(self, selector: str) -> None:
        self.page.wait_for_selector(selector, timeout=PATIENCE_MS)

    def keep(self) -> None:
        """From here on `kept` tells whether this is still the same document."""
        self.page.evaluate("window.kept = true")

    def kept(self) -> bool:
        return bool(self.page.evaluate("window.kept === true"))

    def says(self) -> str:
        """The strip's sentence, from the region that a screen reader follows."""
        return self.page.locator("#strip [role=status]").inner_text()

    def grey(self) -> bool:
        return bool(self.page.evaluate(GREY))

    def violations(self) -> list[str]:
        """What axe finds, as rule and place; its script enters past the policy, which forbids inline code."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]]


def open_window(browser: Browser, home: str, lang: str, size: tuple[int, int]) -> Window:
    """A new context, so that no cookie is shared. Requests to other places are refused and kept."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    window = Window(context.new_page(), home.rstrip("/"), lang)
    own = urlsplit(home).netloc

    def only_home(route: Any) -> None:
        if urlsplit(route.request.url).netloc == own:
            route.continue_()
        else:
            window.foreign.append(route.request.url)
            route.abort()

    context.route("**/*", only_home)
    window.page.on("pageerror", lambda error: window.faults.append(str(error)))
    return window


def sign_in_by_badge(window: Window, badge: str, pin: str) -> None:
    """With the keyboard alone, as when the gun is elsewhere."""
    window.go("/sign-in")
    window.page.fill("#badge", badge)
    window.page.fill("#f-pin", pin)
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(lambda url: "/sign-in" not in url)
    window.ready()


def sign_in_by_password(window: Window, user: str, password: str) -> None:
    window.go("/sign-in")
    window.page.fill("#f-user", user)
    window.page.fill("#f-password", password)
    window.page.keyboard.press("Enter")
    window.wait("nav.nav")
    window.ready()
