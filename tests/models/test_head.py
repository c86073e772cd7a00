"""Heads: what each output stands for, against the softmax and the sigmoid by hand."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustgan import weights
from robustgan.config import plugin
from robustgan.errors import InputError
from robustgan.models._head import Head
from robustgan.models._headed import Headed

EIGHT = ["benign"] * 4 + ["malignant"] * 4
SIDES = st.lists(st.sampled_from(["benign", "malignant"]), min_size=2, max_size=9).filter(lambda s: len(set(s)) == 2)


class Fixed(nn.Module):
    """Gives the same outputs whatever it sees."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: torch.Tensor) -> Any:
        return self.outputs


def malignant(given: torch.Tensor, **head: Any) -> torch.Tensor:
    """P(malignant) behind a head."""
    logits = Headed(Fixed(given), Head.read(head))(torch.zeros(len(given), 3, 4, 4))
    found: torch.Tensor = logits.softmax(1)[:, 1]
    return found


@given(SIDES, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_many_classes_collapse_to_the_sum_of_their_softmax(classes: list[str], seed: int) -> None:
    z = torch.randn(5, len(classes), generator=torch.Generator().manual_seed(seed)) * 4
    wanted = z.softmax(1)[:, [side == "malignant" for side in classes]].sum(1)
    torch.testing.assert_close(malignant(z, classes=classes), wanted)
    torch.testing.assert_close(malignant(z.softmax(1), classes=classes, outputs="probabilities"), wanted)


def test_one_logit_is_a_sigmoid() -> None:
    z = torch.linspace(-30, 30, 13)
    torch.testing.assert_close(malignant(z[:, None], classes=["malignant"]), z.sigmoid())
    torch.testing.assert_close(malignant(z, classes=["benign"]), (-z).sigmoid())
    torch.testing.assert_close(malignant(z.sigmoid(), classes=["malignant"], outputs="probabilities"), z.sigmoid())
    torch.testing.assert_close(malignant(z.sigmoid(), classes=["benign"], outputs="probabilities"), 1 - z.sigmoid())


def test_one_logit_is_split_evenly() -> None:
    head = Headed(nn.Identity(), Head.read({"classes": ["malignant"]}))
    assert head.adapt(torch.tensor([[3.0], [-1.0]])).tolist() == [[-1.5, 1.5], [0.5, -0.5]]


def test_reversed_order_swaps_the_sides() -> None:
    z = torch.randn(6, 2)
    torch.testing.assert_close(malignant(z, classes=["malignant", "benign"]), z.softmax(1)[:, 0])


@pytest.mark.parametrize("classes", [["malignant"], ["malignant", "benign"], EIGHT])
@pytest.mark.parametrize("outputs", ["logits", "probabilities"])
def test_gradients_are_those_of_the_probability(classes: list[str], outputs: str) -> None:
    many = len(classes) > 1
    z = torch.randn(4, len(classes), dtype=torch.float64).requires_grad_()
    given = z if outputs == "logits" else (z.softmax(1) if many else z.sigmoid())
    mask = [side == "malignant" for side in classes]
    wanted = z.softmax(1)[:, mask].sum(1) if many else z.sigmoid()[:, 0]
    found = torch.autograd.grad(malignant(given, classes=classes, outputs=outputs).sum(), z)[0]
    torch.testing.assert_close(found, torch.autograd.grad(wanted.sum(), z)[0], atol=1e-5, rtol=1e-4)


def test_a_probability_of_exactly_one_stays_finite() -> None:
    logits = Headed(Fixed(torch.tensor([[0.0, 1.0]])), Head(outputs="probabilities"))(torch.zeros(1, 3, 4, 4))
    assert torch.isfinite(logits).all()
    assert logits.softmax(1)[0, 1] == 1


@pytest.mark.parametrize(
    ("outputs", "classes", "found"),
    [
        (torch.zeros(3, 2), ["malignant"], r"gives 2 outputs an image; the settings say one output \(malignant\)"),
        (torch.zeros(3, 1), ["malignant", "benign"], r"gives 1 outputs an image; the settings say 2 outputs"),
        (torch.zeros(3, 1000), EIGHT, r"gives 1000 outputs an image"),
        (torch.zeros(3), EIGHT, r"outputs of shape \(3,\) for 3 images"),
        (torch.zeros(3, 8, 7, 7), EIGHT, r"outputs of shape \(3, 8, 7, 7\)"),
        ({"logits": torch.zeros(3, 8)}, EIGHT, r"gives a dict, no tensor"),
    ],
)
def test_outputs_of_another_shape_are_refused_with_what_was_found(outputs: Any, classes: list[str], found: str) -> None:
    with pytest.raises(InputError, match=f"{found}.*Set `head.classes`"):
        Headed(Fixed(outputs), Head.read({"classes": classes}))(torch.zeros(3, 3, 4, 4))


@pytest.mark.parametrize("classes", [[], ["benign", "benign"], ["benign", "cancer"]])
def test_a_map_must_name_both_sides(classes: list[str]) -> None:
    with pytest.raises(InputError, match="classes"):
        Head.read({"classes": classes})


@pytest.mark.parametrize("classes", [["malignant"], ["malignant", "benign"], EIGHT])
def test_a_checkpoint_with_another_head(tmp_path: Path, classes: list[str]) -> None:
    torch.manual_seed(2)
    network = timm.create_model("resnet10t", num_classes=len(classes)).eval()
    weights.save(network, tmp_path / "mine.safetensors")
    told = {"kind": "checkpoint", "architecture": "resnet10t", "weights": str(tmp_path / "mine.safetensors")}
    made = plugin("models", {**told, "mean": [0, 0, 0], "std": [1, 1, 1], "head": {"classes": classes}})
    x = torch.rand(3, 3, 32, 32)
    found = made.build()(x).softmax(1)[:, 1]
    torch.testing.assert_close(found, malignant(network(x), classes=classes))
    weights.save(made.build(), tmp_path / "kept.safetensors")  # as the run keeps it
    again = made.skeleton().eval()
    weights.load(again, tmp_path / "kept.safetensors")
    assert torch.equal(again(x).softmax(1)[:, 1], found)
    whole = made.model_copy(update={"weights": tmp_path / "kept.safetensors"}).build()  # a file that robustgan wrote
    assert torch.equal(whole(x).softmax(1)[:, 1], found)


def test_a_checkpoint_with_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    weights.save(timm.create_model("resnet10t", num_classes=8), tmp_path / "eight.safetensors")
    told = {"kind": "checkpoint", "architecture": "resnet10t", "weights": str(tmp_path / "eight.safetensors")}
    with pytest.raises(InputError, match=r"one output \(malignant\).*fc.weight \(8, 512\) instead of \(1, 512\)"):
        plugin("models", {**told, "head": {"classes": ["malignant"]}}).build()
