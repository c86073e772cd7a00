"""Names that users choose are text in every output, never markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

from robustgan.report import latex, markdown, page
from robustgan.report.document import Cell, Document, Table
from robustgan.report.folder import read
from robustgan.report.pictures import slug
from robustgan.report.sections import crosswalks, strength, untested, verdict

from .conftest import HOSTILE


class Tags(HTMLParser):
    """Counts script elements and collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.text = 0, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_hostile_names_as_text(hostile: Path) -> None:
    seen = Tags()
    seen.feed((hostile / "report.html").read_text("utf-8"))
    assert seen.scripts == 1
    assert seen.text.count(HOSTILE) > 10


def test_hostile_gates_checks_and_settings_are_text_in_the_new_parts(hostile: Path) -> None:
    folder = read(hostile)
    words = ("gate", "kind", "model", "scope", "status", "bound", "reason")
    numbers = {"observed": 0.5, "low": 0.4, "high": 0.6, "limit": 0.9, "images": 1, "groups": 1, "robustness": True}
    row = {**dict.fromkeys(words, HOSTILE), **numbers}
    gates = verdict.section(folder, [row, {**row, "status": "fail"}])
    sections = (gates, strength.section(folder), untested.section(folder), crosswalks.section(folder, [gates]))
    document = Document("t", "s", sections)
    for section in sections:
        seen = Tags()
        seen.feed(page.text(Document("t", "s", (section,)), hostile))
        assert seen.scripts == 1
        assert seen.text.count(HOSTILE) >= (0 if section.anchor == "crosswalks" else 1), section.anchor
    assert "<script" not in markdown.text(document)


def test_markdown_shows_hostile_names_as_text(hostile: Path) -> None:
    text = (hostile / "report.md").read_text("utf-8")
    outside = "\n".join(line for line in text.splitlines() if not line.startswith("    "))  # code is shown as it is
    assert "<script" not in outside
    assert "&lt;script&gt;" in outside
    rows = [line for line in outside.splitlines() if line.startswith("| ")]
    assert rows
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows if "densenet:" in line}) <= 1


def test_latex_shows_hostile_names_as_text(hostile: Path) -> None:
    text = (hostile / "tables" / "drops.tex").read_text("utf-8")
    table = Table("c", ("name",), ((Cell(HOSTILE),),))
    cell = r"\textless{}script\textgreater{}alert(\"x\")\textless{}/script\textgreater{}\textbar{}\_`*\$\%\&"
    assert cell.replace(r"\"", '"') in latex.tabular(table)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    assert r"\toprule" in text
    assert all(line.startswith("%") or HOSTILE not in line for line in text.splitlines())


def test_markdown_escapes_what_github_would_read_as_markup() -> None:
    assert markdown.escape("a|b_c*d\n<e> & `f` [g]") == r"a\|b\_c\*d &lt;e&gt; &amp; \`f\` \[g\]"


def test_file_names_of_figures_are_safe_and_never_shared() -> None:
    assert slug("change-sensitivity") == "change-sensitivity"
    assert re.fullmatch(r"[a-z0-9-]+", slug(HOSTILE + "../../x"))
    assert slug("a b") != slug("a_b")
