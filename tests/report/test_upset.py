"""A generator above a gradient attack: only where the lead is more than noise, and on the images of its goal."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from robustgan.report import cases
from robustgan.report.document import Paragraph
from robustgan.report.folder import Folder, read
from robustgan.report.sections import upset

from . import planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """40 patients of 4 images each, half of them malignant."""
    path = tmp_path_factory.mktemp("upset") / "one"
    return read(planted.build(path, patients=20, repeats=4, right=1.0, levels=(8,), magnifications=(40,)))


def planned(folder: Folder, turned: dict[str, list[int]], goal: str = "any", **renamed: str) -> Folder:
    """Each attack turns the first so many malignant and so many benign images of every four, patient by patient."""
    rows = folder.predictions
    clean = rows[rows["attack"] == "clean"].sort_values(["label", "group", "image_id"])
    parts = [clean]
    for attack, (malignant, benign) in turned.items():
        some = np.where(clean["label"] == 1, malignant, benign)
        pred = np.where(np.arange(len(clean)) % 80 < some, 1 - clean["label"], clean["label"])
        parts.append(clean.assign(attack=attack, norm="linf", eps=8 / 255, pred=pred))
    kinds = {name: name for name in turned} | renamed
    attacks: list[dict[str, Any]] = [{"kind": kind, "name": name} for name, kind in kinds.items()]
    attacks = [{**entry, "goal": goal} if entry["kind"] == "advgan" else entry for entry in attacks]
    run = {**folder.run, "config": planted.config(attacks=[{"kind": "clean", "name": ""}, *attacks])}
    return dataclasses.replace(folder, predictions=pd.concat(parts, ignore_index=True), run=run)


def said(folder: Folder) -> list[tuple[str, str]]:
    blocks = list(upset.blocks(folder, cases.cases(folder, "densenet")))
    assert all(isinstance(block, Paragraph) for block in blocks)
    return [(block.tone, block.text) for block in blocks if isinstance(block, Paragraph)]


def test_a_lead_of_many_patients_is_a_warning(folder: Folder) -> None:
    ((tone, text),) = said(planned(folder, {"advgan": [60, 60], "pgd": [20, 20]}))
    assert tone == "warning"
    assert "AdvGAN 8/255 turns 75.0 % and PGD only 25.0 % of the same 160 images of 40 patients, p <0.001" in text


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_a_lead_that_chance_allows_is_none(folder: Folder, ahead: int) -> None:
    """Four images of one patient are 2.5 points: above the slack, and no test over patients takes them for a lead."""
    assert said(planned(folder, {"advgan": [60 + ahead, 60], "pgd": [60, 60]})) == []


def test_a_small_lead_of_all_patients_is_none(folder: Folder) -> None:
    found = upset.Lead(cases.cases(folder, "densenet")[0], 0.515, 0.5, 5000, 200, 0.001)
    assert not found.odd
    assert found._replace(mine=0.53).odd
    assert found._replace(mine=0.53, groups=4, p=0.125).odd  # four patients can never be significant
    assert not found._replace(mine=0.515, groups=4, p=0.125).odd


@pytest.mark.parametrize("strong", ["apgd", "ensemble", "pgd"])
def test_the_strongest_gradient_attack_of_any_kind_is_what_counts(folder: Folder, strong: str) -> None:
    turned = {"advgan": [60, 60], "weak": [20, 20], "strong": [70, 70]}
    assert said(planned(folder, turned, weak="pgd", strong=strong)) == []
    assert len(said(planned(folder, turned, weak="pgd", strong="fgsm"))) == 1  # one step is no strong attack


@pytest.mark.parametrize(("goal", "turned"), [("hide", [40, 0]), ("invent", [0, 40])])
def test_a_generator_of_one_direction_is_held_against_images_of_its_class(
    folder: Folder, goal: str, turned: list[int]
) -> None:
    """Over both classes PGD turns more; of the class that the generator is about, less."""
    rival = [10, 80] if goal == "hide" else [80, 10]
    ((tone, text),) = said(planned(folder, {"advgan": turned, "pgd": rival}, goal))
    assert tone == "warning"
    assert "turns 50.0 % and PGD only 12.5 % of the same 80 images of 20 patients" in text
    assert said(planned(folder, {"advgan": turned, "pgd": rival}, "any")) == []


def test_where_nothing_stands_beside_it_that_is_said(folder: Folder) -> None:
    ((tone, text),) = said(planned(folder, {"advgan": [60, 60], "fgsm": [20, 20]}))
    assert tone == "note"
    assert text.endswith("nobody knows whether a gradient attack does more: AdvGAN 8/255.")
