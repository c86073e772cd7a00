"""What the headline, the scope and the data card say of patients that a classifier may know from training."""

from pathlib import Path

import pytest

from robustgan.report import markdown
from robustgan.report.folder import read
from robustgan.report.render import compose

from . import evidence, planted

BROUGHT = {"kind": "checkpoint", "architecture": "resnet18", "weights": "net.safetensors"}


def text(path: Path, model: dict[str, object]) -> str:
    config = planted.config(models=[{"name": "densenet", "model": model}])
    folder = planted.build(path, 10, 1, levels=(8,), magnifications=(40,), config=config, policy=evidence.policy())
    return markdown.text(compose(read(folder)))


@pytest.mark.parametrize("model", [BROUGHT, {"kind": "densenet", "weights": "start.safetensors"}])
def test_of_a_model_that_learned_elsewhere_nothing_is_claimed(tmp_path: Path, model: dict[str, object]) -> None:
    said = text(tmp_path / "brought", model)
    assert "that it never saw in training" not in said
    assert "none of them seen in training" not in said
    assert "unknown whether they were seen in training" in said
    assert "What it was trained on is unknown. densenet" in said
    top = said.split("## What was tested")[0]
    assert "that it never saw these patients is a claim of whoever brought it" in top


def test_of_a_model_that_was_trained_here_it_is_said(tmp_path: Path) -> None:
    said = text(tmp_path / "trained", {"kind": "densenet", "growth_rate": 12})
    assert "that it never saw in training, densenet reaches" in said
    assert "none of them seen in training" in said
    assert "What it was trained on is unknown" not in said
