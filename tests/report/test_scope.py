"""The threat table: short enough to be read, and nothing is hidden."""

from pathlib import Path

from robustgan.report import mitigations, techniques
from robustgan.report.document import Table
from robustgan.report.folder import read
from robustgan.report.sections import scope

from . import planted

ADVGAN = {
    "kind": "advgan", "name": "", "epochs": 20, "kappa": 5.0, "goal": "hide", "knowledge": "white-box",
    "surrogate": {"epochs": 15, "lr": 0.003}, "queries": 100_000,
}  # fmt: skip


def threats(path: Path, attacks: list[dict[str, object]], **more: object) -> tuple[Table, Table]:
    folder = read(planted.build(path, levels=(8,), config=planted.config(attacks=attacks), **more))
    _, short, *_, whole = scope.threats(folder).blocks
    assert isinstance(short, Table)
    assert isinstance(whole, Table)
    return short, whole


def test_only_settings_that_define_or_differ_are_shown_and_the_rest_is_folded(tmp_path: Path) -> None:
    attacks = [{**ADVGAN, "threat": {"norm": "linf", "eps": e / 255}} for e in (2, 8)]
    changed = [{"threat": {"eps": 0.1}, "goal": "hide", "surrogate": {"lr": 0.003}}] * 2
    short, whole = threats(tmp_path / "new", attacks, changed=changed)
    assert [cell.text for cell in short.rows[0]][1:] == [
        "2/255 and 8/255", scope.KNOWS["advgan"], "1", "0", "goal=hide, knowledge=white-box, surrogate={lr=0.003}"
    ]  # fmt: skip
    assert whole.folded
    assert "kappa=5" in whole.rows[0][1].text
    assert "surrogate={epochs=15, lr=0.003}" in whole.rows[0][1].text
    assert len(short.rows) == len(whole.rows) == 1


def test_a_report_of_an_older_run_shows_what_defines_the_attack(tmp_path: Path) -> None:
    short, _ = threats(tmp_path / "old", [{**ADVGAN, "threat": {"norm": "linf", "eps": 8 / 255}}])
    assert short.rows[0][-1].text == "goal=hide, knowledge=white-box"


def test_a_black_box_is_not_said_to_need_weights(tmp_path: Path) -> None:
    attacks = [{**ADVGAN, "knowledge": "dynamic", "threat": {"norm": "linf", "eps": 8 / 255}}]
    short, _ = threats(tmp_path / "black", attacks)
    assert short.rows[0][2].text.startswith("answers of the classifier, 100,000 images at most")


def catalogued(path: Path, attacks: list[dict[str, object]]) -> tuple[str, dict[str, list[str]]]:
    """The caption of the table of techniques, and its rows by attack."""
    folder = read(planted.build(path, levels=(8,), config=planted.config(attacks=attacks)))
    table = scope.threats(folder).blocks[2]
    assert isinstance(table, Table)
    return table.caption, {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def test_every_attack_has_its_technique_and_class_and_the_versions_are_printed(tmp_path: Path) -> None:
    threat = {"norm": "linf", "eps": 8 / 255}
    kinds = [{"kind": kind, "threat": threat} for kind in ("noise", "pgd", "square", "advgan", "dcgan", "mine")]
    arts = [{"kind": "art", "method": name, "threat": threat} for name in ("HopSkipJump", "DeepFool")]
    black = [{**ADVGAN, "name": name, "knowledge": name, "threat": threat} for name in ("dynamic", "transfer")]
    caption, rows = catalogued(tmp_path / "all", [*kinds, *arts, *black])
    assert "MITRE ATLAS 5.6.0" in caption
    assert "NIST AI 100-2e2025" in caption
    assert "AML.T0043.001 Black-Box Optimization" in caption
    ids = {name: cells[3] for name, cells in rows.items()}
    assert ids == {
        "Noise": "none", "PGD": "AML.T0043.000, AML.T0044", "Square": "AML.T0043.001, AML.T0040",
        "AdvGAN": "AML.T0043.000, AML.T0044", "DCGAN": "AML.T0043", "mine": "none",
        "ART Hop Skip Jump": "AML.T0043.001, AML.T0040", "ART Deep Fool": "AML.T0043.000, AML.T0044",
        "dynamic": "AML.T0005.001, AML.T0043.002, AML.T0040", "transfer": "AML.T0005.000, AML.T0043.002",
    }  # fmt: skip
    assert rows["mine"][-1] == "not mapped"
    assert rows["Square"][-1].startswith("Black-box evasion (NISTAML.025)")
    assert rows["dynamic"][0] == "missed cancers: malignant is called benign"
    assert "unrestricted" in rows["DCGAN"][-1]


def test_mitigations_are_those_that_the_catalogue_lists_against_what_is_used(tmp_path: Path) -> None:
    threat = {"norm": "linf", "eps": 8 / 255}

    def listed(place: str, kind: str) -> dict[str, str]:
        config = planted.config(attacks=[{"kind": kind, "threat": threat}])
        blocks = scope.threats(read(planted.build(tmp_path / place, levels=(8,), config=config))).blocks
        tables = [block for block in blocks if isinstance(block, Table) and block.caption.startswith("Mitigations")]
        return {row[0].text: row[2].text for table in tables for row in table.rows}

    assert listed("white", "pgd") == {
        "AML.M0003": "AML.T0043.000", "AML.M0005": "AML.T0043.000, AML.T0044", "AML.M0006": "AML.T0043.000",
        "AML.M0010": "AML.T0043.000", "AML.M0015": "AML.T0043.000", "AML.M0017": "AML.T0043.000, AML.T0044",
    }  # fmt: skip
    assert "AML.M0004" in listed("black", "square")
    assert listed("control", "noise") == {}


def test_the_catalogue_of_mitigations_names_known_techniques_once() -> None:
    assert {key for one in mitigations.CATALOGUE for key in one.against} == set(techniques.NAMES)
    assert len({one.id for one in mitigations.CATALOGUE}) == len(mitigations.CATALOGUE)
