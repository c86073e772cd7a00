"""What a run with `transfer: true` lacks."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from robustgan import metrics
from robustgan.gates import Run
from tests.gates import cases

MODELS = ("densenet", "vit")


@pytest.fixture(scope="module")
def crossed() -> Run:
    """Two models, each of which also judges what pgd and fgsm made against the other."""
    parts = []
    for model in MODELS:
        own = cases.predictions(model=model).assign(backwards=lambda rows: rows["attack"].isin(["pgd", "fgsm"]) * 20.0)
        own["queries"] = own["backwards"]
        moved = own[own["attack"].isin(["pgd", "fgsm"])].assign(source=next(one for one in MODELS if one != model))
        parts += [own, moved]
    rows = pd.concat(parts, ignore_index=True)
    found = cases.run(rows)
    return asking(found, models=[{"name": name, "model": {"kind": "densenet"}} for name in MODELS], transfer=True)


def asking(found: Run, **changes: Any) -> Run:
    return replace(found, run={**found.run, "config": {**found.config, **changes}})


def lacking(found: Run, lost: pd.Series) -> Run:
    rows = found.predictions[~lost]
    return replace(found, predictions=rows, metrics=metrics.evaluate(rows))


def status(found: Run) -> tuple[str, str]:
    (row,) = cases.judged(found, kind="complete")
    return row.status, row.reason


def test_all_cells_are_there(crossed: Run) -> None:
    assert status(crossed)[0] == "pass"  # controls are made for no classifier


@pytest.mark.parametrize("images", [1, 1000])
def test_a_transfer_cell_that_is_missing(crossed: Run, images: int) -> None:
    rows = crossed.predictions
    cell = (rows["model"] == "vit") & (rows["source"] == "densenet") & (rows["attack"] == "fgsm")
    found = lacking(crossed, cell & (cell.astype(int).cumsum() <= images))
    told, reason = status(found)
    assert told == "incomplete"
    assert "1 cells lack images, first fgsm linf 8/255, seed 0, on vit, made on densenet" in reason
    assert status(asking(found, transfer=False))[0] == "pass"


@pytest.mark.parametrize("entry", [{}, {"epochs": 20}])
def test_an_attack_that_asks_for_nothing_is_made_for_no_one_unless_it_was_trained(
    crossed: Run, entry: dict[str, object]
) -> None:
    rows = crossed.predictions[crossed.predictions["attack"] == "noise"].assign(attack="darken")
    found = replace(crossed, predictions=pd.concat([crossed.predictions, rows], ignore_index=True))
    darken = {"kind": "darken", "name": "", "threat": {"norm": "linf", "eps": 8 / 255}, **entry}
    found = asking(found, attacks=[*found.config["attacks"], darken])
    assert status(found)[0] == ("incomplete" if entry else "pass")


@pytest.mark.parametrize("known", ["kind", "probing"])
def test_a_classifier_without_gradients_gets_what_was_made_against_others(crossed: Run, known: str) -> None:
    rows = crossed.predictions
    steep = rows["attack"].isin(["pgd", "fgsm"])
    found = lacking(crossed, steep & (rows["source"] == "vit"))
    assert status(found)[0] == "incomplete"
    if known == "kind":
        kinds = {"densenet": "densenet", "vit": "onnx"}
        blind = asking(found, models=[{"name": name, "model": {"kind": kind}} for name, kind in kinds.items()])
    else:
        blind = replace(found, run={**found.run, "probing": {"vit": {"1": {"access": "query"}}}})
    assert status(blind)[0] == "pass"
    told = status(lacking(blind, (blind.predictions["model"] == "vit") & (blind.predictions["attack"] == "pgd")))
    assert told[0] == "incomplete"
    assert "on vit, made on densenet" in told[1]
