"""The pages keep up with the code: every name has a place, every link a target, every command exists."""

import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
import yaml

import generate
from generate import comments, links, markdown, measured, tables, verdicts
from robustgan import stable, statistics
from robustgan.cli import app
from robustgan.config import Spec, kinds, read_yaml
from robustgan.experiment import experiment
from robustgan.gates.policy import gate_kinds, policy
from robustgan.metrics import METRIC_NAMES
from robustgan.metrics.generated import FAITHFUL
from robustgan.models._head import Head
from robustgan.report.sections import generators, upset
from robustgan.splits import protocols

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
FILLED = {page: generate.fill((DOCS / page).read_text("utf-8"), ROOT) for page in PAGES}
HEADINGS = {  # statistic in the code -> where statistics.md explains it
    "clopper_pearson": "Clopper-Pearson",
    "delong": "DeLong",
    "durkalski": "Durkalski",
    "expanded_percentile": "Cluster bootstrap, expanded percentile",
    "logit_t": "AUROC on the logit scale",
    "holm": "Holm",
    "icc": "Intraclass correlation",
    "korn_graubard": "Korn-Graubard",
    "mcnemar": "McNemar",
    "resample": "Cluster bootstrap, expanded percentile",
    "sign_flip": "Sign-flip test",
    "square_and_add": "Square-and-add",
    "wilson": "Wilson",
}
PARTS = {"correlation", "outer"}  # of the formulas above
SCORES = {"brier": "Brier score", "ece": "Expected calibration error"}


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", without_code(FILLED[page]), re.MULTILINE)


def rows(page: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)`", FILLED[page], re.MULTILINE))


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def slugs(page: str) -> set[str]:
    """Anchors as Python-Markdown makes them."""
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings(page))
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def test_every_attack_is_explained() -> None:
    explained = {word for heading in headings("attacks.md") for word in heading.split(", ")}
    assert set(kinds("attacks")) <= explained


@pytest.mark.parametrize("package", ["models", "datasets"])
def test_every_kind_has_its_settings(package: str) -> None:
    assert {f"kind: {kind}" for kind in kinds(package)} <= set(headings("reference/settings.md"))


def test_every_gate_is_explained_by_hand() -> None:
    assert set(gate_kinds()) <= set(re.findall(r"^\| `([^`]+)`", (DOCS / "gates.md").read_text(), re.MULTILINE))


def test_every_strength_check_is_explained() -> None:
    names = set(verdicts.unmeasured()["check"])
    assert len(names) > 15
    assert names <= set(headings("strength.md"))


def test_every_statistic_is_explained_with_its_source() -> None:
    functions = {name for name in statistics.__all__ if name.islower()}
    assert functions == set(HEADINGS) | PARTS
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", FILLED["statistics.md"], re.MULTILINE | re.DOTALL))
    for heading in {*HEADINGS.values(), *SCORES.values()}:
        assert "Source:" in sections[heading], heading


def test_every_section_of_the_report_is_explained() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "robustgan" / "report" / "sections").glob("*.py"))
    titles = set(re.findall(r"""(?:Section\(\s*"[a-z]+", |\n    title = )"([^"]+)\"""", code))
    assert len(titles) > 20
    assert titles <= set(headings("report.md"))


def test_every_metric_protocol_and_column_has_a_row() -> None:
    assert set(METRIC_NAMES) <= rows("statistics.md")
    assert set(protocols()) <= rows("reference/settings.md")
    assert {column for table in tables.found().values() for column in table} <= rows("reference/tables.md")


def test_the_limits_on_generators_are_those_of_the_code() -> None:
    text = " ".join((DOCS / "generators.md").read_text("utf-8").split())
    assert f"Above {generators.ONE_CHANGE:g} it is universal" in text
    assert f"more than {100 * generators.ONLY_SIGNS:g} % of the change at its limit" in text
    assert f"the strongest gradient attack ({', '.join(f'`{kind}`' for kind in upset.STRONG)})" in text
    assert f"by more than {100 * upset.SLACK:g} points" in text
    assert f"what was asked for in at least {100 * FAITHFUL:g} %, of the worse of the two classes" in text


def test_a_table_that_nobody_described_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(tables.ABOUT, "METRICS")
    with pytest.raises(KeyError, match="METRICS"):
        tables.every_table()


def test_a_page_cannot_ask_for_what_nobody_makes() -> None:
    with pytest.raises(KeyError, match="nothing"):
        generate.fill("<!-- generate: nothing -->", ROOT)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]+))?\)", without_code(FILLED[page])):
        if "://" in target:
            continue
        place = (DOCS / page).parent / target if target else DOCS / page
        assert place.is_file(), f"{page}: {target}"
        inside = place.resolve().is_relative_to(DOCS)
        assert not anchor or (inside and anchor in slugs(place.resolve().relative_to(DOCS).as_posix())), anchor


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert set(PAGES) == set(re.findall(r"[\w/]+\.md", text[text.index("\nnav:") :]))


def found(pattern: str) -> list[str]:
    """What stands in the pages and in the README."""
    texts = [*FILLED.values(), (ROOT / "README.md").read_text("utf-8")]
    return sorted({line for text in texts for line in re.findall(pattern, text, re.MULTILINE)})


def leaf(line: str) -> tuple[Any, list[str]]:
    """The command that a line calls, and the words after its name."""
    command, (_, *words) = typer.main.get_command(app), shlex.split(line.partition(" > ")[0], comments=True)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("line", found(r"^\$ (robustgan .+)$"))
def test_commands_take_these_arguments(line: str) -> None:
    command, words = leaf(line)
    assert not hasattr(command, "commands"), line
    command.make_context(line, words)


@pytest.mark.parametrize("line", found(r"`(robustgan [a-z][^`\n]*)`"))
def test_commands_that_are_mentioned_exist(line: str) -> None:
    command, words = leaf(line)
    assert not (words and hasattr(command, "commands")), line


@pytest.mark.parametrize("page", PAGES)
def test_settings_in_the_pages_are_allowed(page: str) -> None:
    whole = read_yaml(ROOT / "configs" / "smoke.yaml")
    for block in re.findall(r"```yaml\n(.*?)```", FILLED[page], re.DOTALL):
        settings = yaml.safe_load(block)
        if isinstance(settings, list):  # steps of a workflow
            continue
        if "gates" in settings:
            assert policy(settings).gates
        elif "head" in settings:
            assert all(Head.read(yaml.safe_load(line)["head"]) for line in block.splitlines())
        else:
            assert experiment({**whole, **settings})


@pytest.mark.parametrize("page", PAGES)
def test_no_page_claims_compliance(page: str) -> None:
    assert not re.search(r"\b(compliant|complies|certified|cleared by|approved by)\b", FILLED[page], re.IGNORECASE)


def test_comments_beside_settings_are_read() -> None:
    class Parent(Spec):
        one: int = 1  # beside

    class Child(Parent):
        # above, in
        # two lines
        two: int = 2
        three: int = 3

    assert comments.beside(Child) == {"one": "beside", "two": "above, in two lines", "three": ""}


def test_a_cell_cannot_break_out_of_its_table() -> None:
    made = markdown.table(["a"], [["x | y\n<script>"]])
    assert made.splitlines()[2] == "| x \\| y &lt;script> |"


def test_what_a_page_would_load_is_found() -> None:
    own = '<link rel="canonical" href="https://here/">'
    assert not links.loaded(
        f'{own}<a href="https://there/">paper</a><script src="assets/x.js"></script>', "https://here/"
    )
    for html in (
        '<script src="https://there/x.js">',
        "<img alt='' src=//there/x.png>",
        '<link href="http://there/x.css">',
    ):
        assert links.loaded(html)


def test_links_out_of_the_folder_are_files_of_the_repository() -> None:
    page = "[a](../configs/x.yaml) [b](audit.md) [c](tables.md#x) ![d](../reports/r/figures/e.png)"
    assert [link.target for link in links.outward(page, "index.md")] == ["configs/x.yaml", "reports/r/figures/e.png"]
    assert links.outward("[a](../audit.md)", "reference/tables.md") == []


def test_coverage_is_summed_up_by_method_and_number_of_groups(tmp_path: Path) -> None:
    (tmp_path / "reports" / "benchmarks").mkdir(parents=True)
    lines = ["groups,icc,rate,method,coverage,width,type1"]
    lines += [
        "7,0.1,0.9,ours,0.9,0.2,",
        "17,0.1,0.9,ours,0.95,0.1,",
        "24,0.4,0.9,ours,0.94,0.1,",
        "17,0.1,0.9,test,,,0.04",
    ]
    (tmp_path / "reports" / "benchmarks" / "coverage.csv").write_text("\n".join(lines))
    made = measured.coverage(tmp_path).splitlines()
    assert made[2:] == ["| ours | 90.0 to 90.0 | 94.0 to 95.0 |  |  | 3 |", "| test |  |  |  | 4.0 to 4.0 | 1 |"]
    assert "not in this checkout" in measured.whole("parity", tmp_path)


def test_what_the_pages_say_of_coverage_is_what_the_table_has() -> None:
    table = pd.read_csv(ROOT / "reports/benchmarks/coverage.csv")
    aim, beside = measured.coverage_aim(ROOT), measured.coverage_images(ROOT)
    many = table[(table["groups"] >= 17) & table["method"].isin(measured.OURS)]
    off = many[(many["coverage"] < 0.93) | (many["coverage"] > 0.97)]
    assert f"Of {len(many)} cells with 17 patients or more, at any true rate, {len(off)} are outside" in aim
    assert all(f"{100 * value:.2f} |" in aim for value in off["coverage"])
    assert (off["rate"] == 0.97).all(), "the page says that the aim is met where it is set: change its words"
    mcnemar = table[(table["method"] == "test: McNemar on images") & (table["icc"] == 0.1)]["type1"] * 100
    assert f"in {mcnemar.min():.1f} to {mcnemar.max():.1f} % of studies at an ICC of 0.1" in beside
    page = (ROOT / "docs/statistics.md").read_text("utf-8")
    assert not re.search(r"^\| \d+, 0\.\d, 0\.\d \|", page, re.MULTILINE), "cells are generated, not typed"


def test_every_stable_interface_has_a_version_on_its_page() -> None:
    told = {line.split(" | ")[0].lstrip("| "): line.split(" | ")[1] for line in verdicts.interfaces().splitlines()[2:]}
    assert told["config"] == str(stable.CONFIG)
    assert told["policy"] == str(stable.POLICY)
    assert told["status as JSON"] == str(stable.STATUS)
    assert told["exit codes"] == str(stable.EXIT_CODES)
    assert all(told.values())
