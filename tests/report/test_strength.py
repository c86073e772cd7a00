"""Strength evidence: a failing check stands on top of the answer, and what was not measured is never good."""

from pathlib import Path

import pytest

from robustgan.report.document import Figure, Paragraph, Section, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import answer, strength

from . import evidence, planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A run whose finished table of checks came along, without the probes."""
    made = planted.build(tmp_path_factory.mktemp("strong") / "planted", repeats=1, levels=(8,), magnifications=(40,))
    evidence.strength(made)
    return read(made)


def words(section: Section, tone: str = "") -> str:
    return " ".join(b.text for b in section.blocks if isinstance(b, Paragraph) and tone in ("", b.tone))


def test_checks_are_shown_worst_first_with_their_words_and_numbers(folder: Folder) -> None:
    table = next(block for block in strength.section(folder).blocks if isinstance(block, Table))
    assert [[cell.text for cell in row][:4] for row in table.rows] == [
        ["restarts", "fail", "restarts: 3 of 100 images", "none"],
        ["zero gradients", "warn", "zero gradients: 3 of 100 images", "none"],
        ["transfer", "not run", "transfer: 3 of 100 images", "none"],
        ["budget", "pass", "budget: 3 of 100 images", "none"],
    ]
    assert [row[1].status for row in table.rows] == ["bad", "poor", "open", "good"]
    assert "Not run, and so no evidence: transfer." in words(strength.section(folder))


def test_a_failing_check_warns_on_top_of_the_answer(folder: Folder) -> None:
    first = answer.section(folder).blocks[0]
    assert isinstance(first, Paragraph)
    assert first.tone == "warning"
    assert "1 strength check fails (restarts)" in first.text


def test_what_was_not_measured_is_said_and_not_good(tmp_path: Path) -> None:
    bare = read(planted.build(tmp_path / "bare", repeats=1, levels=(8,), magnifications=(40,)))
    assert "strength of the attacks was not measured" in words(answer.section(bare))
    assert "must not be read as robustness" in words(strength.section(bare), "warning")
    assert not any(isinstance(block, Table) for block in strength.section(bare).blocks)


def test_passing_checks_leave_the_answer_without_a_warning(tmp_path: Path) -> None:
    made = planted.build(tmp_path / "sound", repeats=1, levels=(8,), magnifications=(40,))
    evidence.strength(made, {"budget": "pass"})
    assert "strength" not in words(answer.section(read(made)))


def test_curves_say_what_the_probes_reached(tmp_path: Path) -> None:
    made = planted.build(tmp_path / "probed", repeats=1, levels=(8,), magnifications=(40,))
    evidence.probes(made)
    folder = read(made)
    assert any(isinstance(block, Table) for block in strength.section(folder).blocks)
    figure = next(block for block in strength.section(folder).blocks if isinstance(block, Figure))
    alts = {picture.path: picture.alt for picture in figure.pictures}
    assert list(alts) == [f"figures/probe-{name}.png" for name in ("budget", "iterations", "restarts", "queries")]
    assert "eps): 2/255 20.0, 8/255 60.0, 255/255 100.0." in alts["figures/probe-budget.png"]
    assert "iterations: 10 60.0, 20 60.0, 40 60.0." in alts["figures/probe-iterations.png"]
    assert "1 2.5, 5 2.5, 10 5.0, 25 12.5, 50 25.0, 100 50.0, 200 50.0." in alts["figures/probe-queries.png"]
    assert all((folder.path / path).is_file() for path in alts)
