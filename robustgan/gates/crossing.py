"""What `transfer: true` adds to a run: which images that were made against one classifier others were to judge."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from robustgan.gates.evidence import Run, label_of, listed
from robustgan.metrics.ensemble import CONTROLS


def sources(run: Run, model: str, attack: str) -> Iterator[str]:
    """The classifiers against which an attack was to make what `model` judges: itself, and with transfer others."""
    transfers = run.config.get("transfer") is True
    if not (transfers and beyond(run, model, attack)):
        yield model
    if transfers and attack not in unaimed(run):
        yield from (other for other in run.models if other != model and not beyond(run, other, attack))


def beyond(run: Run, model: str, attack: str) -> bool:
    """Whether an attack needs gradients that a classifier does not give: others are attacked in its place."""
    folds = (run.run.get("probing") or {}).get(model) or {}
    blind = {facts.get("access") for facts in folds.values()} == {"query"} or _kind(run, model) == "onnx"
    return blind and bool((run.predictions.loc[run.predictions["attack"] == attack, "backwards"] > 0).any())


def unaimed(run: Run) -> set[str]:
    """Attacks that are made for no classifier, so that nothing transfers: the controls, and what asks for nothing.

    A trained attack asks for nothing either once it is trained; its settings say that it was.
    """
    rows, found = run.predictions, set(CONTROLS)
    moved = set(rows.loc[rows["source"] != rows["model"], "attack"])
    for entry in listed(run.config, "attacks"):
        label = label_of(entry)
        own = rows[rows["attack"] == label]
        idle = len(own) and "epochs" not in entry and label not in moved and not asks(own)
        if idle or entry.get("kind") in CONTROLS:
            found.add(label)
    return found


def asks(rows: pd.DataFrame) -> bool:
    """Whether an attack asked the classifier for anything."""
    return bool((rows[["queries", "backwards"]] > 0).any(axis=None))


def _kind(run: Run, model: str) -> str:
    entries = [entry for entry in listed(run.config, "models") if isinstance(entry, dict)]
    settings = next((entry.get("model") for entry in entries if entry.get("name") == model), None)
    return str(settings.get("kind")) if isinstance(settings, dict) else ""
