"""The verdict: as good as its worst gate, and none without a policy."""

import dataclasses
import math
from typing import Any

import pytest

from robustgan.report.document import Paragraph, Section, Table, Tiles
from robustgan.report.folder import Folder, read
from robustgan.report.sections import verdict

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
    assert [(tile.value, tile.status) for tile in section.blocks[0].tiles] == [("none", "open")]
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
    assert "indeterminate where a strength check failed" in said(section)


def test_what_it_is_not_is_always_said(folder: Folder) -> None:
    for rows in ([], [gate("a", "pass")]):
        words = said(verdict.section(folder, rows))
        assert "not a clearance" in words
        assert "no compliance claim" in words
        assert "PGD up to 8/255" in words
        assert "28 test images of 28 patients" in words
