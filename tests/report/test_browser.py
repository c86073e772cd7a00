"""The page in a real browser: quiet, self-contained, no wider than the screen, sortable, in light and dark."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian package `chromium`)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture(params=[*WIDTHS, "dark"])
def view(request: pytest.FixtureRequest, browser: Any, rendered: Path) -> Iterator[Any]:
    """The page at one width; anything that it complains of or asks for fails the test."""
    width, height = WIDTHS.get(request.param, WIDTHS["desktop"])
    scheme = "dark" if request.param == "dark" else "light"
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else said.append(r.url))
    page.goto((rendered / "report.html").as_uri())
    yield page
    page.close()
    assert said == []


def test_it_fits_and_every_image_is_there(view: Any) -> None:
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    images = view.evaluate("[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length])")
    assert len(images) >= 12
    assert all(loaded and words > 20 for loaded, words in images)
    wide = "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && !e.closest('pre')"
    assert view.evaluate(wide + " && e.getBoundingClientRect().right > window.innerWidth + 1).length") == 0


def test_tables_sort_by_number_with_the_undefined_last(view: Any) -> None:
    column = "[...document.querySelectorAll('#controls tbody tr')].map(r => Number(r.cells[3].dataset.order))"
    button = view.locator("#controls th button").nth(3)
    button.click()
    rising = view.evaluate(column)
    button.press("Enter")
    falling = view.evaluate(column)
    numbers = [value for value in rising if value is not None and value == value]
    assert len(numbers) > 3
    assert rising[: len(numbers)] == sorted(numbers)
    assert falling[: len(numbers)] == sorted(numbers, reverse=True)
    assert view.locator("#controls th").nth(3).get_attribute("aria-sort") == "descending"


def test_the_contents_lead_to_every_section(view: Any) -> None:
    view.evaluate("document.querySelector('nav details').open = true")
    targets = view.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert len(targets) == view.locator("main > section").count()
    view.locator("nav a").last.click()
    assert view.evaluate("document.querySelector('#citations').getBoundingClientRect().top") < 900


def test_hostile_names_run_nothing(browser: Any, hostile: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said: list[str] = []

    def dismiss(dialog: Any) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("console", lambda message: said.append(message.text))
    page.goto((hostile / "report.html").as_uri())
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert said == []
    page.close()


def test_paper_shows_the_folded_tables(view: Any) -> None:
    view.emulate_media(media="print")
    view.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert view.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")
