"""Read a report folder: what the run left there, checked, with every metric computed from its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image, UnidentifiedImageError

from robustgan import metrics, tables
from robustgan.config import read_json
from robustgan.errors import InputError
from robustgan.gates import Run, Verdict, judge, origin
from robustgan.gates.evidence import label_of, strength_of
from robustgan.gates.policy import policy as policy_of
from robustgan.metrics import people
from robustgan.tables import Column, Table

CURVES: Table = {
    "network": Column("string", "what was trained; for a generator with its budget"),
    "fold": Column("int64", "fold of the split protocol"),
    "step": Column("float64", "epoch or step of the training"),
    "name": Column("string", "name of the number"),
    "value": Column("float64", "the number"),
}

EXAMPLES: Table = {
    **{name: tables.PREDICTIONS[name] for name in ("attack", "norm", "eps", "model", "fold", "image_id")},
    **{name: tables.PREDICTIONS[name] for name in ("magnification", "label", "clean_score", "score")},
    "clean_png": Column("string", "file of the original, relative to evidence/"),
    "adv_png": Column("string", "file of the attacked image, relative to evidence/"),
}

HALF = 0.5  # the operating point of a classifier that nobody placed

Row = dict[str, Any]  # one row of METRICS
Rows = dict[tuple[str, str, str, str], Row]  # the rows of one case, by (unit, magnification, subtype, metric)

RUN = {
    "config": dict,
    "versions": dict,
    "device": str,
    "citation": str,
    "models": dict,
    "command": str,
    "failures": list,
}


@dataclass(frozen=True)
class Folder:
    """Everything that a report is made of."""

    path: Path
    run: dict[str, Any]
    predictions: pd.DataFrame  # PREDICTIONS
    generated: pd.DataFrame  # GENERATED
    folds: pd.DataFrame  # FOLDS
    leaks: pd.DataFrame  # LEAKS
    curves: pd.DataFrame  # CURVES
    examples: pd.DataFrame  # EXAMPLES
    sheets: tuple[Path, ...]  # contact sheets of generated images
    survival: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.SURVIVAL))
    strength: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.STRENGTH))
    probes: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PROBES))
    rating: people.Rating | None = None  # what people said of the generated images

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """METRICS of the predictions."""
        return metrics.evaluate(self.predictions)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """CALIBRATION of the predictions."""
        return metrics.calibration(self.predictions)

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the run's policy says; None where no policy was given."""
        policy = self.run.get("policy")
        if not policy:
            return None
        found = Run(
            self.metrics,
            self.predictions,
            self.run,
            self.leaks,
            self.folds,
            self.generated,
            self.strength if len(self.strength) else None,
            self.survival if len(self.survival) else None,
            self.path.resolve().name,
        )
        return judge(found, policy_of(policy))

    @cached_property
    def lookup(self) -> dict[tuple[Any, ...], Rows]:
        """METRICS rows by case, then by cell."""
        found: dict[tuple[Any, ...], Rows] = {}
        for row in records(self.metrics):
            key = case_key(*(row[name] for name in ("model", "source", "attack", "norm", "eps", "seed")))
            where = (row["unit"], row["magnification"], row["subtype"], row["metric"])
            found.setdefault(key, {})[where] = row
        return found

    @cached_property
    def fooling(self) -> pd.DataFrame:
        """FOOLING rates of the generated images."""
        return metrics.fooling(self.generated, self.rating)

    @cached_property
    def works(self) -> pd.DataFrame:
        """Where each classifier works without an attack."""
        return metrics.works(self.predictions)

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the run."""
        config: dict[str, Any] = self.run["config"]
        return config

    @property
    def leaks_patients(self) -> bool:
        """Whether a test image shares its patient, slide or bytes with training."""
        return bool(self.leaks.loc[self.leaks["split"] == "test", "leaked"].sum())

    @cached_property
    def elsewhere(self) -> dict[str, str]:
        """Classifiers whose training this run cannot know, each with the reason in words."""
        return origin.elsewhere(self.config)

    def operating(self, model: str) -> dict[str, Any]:
        """How the operating point of a classifier was chosen; empty where nobody chose one."""
        found: dict[str, Any] = (self.run.get("operating") or {}).get(model) or {}
        return found

    def threshold(self, model: str) -> float:
        """P(malignant) from which a classifier calls an image malignant."""
        return float(self.operating(model).get("threshold", HALF))

    @property
    def title(self) -> str:
        """What the report calls itself."""
        return str(self.config.get("title") or self.config.get("name") or self.path.name)

    @cached_property
    def models(self) -> list[str]:
        """Classifiers that were judged, in the order of the rows."""
        return list(dict.fromkeys([*self.predictions["model"], *self.generated["model"]]))

    @cached_property
    def judged(self) -> list[str]:
        """Classifiers whose images have predictions."""
        return [str(name) for name in dict.fromkeys(self.predictions["model"])]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each attack is (`noise`, `pgd`, ...), by the name that the tables give it."""
        entries = [entry for entry in self.config.get("attacks", []) if isinstance(entry, dict)]
        return {label_of(entry): str(entry.get("kind")) for entry in entries}


def records(frame: pd.DataFrame) -> list[Row]:
    """Rows as plain dictionaries."""
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in frame.itertuples(index=False, name=None)]


def case_key(model: str, source: str, attack: str, norm: str, eps: float, seed: int) -> tuple[Any, ...]:
    """What tells one case from another; no budget (NaN) is equal to no budget."""
    return model, source, attack, norm, None if math.isnan(eps) else round(eps, 9), seed


def read(path: Path) -> Folder:
    """Read and check a report folder.

    Raises:
        InputError: a file is missing, or is not what it should be; the message names it.
    """
    place = path / "evidence"
    run = _run(place / "run.json")
    predictions = tables.read(path / "predictions.parquet", tables.PREDICTIONS)
    survival = _later(path / "survival.parquet", tables.SURVIVAL)
    strength = strength_of(path, run, predictions, survival if len(survival) else None)
    return Folder(
        path=path,
        run=run,
        predictions=predictions,
        generated=tables.read(path / "generated.parquet", tables.GENERATED),
        folds=tables.read(place / "manifest.parquet", tables.FOLDS),
        leaks=tables.read(place / "leaks.csv", tables.LEAKS),
        curves=tables.read(place / "curves.csv", CURVES),
        examples=_examples(place),
        sheets=tuple(_picture(sheet) for sheet in sorted((place / "sheets").glob("*.png"))),
        survival=survival,
        strength=tables.empty(tables.STRENGTH) if strength is None else strength,
        probes=_later(place / "probes.parquet", tables.PROBES),
        rating=people.read(path),
    )


def _later(path: Path, table: Table) -> pd.DataFrame:
    """A table that runs of earlier versions did not write: without rows, which says that nothing was measured."""
    return tables.read(path, table) if path.exists() else tables.empty(table)


def _run(path: Path) -> dict[str, Any]:
    content = read_json(path)
    wrong = [key for key, kind in RUN.items() if not isinstance(content.get(key), kind)]
    if wrong:
        needs = ", ".join(f"{key} ({RUN[key].__name__})" for key in wrong)
        raise InputError(f"{path}: missing or of another type: {needs}. Render a folder that `robustgan run` wrote.")
    return content


def _examples(place: Path) -> pd.DataFrame:
    """The gallery's rows; a run without a gallery has none."""
    if not (place / "examples.csv").exists():
        return tables.empty(EXAMPLES)
    frame = tables.read(place / "examples.csv", EXAMPLES)
    for name in [*frame["clean_png"], *frame["adv_png"]]:
        if not (place / name).resolve().is_relative_to(place.resolve()):
            raise InputError(f"{place / 'examples.csv'}: `{name}` leaves the folder.")
        _picture(place / name)
    return frame


def _picture(path: Path) -> Path:
    try:
        with Image.open(path) as image:
            image.verify()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as an image: {error}") from None
    return path
