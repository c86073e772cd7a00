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
