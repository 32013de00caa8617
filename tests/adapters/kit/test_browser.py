"""The patterns in a real browser: readable by everyone, nothing from elsewhere, live, and a scan is never lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from kiosk_ui.kit import assets
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.screens.line import STATES

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(assets.__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
COUNT_PRESSES = "window.pressed = 0; document.getElementById('f3').addEventListener('click', () => window.pressed++)"
SIZES = {"hand": (480, 854), "handover": (480, 854), "room": (1366, 768), "hub": (1440, 900), "": (1366, 900)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS, env={**os.environ})
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    """A page that refuses every request to anywhere else and fails the test if one was tried."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, reduced_motion="reduce")
    foreign: list[str] = []

    def only_ours(route: Any) -> None:
        parts = urlsplit(route.request.url)
        if f"{parts.scheme}://{parts.netloc}" == served or parts.scheme == "data":
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    context.route("**/*", only_ours)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert foreign == [] and said == []


def is_fault(message: Any) -> bool:
    """An error of our own; that a refusal came back as 422 is what the test asked for."""
    return message.type == "error" and "422" not in message.text


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")


def wait_for_streams(page: Page, events: EventHub, count: int) -> None:
    """A page is ready before its stream is open: what is published in between it never hears."""
    for _ in range(120):
        if events.clients == count:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{events.clients} streams, not {count}")


def violations(page: Page) -> list[str]:
    """What axe finds, as rule and place. Its script enters past the page's policy, which forbids inline code."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_patterns_are_readable_by_everyone(page: Page, served: str, lang: str, theme: str) -> None:
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        open_page(page, f"{served}/gallery/{name}".rstrip("/") + f"?lang={lang}&theme={theme}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than its screen"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("state", STATES)
def test_the_hand_held_fits_from_360_wide_in_every_line_state(page: Page, served: str, state: str, lang: str) -> None:
    for width in (360, 480, 600):
        page.set_viewport_size({"width": width, "height": 800})
        open_page(page, f"{served}/gallery/hand?line={state}&lang={lang}&theme=light")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelector('.strip').getBoundingClientRect().height") <= 120
    assert violations(page) == []


def test_targets_of_the_hand_held_are_big_enough_for_a_thumb(page: Page, served: str) -> None:
    page.set_viewport_size({"width": 480, "height": 854})
    open_page(page, f"{served}/gallery/hand?verdict=wrong_ward")
    heights = page.evaluate("[...document.querySelectorAll('main .btn, footer .btn')].map(e => e.offsetHeight)")
    assert len(heights) >= 7 and min(heights) >= 48


def test_the_strip_follows_the_line_and_says_so_once(page: Page, served: str, port: Any, events: EventHub) -> None:
    open_page(page, f"{served}/gallery?lang=zh")
    wait_for_streams(page, events, 1)
    status = page.locator("#strip [role=status]")
    assert "线路畅通" in status.inner_text()
    page.evaluate(
        "window.said = 0; new MutationObserver(() => window.said++)"
        ".observe(document.querySelector('#strip [role=status]'), {childList: true, subtree: true})"
    )
    port.facts = replace(port.facts, connected=False, cut_s=9.0, outbox=1)
    events.publish("line", {})
    page.wait_for_selector("#strip[data-state=cut]")
    assert status.inner_text().startswith("网络中断，本机照常工作")
    first = page.evaluate("window.said")
    port.books = replace(port.books, produced=1285, waiting=1)
    events.publish("line", {})
    page.wait_for_selector("#strip [data-ledger=waiting]")
    assert page.evaluate("window.said") == first > 0


def test_after_the_last_of_several_events_a_page_looks_once_more(page: Page, served: str, events: EventHub) -> None:
    """A part that is being replaced when the last one comes does not hear it."""
    open_page(page, f"{served}/gallery?lang=zh")
    wait_for_streams(page, events, 1)
    page.evaluate(
        "window.told = []; for (const name of ['line', 'settled'])"
        "document.addEventListener(`way:${name}`, () => window.told.push(name))"
    )
    for _ in range(3):
        events.publish("line", {})
    page.wait_for_function("() => window.told.includes('settled')")
    assert page.evaluate("window.told").count("line") == 3 and page.evaluate("window.told[3]") == "settled"


def test_a_page_comes_back_after_the_stream_was_refused(page: Page, served: str, events: EventHub) -> None:
    broken: list[str] = []

    def refuse_once(route: Any) -> None:
        if broken:
            route.fallback()
        else:
            broken.append("once")
            route.fulfill(status=204, body="")

    page.context.route("**/events*", refuse_once)
    open_page(page, f"{served}/gallery")
    page.evaluate("document.addEventListener('way:tick', (event) => { document.body.dataset.ticked = event.detail.n })")
    wait_for_streams(page, events, 1)
    events.publish("tick", {"n": 7})
    page.wait_for_selector("body[data-ticked='7']")
    assert broken == ["once"]


def test_a_page_that_was_left_holds_no_stream(page: Page, served: str, events: EventHub) -> None:
    open_page(page, f"{served}/gallery")
    wait_for_streams(page, events, 1)
    page.goto("about:blank")
    wait_for_streams(page, events, 0)


def burst(page: Page, code: str, end: str = "Enter") -> None:
    """Keys as a scanner sends them: all in one go, through the page's own events."""
    page.evaluate(
        """([code, end]) => {
          const box = document.activeElement ?? document.body;
          for (const key of [...code, end]) {
            const name = /[0-9]/.test(key) ? `Digit${key}` : /[A-Za-z]/.test(key) && key.length === 1
              ? `Key${key.toUpperCase()}` : key === "-" ? "Minus" : key;
            const event = new KeyboardEvent("keydown", {key, code: name, bubbles: true, cancelable: true,
              shiftKey: /[A-Z]/.test(key) && key.length === 1});
            const free = box.dispatchEvent(event);
            if (free && key.length === 1 && "value" in box) box.value += key;
            if (free && key === "Enter" && box instanceof HTMLButtonElement) box.click();
          }
        }""",
        [code, end],
    )


def caught(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.caught")
    return found


@pytest.fixture
def listening(page: Page, served: str) -> Page:
    open_page(page, f"{served}/gallery?lang=zh")
    page.evaluate("window.caught = []; document.addEventListener('way:scan', (e) => window.caught.push(e.detail.code))")
    return page


@pytest.mark.parametrize("end", ["Enter", "Tab"])
def test_a_scan_is_caught_with_no_focus(listening: Page, end: str) -> None:
    burst(listening, "QL-00731846-2", end)
    assert caught(listening) == ["QL-00731846-2"]


def test_a_scan_into_a_box_leaves_what_was_typed(listening: Page) -> None:
    box = listening.locator("#record")
    box.click()
    listening.keyboard.type("12", delay=110)
    burst(listening, "00731846")
    assert (caught(listening), box.input_value()) == (["00731846"], "12")


def test_scans_are_judged_in_order_by_the_node_and_each_sounds(page: Page, served: str) -> None:
    open_page(page, f"{served}/wedge?lang=zh")
    page.evaluate(
        "window.heard = []; document.addEventListener('way:verdict', (e) => window.heard.push(e.detail.verdict))"
    )
    for code in ("W0730912", "00731846", "W0730913"):
        burst(page, code)
    page.wait_for_selector("#result .scan-number:has-text('W073\u00a00913')")
    assert page.evaluate("window.heard") == ["wrong_ward", "good", "wrong_ward"]
    assert page.locator("#result [onclick]").count() == 0


def test_a_refused_scan_says_so_on_the_page(page: Page, served: str) -> None:
    open_page(page, f"{served}/wedge?lang=zh")
    burst(page, "BAD00731846")
    page.wait_for_selector("#notice:has-text('code.unreadable')")


def test_a_page_that_hears_nothing_says_that_it_stands_still(page: Page, served: str) -> None:
    page.clock.install()
    page.context.route("**/events*", lambda route: None)
    open_page(page, f"{served}/gallery?lang=zh")
    assert not page.locator("#stale-note").is_visible()
    page.clock.fast_forward(17_000)
    page.wait_for_selector("#stale-note:has-text('这一页停在刚才')")


def test_typing_by_hand_is_no_scan(listening: Page) -> None:
    listening.locator("#record").click()
    listening.keyboard.type("00731846", delay=110)
    assert (caught(listening), listening.locator("#record").input_value()) == ([], "00731846")


def test_five_characters_are_no_scan(listening: Page) -> None:
    burst(listening, "12345")
    assert caught(listening) == []


def test_the_end_of_a_scan_presses_no_button(listening: Page) -> None:
    listening.evaluate(COUNT_PRESSES)
    listening.locator("#f3").focus()
    burst(listening, "00731846")
    assert (caught(listening), listening.evaluate("window.pressed")) == (["00731846"], 0)


def test_scans_that_follow_each_other_all_arrive_in_order(listening: Page) -> None:
    codes = [f"0073{n:04d}" for n in range(20)]
    for code in codes:
        burst(listening, code)
    assert caught(listening) == codes


def test_an_input_method_that_swallows_a_scan_is_named(listening: Page) -> None:
    listening.evaluate(
        """() => { for (let n = 0; n < 8; n++) document.body.dispatchEvent(
             new KeyboardEvent("keydown", {key: "Process", keyCode: 229, bubbles: true})) }"""
    )
    assert caught(listening) == []
    assert listening.locator("#said").inner_text() == "把输入法切到英文，再扫一次"


class Keys:
    """Real keys of the browser that say themselves when they were struck, so that a busy machine changes nothing."""

    def __init__(self, page: Page) -> None:
        self._client = page.context.new_cdp_session(page)
        self._at_s: float = page.evaluate("(performance.timeOrigin + performance.now()) / 1000")

    def strike(self, keys: str, gap_s: float) -> None:
        """Digits, letters and signs as they are; `\r` is Enter, and the separator of GS1 fields Ctrl+]."""
        for key in keys:
            self._at_s += gap_s
            named = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13} if key == "\r" else {
                "key": key, "code": f"Digit{key}" if key.isdigit() else ""}  # fmt: skip
            struck = {**named, "timestamp": self._at_s}
            if key == "\x1d":
                struck |= {"key": "]", "code": "BracketRight", "windowsVirtualKeyCode": 221, "modifiers": 2}
                self._client.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **struck})
                continue
            self._client.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": key, **struck})
            self._client.send("Input.dispatchKeyEvent", {"type": "keyUp", **struck})

    def wait_past(self, page: Page, gap_s: float) -> None:
        """Until the page's own clock is so far past the last key: what comes by itself is struck when it comes."""
        page.wait_for_function("at => (performance.timeOrigin + performance.now()) / 1000 > at", arg=self._at_s + gap_s)

    def enter_after(self, page: Page, gap_s: float) -> None:
        """Enter so long after the newest text that was inserted."""
        self._at_s = page.evaluate("(performance.timeOrigin + window.inserted) / 1000")
        self.strike("\r", gap_s)


@pytest.mark.row("F10.27")
def test_a_gun_among_typing_leaves_in_a_box_what_a_person_typed(listening: Page) -> None:
    """A person's keys with pauses, a gun's without; the box keeps the person's alone."""
    box, keys = listening.locator("#record"), Keys(listening)
    box.click()
    for typed, scanned in (("12", "00731846-2"), ("3", "00731847"), ("45", "]C1(01)0731848")):
        keys.strike(typed, 0.11)
        keys.strike(" " if typed == "3" else "0", 0.2)
        keys.strike(scanned[0], 0.2)
        keys.strike(scanned[1:] + "\r", 0.048 if typed == "3" else 0.004)  # the page rounds its clock
    assert (caught(listening), box.input_value()) == (["00731846-2", "00731847", "]C1(01)0731848"], "1203 450")


@pytest.mark.row("F10.27", "F10.26")
def test_the_separator_of_gs1_fields_is_part_of_a_scan_and_alone_is_nothing(listening: Page) -> None:
    keys = Keys(listening)
    keys.strike("\x1d", 0.2)
    keys.strike("]C1010401234512345610AB\x1d217\r", 0.004)
    assert caught(listening) == ["]C1010401234512345610AB\x1d217"]


@pytest.mark.row("F10.27")
def test_a_gun_that_is_as_slow_as_a_person_is_none(listening: Page) -> None:
    box, keys = listening.locator("#record"), Keys(listening)
    box.click()
    keys.strike("00731846\r", 0.06)
    assert (caught(listening), box.input_value()) == ([], "00731846")


@pytest.mark.row("F10.27")
def test_a_phone_that_inserts_a_scan_as_text_is_caught(listening: Page) -> None:
    """Android's scanners hand over through the keyboard: text comes, and no key; Enter may be one."""
    box, keys = listening.locator("#record"), Keys(listening)
    listening.evaluate("document.addEventListener('beforeinput', (e) => { window.inserted = e.timeStamp }, true)")
    box.click()
    keys.strike("7", 0.11)
    keys.wait_past(listening, 0.2)
    for code, gap_s, taken in (("QL00731846", 0.01, True), ("a sentence", 0.5, False)):
        listening.keyboard.insert_text(code)
        keys.enter_after(listening, gap_s)
        assert caught(listening) == ["QL00731846"], (code, taken)
    assert box.input_value() == "7a sentence"
    assert listening.locator("#said").inner_text() == ""


def test_what_is_filled_into_one_box_after_another_is_no_gun(listening: Page) -> None:
    """As a browser does it that knows the words; nothing of it may vanish, a password least of all."""
    listening.evaluate(
        """() => document.querySelector("main").insertAdjacentHTML("afterbegin",
             '<form id="two"><input id="one"><input id="secret" type="password"><button>go</button></form>')"""
    )
    listening.evaluate(
        "document.getElementById('two').addEventListener('submit', (e) => { e.preventDefault(); window.sent = true })"
    )
    listening.fill("#one", "WB-LUO")
    listening.fill("#secret", "135790")
    listening.keyboard.press("Enter")
    assert listening.evaluate("window.sent") and caught(listening) == []
    assert (listening.input_value("#one"), listening.input_value("#secret")) == ("WB-LUO", "135790")


@pytest.mark.row("F10.27")
def test_what_a_person_composes_is_let_alone(listening: Page) -> None:
    box = listening.locator("#record")
    box.click()
    client = listening.context.new_cdp_session(listening)
    for composed in ("z", "zh", "zha", "zhan", "zhang", "zhangs", "张三"):
        client.send("Input.imeSetComposition", {"text": composed, "selectionStart": len(composed),
                                                "selectionEnd": len(composed)})  # fmt: skip
    client.send("Input.insertText", {"text": "张三"})
    listening.wait_for_timeout(110)
    listening.keyboard.press("Enter")
    assert (caught(listening), box.input_value()) == ([], "张三")


@pytest.mark.row("F10.27")
def test_a_key_that_is_held_down_is_no_gun(listening: Page) -> None:
    box = listening.locator("#record")
    box.click()
    client = listening.context.new_cdp_session(listening)
    at_s = listening.evaluate("(performance.timeOrigin + performance.now()) / 1000")
    for n in range(12):
        held = {"type": "keyDown", "text": "0", "key": "0", "code": "Digit0", "autoRepeat": n > 0}
        client.send("Input.dispatchKeyEvent", {**held, "timestamp": at_s + 0.03 * n})
    enter = {"type": "keyDown", "text": "\r", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    client.send("Input.dispatchKeyEvent", {**enter, "timestamp": at_s + 0.39})
    assert (caught(listening), box.input_value()) == ([], "0" * 12)


def test_the_key_on_a_button_presses_it(listening: Page) -> None:
    listening.evaluate(COUNT_PRESSES)
    listening.locator("#record").click()
    listening.keyboard.press("F3")
    assert listening.evaluate("window.pressed") == 1


def test_the_stepper_counts_and_can_be_typed(listening: Page) -> None:
    box = listening.locator("#f-hand")
    listening.locator("[data-step='1']").click()
    listening.locator("[data-step='1']").click()
    assert box.input_value() == "15"
    box.fill("0")
    listening.locator("[data-step='-1']").click()
    assert box.input_value() == "0"


@pytest.mark.row("F10.5")
def test_every_verdict_has_a_tone(listening: Page) -> None:
    verdicts = listening.evaluate(
        """async () => {
          const page = document.querySelector("script[type=module]").src;
          const { play } = await import(page.replace("page.js", "tones.js"));
          const made = [];
          const real = AudioContext.prototype.createOscillator;
          AudioContext.prototype.createOscillator = function () { made.push(1); return real.call(this); };
          const counts = {};
          for (const panel of document.querySelectorAll("[data-verdict]")) {
            made.length = 0; play(panel.dataset.verdict); counts[panel.dataset.verdict] = made.length;
          }
          return counts;
        }"""
    )
    assert verdicts == {
        "good": 1, "received": 1, "duplicate": 1, "wrong_ward": 2, "not_discharged": 2, "taken": 2, "choose": 2,
        "sealed": 2, "unknown": 3, "idle": 0,
    }  # fmt: skip
