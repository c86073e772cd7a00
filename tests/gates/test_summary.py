"""The verdict as a comment."""

from dataclasses import replace

import pytest

from robustgan.gates import Run, summary
from tests.gates import cases


def test_short_and_worst_first(broken: Run) -> None:
    text = summary.text(cases.verdict(broken, kind="sensitivity_drop", limit=0.1, bound="high"))
    lines = text.splitlines()
    assert lines[0] == "## ❌ robustgan: fail"
    assert "3 fail, 1 pass" in lines[2]
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| ❌", "| ✅"))][:2] == [
        "| ❌ fail",
        "| ✅ pass",
    ]
    assert "<details><summary>All 4 results</summary>" in text
    assert text.count("\n| ❌ fail") == 4  # once in the table of gates, three times among all


@pytest.mark.parametrize(("count", "gates"), [(4, 1), (900, 1), (600, 600), (3, 3)])
@pytest.mark.parametrize("words", ["because", cases.HOSTILE * 40, "&" * 5000, "❌" * 5000])
def test_it_fits_a_comment(count: int, gates: int, words: str) -> None:
    rows = cases.rows(count, reason=words, model=words)
    named = tuple(replace(row, gate=f"gate-{i % gates}") for i, row in enumerate(rows))
    text = summary.text(cases.of_rows(named))
    assert len(text) < 65_536
    assert len(text.encode()) < 65_536
    assert text.count("<details>") == text.count("</details>") == 1
    assert ("more lines are in the JSON verdict" in text) == (count > 100)


def test_every_line_of_a_table_has_its_cells() -> None:
    text = summary.text(cases.of_rows(cases.rows(8, reason=cases.HOSTILE, model=cases.HOSTILE)))
    lines = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 1 + 2 + 8
    assert {line.count("|") for line in lines} == {7}


def test_hostile_words_stay_words() -> None:
    text = summary.text(cases.of_rows(cases.rows(4, reason=cases.HOSTILE, model=cases.HOSTILE)))
    for markup in ("<script", "@team", "[a](b)", "\x00", "\u202e"):
        assert markup not in text


def test_no_claim_of_compliance(robust: Run) -> None:
    assert "no claim of compliance" in summary.text(cases.verdict(robust, kind="leak_free"))
