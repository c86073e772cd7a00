"""Runs with known outcomes, without a folder: a robust one that has everything, and what can be taken away from it."""

from dataclasses import replace
from typing import Any

import pandas as pd

from robustgan import metrics, tables
from robustgan.gates import Policy, Run, Verdict, judge
from robustgan.gates.policy import policy
from robustgan.gates.rows import Row, Status
from robustgan.strength import REQUIRED
from tests.report import planted

ATTACKS = ("clean", "noise", "pgd", "fgsm")


def predictions(right: float = 1.0, falls: float = 0.0, patients: int = 24, model: str = "densenet") -> pd.DataFrame:
    """PREDICTIONS at two magnifications; each attack turns the share `falls` of the images, the same ones."""
    shown = planted.images(patients, 1, (40, 400))
    parts = []
    for attack in ATTACKS:
        norm, eps = ("unrestricted", float("nan")) if attack == "clean" else ("linf", 8 / 255)
        rows = planted.outcomes(shown, attack, eps, right, norm=norm, model=model)
        share = falls if attack in ("pgd", "fgsm") else 0.0
        turned = (pd.Series(range(len(rows))) * share).astype(int).diff().fillna(0).to_numpy() > 0
        pred = rows["clean_pred"].where(~turned, 1 - rows["label"])
        parts.append(rows.assign(pred=pred, score=rows["clean_score"].where(pred == rows["clean_pred"], 0.5)))
    return tables.check(pd.concat(parts), tables.PREDICTIONS)


def folds(rows: pd.DataFrame) -> pd.DataFrame:
    """FOLDS in which every judged image is a test image, and six more patients of each class train."""
    tested = set(rows["group"])
    shown = planted.images(len(tested) // 2 + 6, 1, (40, 400))
    split = shown["group"].isin(tested).map({True: "test", False: "train"})
    return tables.check(shown.assign(split=split, fold=1), tables.FOLDS)


def strength(model: str = "densenet", **status: str) -> pd.DataFrame:
    """STRENGTH in which all required checks pass and one more warns, or as told."""
    found = {**dict.fromkeys(REQUIRED, "pass"), "survival": "warn", **status}
    rows = [
        {"model": model, "check": check, "status": word, "found": "", "expected": "", "value": 0.0, "limit": 0.0,
         "images": 48}
        for check, word in found.items()
    ]  # fmt: skip
    return tables.check(pd.DataFrame(rows), tables.STRENGTH)


def survival(rows: pd.DataFrame, **lost: int) -> pd.DataFrame:
    """SURVIVAL in which saving changes nothing, but for the first so many images of pgd that a step makes right."""
    own = rows[rows["attack"] == "pgd"]
    labels = dict.fromkeys(("float_pred", "png_pred", "jpeg_pred"), own["pred"])
    frame = own.assign(**labels, ssim=0.99, stain=0.01)[list(tables.SURVIVAL)].reset_index(drop=True)
    for column, images in lost.items():  # what the column says is wrong there, and what follows it right
        frame.loc[: images - 1, column] = 1 - frame.loc[: images - 1, "label"]
    return tables.check(frame, tables.SURVIVAL)


def config(model: str = "densenet", **changes: Any) -> dict[str, Any]:
    """Settings that ask for exactly these predictions."""
    budget = {"norm": "linf", "eps": 8 / 255}
    attacks = [
        {"kind": kind, "name": "", "threat": {"norm": "unrestricted"} if kind == "clean" else budget}
        for kind in ATTACKS
    ]
    given = {"strength": {"images": 128, "threat": budget}, **changes}
    return planted.config(models=[{"name": model, "model": {"kind": "densenet"}}], attacks=attacks, **given)


def probed_at(found: Run, threat: dict[str, Any] | None) -> Run:
    """The run, with its strength measured at another budget."""
    rule = {"images": 128, "threat": threat} if threat else None
    return replace(found, run={**found.run, "config": {**found.config, "strength": rule}})


def run(rows: pd.DataFrame | None = None, **changes: Any) -> Run:
    """A complete run whose attacks fail, or of these predictions."""
    rows = predictions() if rows is None else rows
    model = str(rows["model"].iloc[0])
    whole = Run(
        metrics=metrics.evaluate(rows),
        predictions=rows,
        run=planted.run(config=config(model)),
        leaks=planted.leaks(),
        folds=folds(rows),
        strength=strength(model),
        survival=survival(rows),
        name="planted",
    )
    return replace(whole, **changes)


def asked(**settings: Any) -> Policy:
    """A policy of one gate."""
    return policy({"name": "test", "gates": [{"name": "it", "why": "To test it.", **settings}]})


def judged(found: Run, baseline: Run | None = None, **settings: Any) -> list[Row]:
    """The rows of one gate."""
    return [row for row in verdict(found, baseline, **settings).rows if row.gate == "it"]


def verdict(found: Run, baseline: Run | None = None, **settings: Any) -> Verdict:
    """The verdict of a policy of one gate, with completeness, which is always asked for."""
    return judge(found, asked(**settings), baseline)


HOSTILE = '<script>alert("x")</script>|`_*[a](b)\n]]>&@team\x00\x1b\u202e'


def rows(count: int = 4, **changes: Any) -> tuple[Row, ...]:
    """Rows of every status, as many as asked."""
    kinds: tuple[Status, ...] = ("pass", "fail", "incomplete", "indeterminate")
    numbers = {"observed": 0.9, "low": 0.8, "high": 0.95, "limit": 0.85, "bound": "low", "images": 48, "groups": 24}
    made = {"gate": "it", "kind": "clean_sensitivity", "model": "densenet", "reason": "because", **numbers, **changes}
    return tuple(Row(scope=f"{i}X", status=kinds[i % 4], **made) for i in range(count))


def of_rows(found: tuple[Row, ...]) -> Verdict:
    """A verdict of these rows, on a run that is an attack on whoever reads of it."""
    gates = [
        {"name": name, "why": HOSTILE, "kind": "clean_sensitivity", "limit": 0.85, "bound": "low", "models": [HOSTILE]}
        for name in dict.fromkeys(row.gate for row in found)
    ]
    about = {"name": HOSTILE, "title": HOSTILE, "command": HOSTILE, "versions": {}, "weights_sha256": {}}
    return Verdict(policy({"name": "test", "gates": gates}), found, about)
