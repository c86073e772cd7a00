"""The verdict: as good as its worst gate, and none without a policy."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from robustgan import tables
from robustgan.report.document import Link, Paragraph, Section, Table, Tiles
from robustgan.report.folder import Folder, read
from robustgan.report.sections import standing, verdict
from robustgan.strength import REQUIRED

from . import evidence, planted


def gate(name: str, status: str, **changes: Any) -> dict[str, Any]:
    """A row as `robustgan.gates` makes it."""
    return {
        "gate": name, "kind": "clean", "model": "", "scope": "pooled", "status": status, "observed": 0.9,
        "low": 0.8, "high": 0.95, "limit": 0.85, "bound": "low", "images": 100, "groups": 20, "reason": "",
        "robustness": False, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("verdict") / "planted"
    return read(planted.build(path, repeats=1, levels=(8,), magnifications=(40,), policy=evidence.policy()))


def said(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def test_without_a_policy_there_is_no_verdict_and_it_is_said(folder: Folder) -> None:
    bare = dataclasses.replace(folder, run={**folder.run, "policy": None})
    section = verdict.section(bare, [gate("a", "pass")])
    assert "No policy was given" in said(section)
    assert isinstance(section.blocks[0], Tiles)
    found = [(tile.value, tile.detail, tile.status) for tile in section.blocks[0].tiles]
    assert found == [("none", "no policy was given", "open"), ("not measured", "no strength checks", "open")]
    assert not any(isinstance(block, Table) for block in section.blocks)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [(["pass", "pass"], "pass"), (["pass", "fail", "indeterminate"], "fail"),
     (["pass", "indeterminate"], "indeterminate"), (["pass", "incomplete"], "incomplete"),
     (["pass", "something new"], "indeterminate"), ([], "indeterminate")],
)  # fmt: skip
def test_the_verdict_is_as_good_as_its_worst_gate(folder: Folder, statuses: list[str], expected: str) -> None:
    rows = [gate(f"gate-{i}", status) for i, status in enumerate(statuses)]
    assert verdict.outcome(rows) == expected
    tiles = verdict.section(folder, rows).blocks[0]
    assert isinstance(tiles, Tiles)
    assert tiles.tiles[0].value == expected.upper()
    assert (tiles.tiles[0].status == "good") == (expected == "pass")


def test_a_row_shows_its_numbers_what_decides_and_why_worst_first(folder: Folder) -> None:
    rows = [
        gate("clean-sensitivity", "pass"),
        gate("robust", "indeterminate", robustness=True, reason="a strength check failed: restarts"),
        gate("groups", "fail", observed=12, low=math.nan, high=math.nan, limit=20, bound="exact", images=0),
    ]
    section = verdict.section(folder, rows)
    table = next(block for block in section.blocks if isinstance(block, Table))
    shown = [[cell.text for cell in row] for row in table.rows]
    assert shown == [
        ["groups", "", "pooled", "fail", "12", "20", "exact", "", "20", ""],
        ["robust (robustness)", "", "pooled", "indeterminate", "90.0 (80.0 to 95.0) %", "85.0 %", "low", "100", "20",
         "a strength check failed: restarts"],
        ["clean-sensitivity", "", "pooled", "pass", "90.0 (80.0 to 95.0) %", "85.0 %", "low", "100", "20", ""],
    ]  # fmt: skip
    assert "Fail: groups (pooled)." in said(section)
    assert "indeterminate where a strength check failed or was not run" in said(section), "none was run"


def test_what_it_is_not_is_always_said(folder: Folder) -> None:
    for rows in ([], [gate("a", "pass")]):
        words = said(verdict.section(folder, rows))
        assert "not a clearance" in words
        assert "no compliance claim" in words
        assert "PGD up to 8/255" in words
        assert "28 test images of 28 patients" in words


def test_strong_attacks_are_not_blamed_where_another_reason_left_a_gate_open(folder: Folder) -> None:
    rows = [gate("robust", "indeterminate", robustness=True, model="densenet", reason="too few patients")]
    passed = dict.fromkeys(REQUIRED, "pass")
    for checks, blamed in ((passed, False), ({**passed, "restarts": "fail"}, True), ({"restarts": "pass"}, True)):
        words = said(verdict.section(checked(folder, checks), rows))
        assert ("where a strength check failed" in words) == blamed
    assert "where a strength check failed" not in said(verdict.section(checked(folder, {}), [gate("a", "pass")]))
    other = [{**rows[0], "model": "another"}]
    assert "where a strength check failed" not in said(verdict.section(checked(folder, {}), other))


def test_the_strength_of_the_attacks_stands_beside_the_verdict(folder: Folder) -> None:
    checks = {**dict.fromkeys(REQUIRED, "pass"), "restarts": "fail", "survival": "warn", "own attacks": "not run"}
    section = verdict.section(checked(folder, checks), [gate("a", "pass")])
    tiles = section.blocks[0]
    assert isinstance(tiles, Tiles)
    tile = tiles.tiles[-1]
    assert tile.label == "Strength of the attacks on densenet"
    assert (tile.value, tile.status) == ("in doubt", "bad")
    assert tile.detail == f"strength checks: 1 fail, 1 warn, 1 not run, {len(REQUIRED) - 1} pass"
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["densenet", "restarts", "fail", "restarts: 3 of 100 images", "0.03", "0.02", "100"],
        ["densenet", "survival", "warn", "survival: 3 of 100 images", "0.03", "0.02", "100"],
    ]
    assert [block.anchor for block in section.blocks if isinstance(block, Link)] == ["strength"]


@pytest.mark.parametrize(("more", "status"), [({}, "good"), ({"survival": "warn"}, "poor")])
def test_strength_that_was_shown_is_marked_so(folder: Folder, more: dict[str, str], status: str) -> None:
    (tile,) = standing.tiles(checked(folder, {**dict.fromkeys(REQUIRED, "pass"), **more}))
    assert (tile.value, tile.status) == ("shown", status)


def test_the_link_leads_to_the_section_in_both_formats(rendered: Path) -> None:
    assert '<p><a href="#strength">All strength checks' in (rendered / "report.html").read_text("utf-8")
    text = (rendered / "report.md").read_text("utf-8")
    assert "[All strength checks, with curves](#evidence-that-the-attack-is-strong)" in text
    assert "## Evidence that the attack is strong" in text


def checked(folder: Folder, checks: dict[str, str]) -> Folder:
    """The folder with these strength checks."""
    rows = [
        {"model": "densenet", "check": name, "status": status, "found": f"{name}: 3 of 100 images", "expected": "",
         "value": 0.03, "limit": 0.02, "images": 100}
        for name, status in checks.items()
    ]  # fmt: skip
    strength = tables.check(pd.DataFrame(rows), tables.STRENGTH) if rows else tables.empty(tables.STRENGTH)
    return dataclasses.replace(folder, strength=strength)
