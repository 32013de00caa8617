"""A courier's round and a clerk's counter in a real browser, by keys and guns alone, with the line cut throughout."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from appliance.boot import Box
from appliance.printing import Papers
from sync.domain.fleet import facts as fleet
from sync.domain.tracking.receipt_code import ReceiptScan, RoundHead, encode
from sync.kernel.suite import suite1
from tests.browser.windows import HAND, ROOM, Window, open_window, sign_in_by_badge

PIN = "2468"
CUT = {"zh": "网络中断，本机照常工作", "en": "Line down. This machine keeps working"}
GOOD = {"zh": "已收下", "en": "Collected"}


def wedge(window: Window, code: str) -> None:
    """A gun that types: the keys of a burst, then Enter, through the page's own events."""
    window.page.evaluate(
        """(code) => {
          for (const key of [...code, "Enter"]) {
            const name = /[0-9]/.test(key) ? `Digit${key}` : /^[A-Z]$/.test(key) ? `Key${key}`
              : key === "-" ? "Minus" : key;
            document.body.dispatchEvent(new KeyboardEvent("keydown",
              {key, code: name, bubbles: true, cancelable: true, shiftKey: /^[A-Z]$/.test(key)}));
          }
        }""",
        code,
    )


def clean(window: Window) -> None:
    assert window.violations() == []
    assert window.foreign == [] and window.faults == []
    wide = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{window.page.url} is {wide} px too wide"


@pytest.mark.row("F10.1")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_round_by_keys(chromium: Browser, courier_box: Box, lang: str) -> None:
    window = open_window(chromium, courier_box.start(), lang, HAND)
    page = window.page
    sign_in_by_badge(window, "WB-LUO", PIN)
    assert window.says().startswith(CUT[lang]) and window.grey()
    clean(window)
    page.locator("a.ward", has_text="W12").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/collect/wards/W12*")
    window.ready()
    clean(window)
    page.keyboard.press("Enter")
    page.wait_for_url("**/collect/scan*")
    window.ready()
    window.keep()

    courier_box.take("QL00731846-2", "gun")
    window.wait("#scan[data-verdict=good]")
    assert page.locator("#scan h2").inner_text() == GOOD[lang]
    assert "仇建国" in page.locator("#scan").inner_text()
    wedge(window, "QL00731846")
    window.wait("#scan[data-verdict=duplicate]")
    courier_box.take("00730912", "gun")
    window.wait("#scan[data-verdict=wrong_ward]")
    assert page.locator(".reasons form").count() == 4
    clean(window)
    courier_box.take("<script>alert(1)</script>", "gun")
    window.wait("#scan[data-verdict=unreadable]")
    courier_box.take("00732222", "gun")
    window.wait("#scan[data-verdict=choose]")
    assert window.kept(), "five verdicts came without another page"
    clean(window)
    with page.expect_navigation():
        page.locator(".choice-list button").first.press("Enter")
    window.ready()
    window.wait("#scan[data-verdict=good]")
    with page.expect_navigation():
        page.keyboard.press("Escape")
    window.ready()
    window.wait("#scan[data-verdict=idle]")
    found = courier_box.collecting.round(courier_box.collecting.scanner.hand.round_key)  # type: ignore[union-attr]
    assert found is not None and [scan.counts for scan in found[1]] == [True, True, False]

    page.keyboard.press("F2")
    page.wait_for_url("**/collect/hand*")
    window.ready()
    clean(window)
    page.keyboard.type("00731779")
    page.keyboard.press("Tab")
    page.keyboard.type("xx")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    window.ready()
    window.wait(".form-error")
    page.fill("#f-initials", "oyjs")
    page.keyboard.press("Enter")
    page.wait_for_url("**/collect/scan*")
    window.wait("#scan[data-verdict=good]")
    window.ready()

    page.keyboard.press("F9")
    page.wait_for_url("**/collect/handover*")
    window.ready()
    courier_box.take("WB-SONG", "gun")
    window.wait(".form-error")
    page.locator("#f-by_hand").press_sequentially("3")
    window.wait("[data-part=equal] b:has-text('=')")
    courier_box.take("WB-QI", "gun")
    window.wait(".form-error")
    clean(window)
    courier_box.take("WB-SONG", "gun")
    page.wait_for_url("**/collect/rounds/*")
    window.ready()
    clean(window)
    assert "宋晓岚" in page.locator("main").inner_text()
    for path in ("/collect/rounds", "/paper", "/status", "/devices", "/rebuild", "/collect"):
        window.go(path)
        clean(window)


def receipt_of(box: Box) -> list[str]:
    """The codes on the slip of the box's newest round."""
    row = box.collecting.rounds_since("u-luo", 0)[0]
    found = box.collecting.round(row.key)
    assert found is not None and isinstance(box.papers, Papers)
    scans = [ReceiptScan(one.fact, one.key, one.at_ms) for one in found[1] if one.counts]
    head = RoundHead(row.key, row.ward, row.courier)
    return encode(head, scans, key_id=box.keys.key_id, sign=lambda data: suite1.sign(box.keys.signing, data))


@pytest.mark.row("F10.1")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_counter_by_keys(chromium: Browser, courier_box: Box, records_box: Box, lang: str) -> None:
    courier_box.collecting.open_round("W12", "u-luo")
    for code in ("00731846", "00731779", "00730388"):
        courier_box.take(code, "gun")
    records_box.store.role = "hub"
    with records_box.store.write() as unit:
        public = courier_box.keys.signing_public
        unit.append(fleet.enrolled("courier-aaaaaaaa", "courier", "手持机 1", public, ["W12"]))
    records_box.store.role = "records"

    window = open_window(chromium, records_box.start(), lang, ROOM)
    page = window.page
    sign_in_by_badge(window, "WB-WEN", PIN)
    clean(window)
    page.keyboard.press("F4")
    page.wait_for_url("**/rebuild*")
    window.ready()
    for text in receipt_of(courier_box):
        records_box.take(text, "gun")
    window.wait(".part-seen")
    clean(window)
    page.keyboard.press("Escape")
    page.wait_for_url("**/receive*")
    window.ready()
    with page.expect_navigation():
        page.locator("button.batch").press("Enter")
    window.ready()
    window.wait(".batch[aria-current]")
    window.keep()
    records_box.take("QL00731846-2", "gun")
    window.wait("#scan[data-verdict=received]")
    wedge(window, "QL00731846-2")
    window.wait("#scan[data-verdict=duplicate]")
    assert window.kept()
    clean(window)
    with page.expect_navigation():
        page.keyboard.press("F2")
    window.ready()
    window.wait(".doing")
    page.keyboard.type("00731779", delay=70)  # slower than a gun
    with page.expect_navigation():
        page.keyboard.press("Enter")
    window.ready()
    window.wait("#scan[data-verdict=received]")
    with page.expect_navigation():
        page.keyboard.press("Escape")
    window.ready()
    window.wait("#scan[data-verdict=idle]")
    with page.expect_navigation():
        page.keyboard.press("F9")
    window.ready()
    window.wait(".confirm")
    clean(window)
    with page.expect_navigation():
        page.locator(".confirm button").press("Enter")
    window.ready()
    assert page.locator(".anomaly").count() == 2
    clean(window)
    with page.expect_navigation():
        page.locator(".anomaly button").first.press("Enter")
    window.ready()
    assert page.locator(".anomaly").count() == 1


@pytest.mark.row("H35.1")
def test_a_badge_at_the_gun_asks_only_for_the_pin(chromium: Browser, courier_box: Box) -> None:
    window = open_window(chromium, courier_box.start(), "zh", HAND)
    page = window.page
    window.go("/sign-in")
    clean(window)
    deadline = 100
    while courier_box.events.clients == 0 and deadline:
        page.wait_for_timeout(100)
        deadline -= 1
    courier_box.take("WB-LUO", "gun")
    # Never wait_for_function: from its second look on it evaluates in the page, where the policy forbids that.
    expect(page.locator("#badge")).to_have_value("WB-LUO", timeout=30_000)
    page.keyboard.type("9999")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    window.ready()
    window.wait(".form-error")
    page.fill("#f-pin", PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/collect*")
    assert window.faults == []
