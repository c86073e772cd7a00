"""The page in a real browser: quiet, self-contained, no wider than the screen, sortable, in light and dark."""

import json
import shutil
from collections.abc import Iterator
from importlib.resources import files
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
    assert view.evaluate("[...document.querySelectorAll('.compare input, .tools')].every(e => !e.checkVisibility())")


def test_it_prints_to_pdf_with_every_pair_side_by_side(browser: Any, rendered: Path, tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto((rendered / "report.html").as_uri())
    page.emulate_media(media="print")
    first = "[...document.querySelectorAll('.frames')][0].querySelectorAll('img')"
    boxes = page.evaluate(f"[...{first}].map(i => i.getBoundingClientRect().left)")
    assert boxes[0] < boxes[1]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") + content.count(b"/Type/Page/") >= 5
    page.close()


def test_long_tables_are_filtered_by_every_word_and_sorting_keeps_it(view: Any) -> None:
    view.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    box = view.locator("#spread .filter input").first
    rows = view.locator("#spread tbody").first.locator("tr")
    everything = rows.count()
    box.fill("pgd POOLED")
    shown = rows.evaluate_all("rows => rows.filter(r => !r.hidden).map(r => r.textContent)")
    assert 0 < len(shown) < everything
    assert all("PGD" in text and "pooled" in text for text in shown)
    assert view.locator("#spread .filter output").first.text_content() == f"{len(shown)} of {everything} rows"
    view.locator("#spread th button").first.click()
    assert rows.evaluate_all("rows => rows.filter(r => !r.hidden).length") == len(shown)
    box.fill("no such words")
    assert rows.evaluate_all("rows => rows.filter(r => !r.hidden).length") == 0
    box.fill("")
    assert rows.evaluate_all("rows => rows.filter(r => !r.hidden).length") == everything


def test_pairs_are_compared_with_keys_alone(view: Any) -> None:
    pair = view.locator("#gallery .compare").first
    slider, button, after = pair.locator("input"), pair.locator("button"), pair.locator("img").last
    clip = "image => getComputedStyle(image).clipPath"
    slider.focus()
    slider.press("Home")
    assert "100%" in after.evaluate(clip)
    slider.press("End")
    assert after.evaluate(clip) == "inset(0px 0% 0px 0px)"
    button.focus()
    button.press("Enter")
    assert "100%" in after.evaluate(clip)
    assert button.text_content() == "Show attacked"
    left = pair.locator("img").evaluate_all("images => images.map(i => Math.round(i.getBoundingClientRect().left))")
    assert left[0] == left[1]


def test_without_a_script_pairs_stand_side_by_side(browser: Any, rendered: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto((rendered / "report.html").as_uri())
    first, second = (page.locator("#gallery .compare").first.locator("img").nth(i).bounding_box() for i in (0, 1))
    assert first["x"] + first["width"] <= second["x"]
    assert page.locator(".filter, .tools, .compare input").count() == 0
    context.close()


def test_light_and_dark_change_places_and_back(view: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    button = view.locator("button.tools").first
    before = view.evaluate(paper)
    said = button.text_content()
    button.press("Enter")
    after = view.evaluate(paper)
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(18, 22, 27)"}
    assert button.text_content() != said
    button.press("Enter")
    assert view.evaluate(paper) == before


def test_everything_that_does_something_is_reached_by_tab_and_seen(view: Any) -> None:
    view.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    able = "[...document.querySelectorAll('a, button, input, summary, [tabindex]')].filter(e => e.checkVisibility())"
    total = view.evaluate(f"{able}.map((e, i) => {{ e.dataset.place = i; }}).length")
    reached = []
    for _ in range(60):
        view.keyboard.press("Tab")
        seen = "getComputedStyle(document.activeElement).outlineStyle"
        reached.append(view.evaluate(f"[document.activeElement.dataset.place, {seen}]"))
    assert [int(place) for place, _ in reached] == list(range(60))
    assert all(outline != "none" for _, outline in reached)
    assert total > 60
    assert view.evaluate(f"{able}.every(e => e.tabIndex === 0)")


def test_axe_finds_no_serious_fault(view: Any) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    view.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    view.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = view.evaluate("axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations)")
    grave = [
        {"id": one["id"], "help": one["help"], "nodes": [node["html"][:200] for node in one["nodes"][:3]]}
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == [], json.dumps(grave, indent=1)


def test_what_numbers_rest_on_is_shown_by_key_and_by_finger(view: Any) -> None:
    below = "[...document.querySelectorAll('td[title]')].map(td => [td.title, getComputedStyle(td, '::after').content])"
    before = view.evaluate(below)
    assert len(before) > 20
    assert {content for _, content in before} == {"none"}
    button = view.get_by_role("button", name="Show n under each number")
    button.focus()
    view.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert all(content == json.dumps(title) for title, content in view.evaluate(below))
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    button.click()
    assert view.evaluate(below) == before
