"""What a report is made from: no two trainings are taken for one."""

import json
from pathlib import Path
from typing import Any

from robustgan import evidence


def stage(folder: Path, key: str, called: str, inputs: dict[str, str], **settings: Any) -> Path:
    path = folder / key
    path.mkdir(parents=True)
    record = {"name": called, "inputs": inputs, "settings": {"fold": 1, "attack_seed": 0, **settings}}
    (path / "run.json").write_text(json.dumps(record))
    (path / "stats.jsonl").write_text("".join(f'{{"epoch": {e}, "val_success": 0.{e}}}\n' for e in (1, 2)))
    (path / "checks.json").write_text(json.dumps({"of": key}))
    return path


def test_the_same_attack_on_two_classifiers_and_seeds_keeps_its_curves_and_checks_apart(tmp_path: Path) -> None:
    made = [
        stage(tmp_path, f"{victim}{seed}", f"train advgan linf 8/255 on {victim}, fold 1", {"classifier": victim},
              name="advgan", attack_seed=seed)
        for victim in ("densenet", "vit")
        for seed in (0, 1)
    ]  # fmt: skip
    curves = evidence._curves({"generator": made})
    assert not curves.duplicated(["network", "fold", "step", "name"]).any()
    assert curves["network"].nunique() == 4
    found = evidence._of_generators({"generator": made}, "checks.json")
    assert found["advgan linf 8/255 on vit, seed 1, fold 1"] == {"of": "vit1"}
    assert len(found) == 4


def test_a_generator_that_knows_no_classifier_is_not_named_after_one(tmp_path: Path) -> None:
    made = stage(tmp_path, "g", "train dcgan on densenet, fold 1", {"pixels": "p"}, name="dcgan")
    assert evidence._names({"generator": [made]}) == {made: "dcgan"}


def test_pictures_of_two_victims_and_seeds_do_not_overwrite_each_other(tmp_path: Path) -> None:
    made = [
        stage(tmp_path, f"{victim}{seed}{fold}", f"attack dcgan on {victim}, fold {fold}", {"classifier": victim},
              attack={"kind": "dcgan", "name": ""}, attack_seed=seed, fold=fold)
        for victim in ("densenet", "vit")
        for seed in (0, 1)
        for fold in (1, 2)
    ]  # fmt: skip
    for path in made:
        for stem in ("fooling", "walk"):
            (path / f"{stem}.png").write_bytes(path.name.encode())
    evidence._sheets({"forged": made}, tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 16
    assert (tmp_path / "dcgan on vit, seed 1-fold2-walk.png").read_bytes() == b"vit12"


def test_pictures_of_one_generator_are_named_by_the_attack_alone(tmp_path: Path) -> None:
    trained = stage(tmp_path, "g", "train mine on densenet, fold 1", {"pixels": "p"}, name="mine")
    judged = stage(tmp_path, "f", "attack mine on densenet, fold 1", {"classifier": "c"})
    for path, stem in ((trained, "sheet"), (trained, "progress"), (judged, "fooling")):
        (path / f"{stem}.png").write_bytes(b"")
    evidence._sheets({"generator": [trained], "forged": [judged]}, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "mine-fold1-fooling.png", "mine-fold1-progress.png", "mine-fold1-sheet.png",
    ]  # fmt: skip
