"""The threat table: short enough to be read, and nothing is hidden."""

from pathlib import Path

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
    _, short, whole = scope.threats(folder).blocks
    assert isinstance(short, Table)
    assert isinstance(whole, Table)
    return short, whole


def test_only_settings_that_define_or_differ_are_shown_and_the_rest_is_folded(tmp_path: Path) -> None:
    attacks = [{**ADVGAN, "threat": {"norm": "linf", "eps": e / 255}} for e in (2, 8)]
    changed = [{"threat": {"eps": 0.1}, "goal": "hide", "surrogate": {"lr": 0.003}}] * 2
    short, whole = threats(tmp_path / "new", attacks, changed=changed)
    assert [cell.text for cell in short.rows[0]][1:] == [
        "2/255 and 8/255", scope.KNOWS["advgan"], "1", "goal=hide, knowledge=white-box, surrogate={lr=0.003}"
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
