"""Checklists: what takes a person is never ticked, and what was not measured is not reported."""

import dataclasses
import re
from pathlib import Path

import pytest

from robustgan import tables
from robustgan.report.crosswalk import CROSSWALKS, EVIDENCE, MANUAL
from robustgan.report.document import Paragraph, Section, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import crosswalks

from . import evidence, planted

ANCHORS = {item.where for items in CROSSWALKS.values() for item in items} - {MANUAL}
OTHERS = [Section(anchor, anchor.upper(), ()) for anchor in sorted(ANCHORS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("cross") / "planted"
    planted.build(path, repeats=1, levels=(8,), magnifications=(40,))
    evidence.probes(path)
    return read(path)


def states(folder: Folder) -> dict[str, str]:
    section = crosswalks.section(folder, OTHERS)
    found = [block for block in section.blocks if isinstance(block, Table)]
    assert len(found) == len(CROSSWALKS)
    return {row[0].text: row[1].text for table in found for row in table.rows}


def test_manual_items_are_manual_whatever_was_measured(folder: Folder) -> None:
    found = states(folder)
    manual = {item.text for items in CROSSWALKS.values() for item in items if item.where == MANUAL}
    assert len(manual) >= 15
    assert {found[text] for text in manual} == {MANUAL}
    assert {text for text, state in found.items() if state == MANUAL} == manual


def test_an_item_is_reported_only_with_its_evidence(folder: Folder) -> None:
    with_probes = states(folder)
    assert with_probes["More iterations change nothing"] == "reported"
    bare = dataclasses.replace(folder, probes=tables.empty(tables.PROBES), strength=tables.empty(tables.STRENGTH))
    without = states(bare)
    for text in ("More iterations change nothing", "An iterative attack is no weaker than one step"):
        assert without[text] == "not in this run"
    assert with_probes["Calibration, in numbers and as a curve"] == "reported"
    assert with_probes["Limits against a policy that somebody answers for"] == "not in this run"


def test_a_section_that_is_not_there_is_not_pointed_to(folder: Folder) -> None:
    section = crosswalks.section(folder, ())
    tables_ = [block for block in section.blocks if isinstance(block, Table)]
    assert all(row[1].text != "reported" for table in tables_ for row in table.rows)


def test_every_item_needs_something_known_and_no_compliance_is_claimed(folder: Folder) -> None:
    assert {item.needs for items in CROSSWALKS.values() for item in items} <= set(EVIDENCE)
    words = " ".join(b.text for b in crosswalks.section(folder, OTHERS).blocks if isinstance(b, Paragraph))
    assert "no claim of compliance" in words


def test_every_anchor_is_a_section_of_a_report() -> None:
    code = "".join(path.read_text("utf-8") for path in Path(crosswalks.__file__).parent.glob("*.py"))
    assert set(ANCHORS) <= set(re.findall(r'Section\(\s*"(\w+)"', code))
