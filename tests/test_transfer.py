"""Transfer: the same images, judged by another classifier; a closed form on linear models; planned and run."""

from pathlib import Path

import torch
from torch import nn

from robustgan import evaluation, tables
from robustgan.attacks.fgsm import FGSM
from robustgan.config import read_yaml
from robustgan.experiment import Experiment, experiment
from robustgan.interfaces import Linf
from robustgan.journal import silent
from robustgan.pipeline import run
from robustgan.stage import Place
from robustgan.stages import stages
from robustgan.transfer import judge
from tests.conftest import samples_of

SMOKE = Path(__file__).parents[1] / "configs" / "smoke.yaml"
EPS = 8 / 255


def linear(weight: torch.Tensor) -> nn.Sequential:
    """A model whose margin (malignant over benign) is weight . (x - 0.5)."""
    layer = nn.Linear(weight.numel(), 2)
    layer.weight.data = torch.stack([torch.zeros_like(weight.flatten()), weight.flatten()])
    layer.bias.data = torch.stack([torch.zeros(()), -0.5 * weight.sum()])
    return nn.Sequential(nn.Flatten(), layer).eval()


def test_images_move_the_margin_of_another_linear_model_by_the_agreement_of_signs() -> None:
    rng = torch.Generator().manual_seed(0)
    made, judging = (torch.randn(3, 8, 8, generator=rng) for _ in range(2))
    judging = judging + 0.5 * made
    images = torch.randint(64, 192, (40, 3, 8, 8), generator=rng).to(torch.uint8)
    labels = (linear(judging)(images.float() / 255).argmax(1)).long()
    samples, attack = samples_of(images, labels), FGSM(threat=Linf(eps=EPS))
    with evaluation.ready(attack, linear(made), nn.Identity(), samples, 0, 16) as duel:
        rows = judge(duel, linear(judging), samples, silent)
    margins = torch.logit(torch.tensor(rows["score"].to_numpy()))
    before = torch.logit(torch.tensor(rows["clean_score"].to_numpy()))
    side = 1 - 2 * labels.double()  # towards the wrong class
    shift = EPS * (made.sign() * judging).sum()
    torch.testing.assert_close(margins - before, side * shift, atol=2e-3, rtol=1e-3)
    assert (rows["clean_pred"] == labels.numpy()).all()


def test_judged_by_its_own_source_it_is_the_attack_itself() -> None:
    rng = torch.Generator().manual_seed(1)
    model = linear(torch.randn(3, 8, 8, generator=rng))
    images = torch.randint(0, 256, (10, 3, 8, 8), generator=rng).to(torch.uint8)
    samples, attack = samples_of(images, torch.arange(10) % 2), FGSM(threat=Linf(eps=EPS))
    own, _ = evaluation.judge(attack, model, nn.Identity(), samples, 0, 4)
    with evaluation.ready(attack, model, nn.Identity(), samples, 0, 4) as duel:
        again = judge(duel, model, samples, silent)
    assert again.equals(own.drop(columns="float_pred"))


def plan(transfer: bool) -> Experiment:
    settings = read_yaml(SMOKE)
    small = {"kind": "vit", "width": 12, "depth": 1, "heads": 2}
    models = [
        {**settings["models"][0], "training": {"epochs": 1}},
        {"name": "vit", "model": small, "training": {"epochs": 1}},
    ]
    attacks = [{"kind": "clean"}, *({"kind": k, "threat": {"norm": "linf", "eps": EPS}} for k in ("noise", "fgsm"))]
    return experiment({**settings, "models": models, "attacks": attacks, "oracles": [], "transfer": transfer})


def test_every_pair_is_planned_after_what_it_needs(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    found = stages(plan(True), place)
    moved = [stage for stage in found if stage.kind == "transferred"]
    names = [f"transfer fgsm linf 8/255 on {a}, fold 1, to {b}" for a, b in (("densenet", "vit"), ("vit", "densenet"))]
    assert [stage.name for stage in moved] == names
    seen: set[str] = set()
    for stage in found:
        assert all(need.key in seen for need in stage.needs.values())
        seen.add(stage.key)
    assert {s.key for s in stages(plan(False), place)} == {s.key for s in found if s.kind != "transferred"}


def test_a_generator_that_asked_nobody_is_shown_to_others_too(tmp_path: Path) -> None:
    advgan = {"kind": "advgan", "knowledge": "transfer", "threat": {"norm": "linf", "eps": EPS}}
    settings = {**plan(True).settings(), "attacks": [{"kind": "clean"}, advgan]}
    moved = [stage for stage in stages(experiment(settings), Place(tmp_path, tmp_path)) if stage.kind == "transferred"]
    assert len(moved) == 2
    assert all("generator" in stage.needs for stage in moved)


def test_the_report_has_the_matrix(tmp_path: Path) -> None:
    folder, failures = run(plan(True), Place(tmp_path, tmp_path), "planned", lambda stage, cached: silent)
    assert not failures
    rows = tables.read(folder / "predictions.parquet", tables.PREDICTIONS)
    pairs = rows[rows["attack"] == "fgsm"].groupby(["source", "model"]).size()
    assert pairs.nunique() == 1
    assert len(pairs) == 4
    assert "made against one classifier" in (folder / "report.md").read_text("utf-8")
