"""Generators trained directly, without a harness that keeps sides and checkpoints apart."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustgan.attacks._sides import check_classes, identity_of
from robustgan.attacks.advgan import AdvGAN
from robustgan.config import Plugin
from robustgan.errors import InputError
from robustgan.freezing import weights_digest
from robustgan.gan.recipe import Play
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from tests.attacks.planted import LINF, QUICK, planted, weak
from tests.attacks.test_dcgan import TINY

ADVGAN = AdvGAN.read({"threat": LINF, **QUICK, "epochs": 1, "width": 4})
BLACK_BOX = AdvGAN.read({"threat": LINF, **QUICK, "epochs": 1, "width": 4, "knowledge": "estimated", "queries": 200})
QUICKER = TINY.model_copy(update={"training": Play.read({"steps": 2, "batch": 8, "every": 1})})
RECIPES = {"advgan": ADVGAN, "estimated": BLACK_BOX, "dcgan": QUICKER}


def at(samples: Samples, *magnifications: int) -> Samples:
    """The same images, as if taken at these magnifications in turn, two at each."""
    given = [magnifications[i // 2 % len(magnifications)] for i in range(len(samples))]
    return Samples(samples.images, samples.labels, samples.rows.assign(magnification=given))


def of(samples: Samples, label: int) -> Samples:
    mask = samples.labels == label
    return Samples(samples.images[mask], samples.labels[mask], samples.rows[mask.numpy()].reset_index(drop=True))


TRAIN, VAL = at(planted(1, 32), 40, 100), at(planted(2, 16), 40, 100)


def fit(recipe: Any, folder: Path, train: Samples = TRAIN, val: Samples = VAL, victim: nn.Module | None = None) -> str:
    torch.manual_seed(0)
    state = State(recipe.build(), torch.Generator().manual_seed(0))
    recipe.fit(victim or weak(), train, val, state, Journal(folder))
    return weights_digest(state.network)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_images_of_one_class_are_refused(tmp_path: Path, recipe: Plugin) -> None:
    with pytest.raises(
        InputError, match="found 16 benign and 0 malignant training images, and both classes are needed"
    ):
        fit(recipe, tmp_path, train=of(TRAIN, 0))
    with pytest.raises(InputError, match=r"found 0 benign and 8 malignant validation images, .* choose another fold"):
        fit(recipe, tmp_path, val=of(VAL, 1))
    assert not list(tmp_path.iterdir())


def test_a_dcgan_needs_both_classes_at_each_magnification(tmp_path: Path) -> None:
    scale = TRAIN.rows["magnification"].where(TRAIN.rows["label"] == 1, 40)
    train = Samples(TRAIN.images, TRAIN.labels, TRAIN.rows.assign(magnification=scale))
    with pytest.raises(
        InputError, match=r"found 0 benign and 8 malignant training images at 100X, .* magnification out"
    ):
        fit(QUICKER, tmp_path, train=train)
    check_classes("advgan", train, "training")


@pytest.mark.parametrize("name", RECIPES)
def test_a_checkpoint_of_another_training_is_refused_and_its_own_taken(tmp_path: Path, name: str) -> None:
    recipe = RECIPES[name]
    first = fit(recipe, tmp_path)  # the checkpoint stays: only the harness removes it
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = at(planted(3, 32), 40, 100)
    field = "lr" if name != "dcgan" else "latent"
    changed = recipe.model_copy(update={field: 5})
    for given in ({"train": other}, {"val": at(planted(4, 16), 40, 100)}, {"recipe": changed}):
        with pytest.raises(InputError, match=r"checkpoint\.pt: found the checkpoint of a training on other images"):
            fit(**{"recipe": recipe, "folder": tmp_path, **given})  # type: ignore[arg-type]
    if name != "dcgan":
        with pytest.raises(InputError, match="another classifier"):
            fit(recipe, tmp_path, victim=weak(-weak().weight.detach()))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert fit(recipe, tmp_path) == first


def test_the_identity_knows_labels_sizes_and_sides_but_no_device() -> None:
    flipped = Samples(TRAIN.images, 1 - TRAIN.labels, TRAIN.rows)
    smaller = Samples(TRAIN.images[..., :8], TRAIN.labels, TRAIN.rows)
    sides = [(TRAIN, VAL), (VAL, TRAIN), (flipped, VAL), (smaller, VAL)]
    found = {identity_of({"a": 1}, both) for both in sides} | {identity_of({"a": 2}, sides[0])}
    assert len(found) == 5
    assert identity_of({"a": 1}, sides[0]) in found
