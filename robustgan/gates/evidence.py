"""What a policy judges: the tables of a run, read from its folder. Every number is computed again from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from robustgan import metrics, seal, strength, tables
from robustgan.config import read_json
from robustgan.errors import InputError


@dataclass(frozen=True)
class Run:
    """The evidence of one run. What is None was not there: it counts as not measured, never as good."""

    metrics: pd.DataFrame  # METRICS of `predictions`
    predictions: pd.DataFrame  # PREDICTIONS
    run: dict[str, Any]  # evidence/run.json
    leaks: pd.DataFrame | None = None  # LEAKS
    folds: pd.DataFrame | None = None  # FOLDS
    generated: pd.DataFrame | None = None  # GENERATED
    strength: pd.DataFrame | None = None  # STRENGTH
    survival: pd.DataFrame | None = None  # SURVIVAL
    name: str = ""  # of the report folder

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the run; empty where run.json has none."""
        found = self.run.get("config")
        return found if isinstance(found, dict) else {}

    @property
    def models(self) -> tuple[str, ...]:
        """Classifiers that the run was to judge, and those that have predictions."""
        entries = [entry for entry in listed(self.config, "models") if isinstance(entry, dict)]
        return tuple(dict.fromkeys([*(str(entry.get("name")) for entry in entries), *self.predictions["model"]]))


def label_of(entry: dict[str, Any]) -> str:
    """What the tables call an attack of the config: its name, its kind and method, or its kind."""
    kind = str(entry.get("kind"))
    return str(entry.get("name") or (f"{kind}-{entry['method']}" if "method" in entry else kind))


def listed(settings: dict[str, Any], key: str) -> list[Any]:
    """The list under a key; empty where there is none."""
    found = settings.get(key)
    return found if isinstance(found, list) else []


def read_run(folder: Path) -> Run:
    """Read the evidence in a report folder.

    The predictions and run.json must be there. Other tables may be absent, as in folders of older versions.

    Raises:
        InputError: no report folder, or a file in it is not what it should be, or is not what the run wrote; the
            message names it.
    """
    place = folder / "evidence"
    if not (folder / "predictions.parquet").exists():
        raise InputError(
            f"{folder}: no report folder (it has no predictions.parquet). Give a folder under reports/ that "
            "`robustgan run` wrote."
        )
    seal.check(folder)
    rows, said = tables.read(folder / "predictions.parquet", tables.PREDICTIONS), read_json(place / "run.json")
    survival = _if_there(folder / "survival.parquet", tables.SURVIVAL)
    return Run(
        metrics=metrics.evaluate(rows),
        predictions=rows,
        run=said,
        leaks=_if_there(place / "leaks.csv", tables.LEAKS),
        folds=_if_there(place / "manifest.parquet", tables.FOLDS),
        generated=_if_there(folder / "generated.parquet", tables.GENERATED),
        strength=strength_of(folder, said, rows, survival),
        survival=survival,
        name=folder.resolve().name,
    )


def strength_of(
    folder: Path, run: dict[str, Any], predictions: pd.DataFrame, survival: pd.DataFrame | None
) -> pd.DataFrame | None:
    """STRENGTH from what the probes left; where only the finished table came along, that; None where nothing was."""
    probes = _if_there(folder / "evidence" / "probes.parquet", tables.PROBES)
    if probes is None:
        return _if_there(folder / "strength.csv", tables.STRENGTH)
    return strength.checks(probes, run.get("probing", {}), predictions, survival)


def _if_there(path: Path, table: tables.Table) -> pd.DataFrame | None:
    return tables.read(path, table) if path.exists() else None
