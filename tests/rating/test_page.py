"""The page in a real browser: quiet, asks nobody, and makes a sheet that `score` reads."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robustgan.rating import folder, key, source
from robustgan.rating.answers import read_sheets

pytestmark = pytest.mark.browser
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def sheet(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "sheet"
    folder.make(source.pool(report, None), out, 4, 0)
    return out


@pytest.fixture
def page(sheet: Path) -> Iterator[Any]:
    """The page; anything that it complains of or asks for fails the test."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian package `chromium`)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    said: list[str] = []
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = started.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "blob:")) else said.append(r.url))
        page.goto((sheet / "rate.html").as_uri())
        yield page
        started.close()
    assert said == []


def test_a_rater_fills_the_sheet_in_and_it_is_read(page: Any, sheet: Path, tmp_path: Path) -> None:
    ids = key.read_key(sheet)["id"].tolist()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for place, name in enumerate(ids):
        assert page.locator("#picture").get_attribute("src") == f"images/{name}.png"
        assert page.evaluate("document.getElementById('picture').decode().then(() => true)")
        answers = ("generated" if place % 3 else "real", "cannot tell" if place % 2 else "benign", str(1 + place % 5))
        for answer in answers:
            page.get_by_label(answer, exact=True).check()
        page.locator("#note").fill(f'odd "edges", {place}')
        page.locator("#next").click()
    page.reload()  # the answers are still there
    assert f"{len(ids)} of {len(ids)}, 0 without all answers" in page.locator("#left").inner_text()
    page.locator("#rater").fill("Ana / 1")
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "ratings-Ana-1.csv"
    download.value.save_as(tmp_path / "ratings-Ana-1.csv")
    found = read_sheets([tmp_path / "ratings-Ana-1.csv"], ids)["ratings-Ana-1"]
    assert found["label"].tolist() == ["cannot tell" if place % 2 else "benign" for place in range(len(ids))]
    assert found["real_or_generated"].tolist() == ["generated" if place % 3 else "real" for place in range(len(ids))]
    assert found["confidence"].tolist() == [str(1 + place % 5) for place in range(len(ids))]


def test_one_can_go_back_and_find_what_is_missing(page: Any) -> None:
    page.locator("#next").click()
    page.get_by_label("malignant", exact=True).check()
    page.locator("#back").click()
    assert "Image 1 of" in page.locator("#left").inner_text()
    page.locator("#missing").click()
    assert "Image 2 of" in page.locator("#left").inner_text()
    assert page.get_by_label("malignant", exact=True).is_checked()
