"""All checks of all classifiers of a run, as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from robustgan import tables
from robustgan.strength import answering, attacking, crossing, saving
from robustgan.strength.fooled import Probed
from robustgan.strength.rows import Row
from robustgan.strength.withheld import withheld


def checks(
    probes: pd.DataFrame,
    facts: Mapping[str, Mapping[str, Mapping[str, Any]]],
    predictions: pd.DataFrame,
    survival: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Judge the evidence on every classifier; one row a classifier and check, all checks for each.

    Args:
        probes: PROBES of all classifiers and folds.
        facts: what `probing.measure` said beside its rows: classifier -> fold -> facts.
        predictions: PREDICTIONS of the run's own attacks.
        survival: SURVIVAL of the run's own attacks; None where it was not measured.

    Returns:
        STRENGTH. What was not measured is "not run", never a pass.
    """
    models = list(dict.fromkeys([*facts, *probes["model"], *predictions["model"]]))
    rows = [
        {"model": model, **row._asdict()}
        for model in models
        for row in of_model(model, probes, facts.get(model, {}), predictions, survival)
    ]
    return tables.check(pd.DataFrame(rows, columns=list(tables.STRENGTH)), tables.STRENGTH, "strength")


def of_model(
    model: str,
    probes: pd.DataFrame,
    folds: Mapping[str, Mapping[str, Any]],
    predictions: pd.DataFrame,
    survival: pd.DataFrame | None,
) -> Iterator[Row]:
    """All checks of one classifier."""
    probed, facts = Probed(probes[probes["model"] == model]), answering.pooled(folds)
    yield answering.form(facts)
    yield answering.saturation(facts)
    yield from answering.determinism(facts)
    yield from answering.gradients(facts)
    yield from withheld(of_probes(probed, predictions, model), probed, folds)
    yield attacking.square(probed, predictions, model)
    yield from crossing.transferred(probed, predictions, model)
    yield from saving.survival(None if survival is None else at_budget(survival, model, probed))


def of_probes(probed: Probed, predictions: pd.DataFrame, model: str) -> Iterator[Row]:
    """The checks that are worth no more than the probes behind them."""
    yield from attacking.compared(probed)
    yield from attacking.converged(probed)
    yield from attacking.budgets(probed)
    yield attacking.of_run(probed, predictions, model)


def at_budget(survival: pd.DataFrame, model: str, probed: Probed) -> pd.DataFrame:
    """The rows of a classifier's own attacks at the budget that is judged."""
    own = (survival["model"] == model) & (survival["source"] == model) & (survival["norm"] == probed.norm)
    return survival[own & ((survival["eps"] - probed.eps).abs() <= 1e-9)]


def robust(probes: pd.DataFrame) -> tuple[int, int]:
    """How many images of one classifier no probe within the budget fooled, and of how many that are right."""
    worst = Probed(probes).worst()
    return int((~worst).sum()), len(worst)
