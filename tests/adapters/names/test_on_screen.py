"""Names on screens: what the browser has a glyph for is shown, what it has none for is marked with its code point."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from kiosk_ui.kit.assets import STATIC
from tests.adapters.names.second_look import FLAGS, Shape, chromium_shapes

ORIGIN = "http://kit.test/"
NOWHERE = "\U0010ffff"
WITHOUT = {"\ue000": "E000", "\uf8ff": "F8FF", "\U000f0000": "F0000", "\u0378": "0378", "\U000323b0": "323B0"}
"""Private use twice and on a plane of its own, a place without a character, and one too new for any font here."""


@pytest.fixture(scope="session")
def pictures(rare: tuple[str, ...]) -> dict[str, Shape]:
    """What Chromium draws for each rare character, and for want of one; without our marks."""
    return chromium_shapes((*rare, NOWHERE))


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page with the kit's own files, served from its folder."""

    def served(route: object) -> None:
        name = route.request.url.removeprefix(ORIGIN)  # type: ignore[attr-defined]
        if name:
            route.fulfill(path=STATIC / name)  # type: ignore[attr-defined]
        else:
            route.fulfill(  # type: ignore[attr-defined]
                content_type="text/html; charset=utf-8",
                body="<!doctype html><html lang=zh-CN><link rel=stylesheet href=tokens.css>"
                "<link rel=stylesheet href=kit.css><body><main id=here></main>",
            )

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS, env={**os.environ})
        try:
            page = browser.new_page(viewport={"width": 900, "height": 700})
            page.route("**/*", served)
            page.goto(ORIGIN)
            page.evaluate("import('/glyphs.js').then(module => module.startGlyphs())")
            yield page
        finally:
            browser.close()


def shown(page: Page, texts: list[str]) -> list[list[str]]:
    """The code points that are marked in each text, which comes to the page as a live part does."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async (texts) => {
          const here = document.getElementById("here");
          const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
          here.replaceChildren(...texts.map(line));
          await new Promise(requestAnimationFrame);
          return [...here.children].map((p) => [...p.querySelectorAll(".no-glyph")].map((box) => box.dataset.code));
        }""",
        texts,
    )


@pytest.mark.row("F10.11")
def test_every_name_of_the_tables_is_shown(
    page: Page, gb2312: tuple[str, ...], rare: tuple[str, ...], pictures: dict[str, Shape]
) -> None:
    """The rare ones are judged twice: the page looks on a canvas, here a screenshot is held against the empty box."""
    chars = [*gb2312, *rare]
    marked = {char: codes for char, codes in zip(chars, shown(page, chars), strict=True) if codes}
    assert marked == {}
    box = pictures[NOWHERE].tobytes()
    assert [char for char in rare if char not in pictures or pictures[char].tobytes() == box] == []


@pytest.mark.row("F10.11")
def test_what_no_font_has_is_its_code_point_in_a_box(page: Page, tmp_path: Path) -> None:
    texts = [f"欧阳{char}静" for char in WITHOUT]
    assert shown(page, texts) == [[code] for code in WITHOUT.values()]
    # the character is still there for who copies or searches
    assert page.evaluate("[...document.querySelectorAll('#here p')].map((p) => p.textContent)") == texts
    ink = [Image.open(io.BytesIO(box.screenshot())).convert("L").tobytes() for box in page.locator(".no-glyph").all()]
    assert len(set(ink)) == len(WITHOUT), "each says which character it is"


def test_marks_on_letters_and_what_is_typed_are_left_alone(page: Page) -> None:
    assert (
        shown(page, ["e\u0301", "\u200d\u2060", "葛\U000e0101", "李\u3000四", "Siobhán — O’Connor…", "ئۇيغۇر"])
        == [[]] * 6
    )
    page.evaluate(
        "document.getElementById('here').innerHTML = '<textarea>\\ue000</textarea><select><option>\\ue000</select>'"
    )
    assert page.evaluate("document.querySelectorAll('#here .no-glyph').length") == 0


def test_a_text_that_changes_is_looked_at_again(page: Page) -> None:
    shown(page, ["张三"])
    page.evaluate("document.querySelector('#here p').firstChild.data = '张\\ue000'")
    assert page.locator("#here .no-glyph").get_attribute("data-code", timeout=5000) == "E000"
