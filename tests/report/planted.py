"""A complete report folder with planted outcomes: its numbers are known before the report is written."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from robustgan import tables
from robustgan.report.folder import CURVES, EXAMPLES

MAGNIFICATIONS = (40, 100, 200, 400)
SUBTYPES = {0: ("adenosis", "fibroadenoma"), 1: ("ductal_carcinoma", "papillary_carcinoma")}
LEVELS = (2, 4, 8)
STRENGTH = {"noise": 0.01, "fgsm": 0.4, "pgd": 0.95, "advgan": 0.7, "deepfool": 0.75}  # share turned at 8/255


def images(patients: int, repeats: int, magnifications: Sequence[int] = MAGNIFICATIONS) -> pd.DataFrame:
    """MANIFEST rows: `patients` a class, `repeats` images of each at each magnification."""
    rows = [
        {
            "image_id": hashlib.sha256(f"{label}-{p}-{m}-{i}".encode()).hexdigest(),
            "path": f"SOB_{'BM'[label]}-14-{1000 * label + p}-{m}-{i:03d}.png",
            "group": f"14-{1000 * label + p}",
            "slide": f"14-{1000 * label + p}A",
            "subtype": SUBTYPES[label][p % 2],
            "magnification": m,
            "label": label,
            "width": 700,
            "height": 460,
            "given_split": "",
            "finding": "",
        }
        for label in (0, 1)
        for p in range(patients)
        for m in magnifications
        for i in range(repeats)
    ]
    return tables.check(pd.DataFrame(rows), tables.MANIFEST)


def outcomes(
    shown: pd.DataFrame, attack: str, eps: float, right: float, norm: str = "linf", model: str = "densenet"
) -> pd.DataFrame:
    """PREDICTIONS of one attack: a share `right` is right when clean, and the planted share of these is turned."""
    draws = np.random.default_rng(7).random(len(shown))  # the same images are right under every attack
    luck = np.random.default_rng(len(attack) + 1).random(len(shown))
    label = shown["label"].to_numpy()
    correct = draws < right
    turned = correct & (luck < STRENGTH.get(attack, 0.0) * (eps * 255 / 8 if eps == eps and norm == "linf" else 1.0))
    clean_score = np.where(correct == (label == 1), 0.7 + 0.29 * draws, 0.3 * draws)
    score = np.where(turned, 1 - clean_score, clean_score)
    still = attack == "clean"
    return shown[["image_id", "group", "slide", "subtype", "magnification", "label"]].assign(
        model=model, source=model, attack=attack, norm=norm, eps=eps, seed=0, fold=1, clean_score=clean_score,
        score=score, clean_pred=(clean_score >= 0.5).astype(int), pred=(score >= 0.5).astype(int),
        linf=0.0 if still else eps, l2=0.0 if still else 1.0, queries=20.0 if attack == "pgd" else 1.0,
        backwards=19.0 if attack == "pgd" else 0.0, solver="",
    )  # fmt: skip


def predictions(shown: pd.DataFrame, right: float = 0.92, levels: Sequence[int] = LEVELS) -> pd.DataFrame:
    """Clean, then every attack at every budget, then one in L2."""
    parts = [outcomes(shown, "clean", math.nan, right, norm="unrestricted")]
    for attack in STRENGTH:
        parts += [
            outcomes(shown, attack, level / 255, right) for level in (levels if attack != "deepfool" else levels[-1:])
        ]
    parts.append(outcomes(shown, "pgd", 0.5, right, norm="l2"))
    return tables.check(pd.concat(parts), tables.PREDICTIONS)


def generated(count: int = 40) -> pd.DataFrame:
    """GENERATED rows: the victim is wrong on 2 % of natural and 60 % of searched images."""
    rng = np.random.default_rng(3)
    parts = []
    for mode, wrong in (("real", 0.08), ("natural", 0.15), ("searched", 0.6), ("walked", 0.17)):
        n = count * 8
        label = np.tile([0, 1], n // 2)
        pred = np.where(rng.random(n) < wrong, 1 - label, label)
        sure = np.where(rng.random(n) < 0.75, 0.97, 0.6)
        parts.append(
            pd.DataFrame(
                {
                    "mode": mode,
                    "image_id": [hashlib.sha256(f"{mode}{i}".encode()).hexdigest() for i in range(n)],
                    "group": [f"14-{i % 20}" if mode == "real" else "" for i in range(n)],
                    "magnification": np.repeat(MAGNIFICATIONS, n // 4),
                    "label": label,
                    "score": np.where(pred == 1, 0.8, 0.2),
                    "pred": pred,
                    "oracle_low": sure,
                    "oracle_mean": np.where(rng.random(n) < 0.9, 0.95, 0.3),
                    "oracle_high": 0.99,
                    "oracles": 2,
                    "accepted": sure >= 0.9,
                    "distance": math.nan if mode == "real" else 0.3 * (mode == "searched"),
                }
            )
        )
    identity: dict[str, Any] = {
        "model": "densenet",
        "source": "densenet",
        "attack": "dcgan",
        "norm": "unrestricted",
        "eps": math.nan,
        "seed": 0,
    }
    return tables.check(pd.concat(parts).assign(**identity, fold=1), tables.GENERATED)


CURVE: dict[str, Callable[[int], dict[str, float]]] = {
    "densenet": lambda e: {"loss": 1 / e, "val_loss": 1.2 / e, "val_auroc": 1 - 0.4 / e, "lr": 1e-3},
    "advgan 8/255": lambda e: {"g_adv": 5 / e, "g_gan": 0.5, "d_loss": 0.25, "val_success": 1 - 0.9 / e, "l2": 3.0},
    "dcgan": lambda e: {"d_loss": 1.9, "g_loss": 0.2 * e, "r_t": 0.4, "kid": 0.3 / e},
}


def curves() -> Iterator[dict[str, Any]]:
    """Numbers of three trainings."""
    for network, numbers in CURVE.items():
        for epoch in range(1, 11):
            for name, value in numbers(epoch).items():
                yield {"network": network, "fold": 1, "step": epoch, "name": name, "value": value}


def picture(path: Path, seed: int, side: int = 48, noise: int = 0) -> None:
    """A smooth pink image, with up to `noise` levels of change."""
    y, x = np.mgrid[:side, :side] / side
    waves = np.stack(
        [
            0.8 + 0.15 * np.sin(5 * x + seed),
            0.55 + 0.2 * np.cos(7 * y - seed),
            0.75 + 0.1 * np.sin(9 * x * y),
        ],
        -1,
    )
    change = np.random.default_rng(seed).integers(-noise, noise + 1, (side, side, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(255 * waves + change, 0, 255).astype(np.uint8)).save(path)


def examples(place: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """One example a class, magnification, attack and budget, with its pictures."""
    rows = (
        rows[rows["norm"] == "linf"]
        .sort_values("image_id")
        .drop_duplicates(["attack", "eps", "label", "magnification"])
    )
    names = [
        f"examples/{a}-{round(255 * e)}-{i[:8]}"
        for a, e, i in zip(rows["attack"], rows["eps"], rows["image_id"], strict=True)
    ]
    for seed, (name, eps) in enumerate(zip(names, rows["eps"], strict=True)):
        picture(place / f"{name}-clean.png", seed % 8)
        picture(place / f"{name}-adv.png", seed % 8, noise=round(255 * eps))
    return tables.check(rows[[c for c in EXAMPLES if c in rows]].assign(
        clean_png=[f"{n}-clean.png" for n in names], adv_png=[f"{n}-adv.png" for n in names]), EXAMPLES)  # fmt: skip


def config(**changes: Any) -> dict[str, Any]:
    """Settings of the planted run."""
    budgets = [
        {"kind": k, "name": "", "threat": {"norm": "linf", "eps": v / 255}}
        for k in ("noise", "fgsm", "pgd", "advgan")
        for v in LEVELS
    ]
    return {
        "name": "planted",
        "title": "Planted outcomes",
        "seed": 0,
        "seeds": [0],
        "dataset": {"kind": "synthetic", "patients": 30},
        "pixels": {"size": 64, "fit": "crop"},
        "split": {"protocol": "accession-cv5", "folds": [1], "leak": False},
        "models": [{"name": "densenet", "model": {"kind": "densenet", "growth_rate": 12}}],
        "oracles": [{"name": "judge", "model": {"kind": "resnet"}}],
        "attacks": [
            {"kind": "clean", "name": "", "threat": {"norm": "unrestricted"}},
            *budgets,
            {
                "kind": "art",
                "name": "deepfool",
                "attack": "DeepFool",
                "threat": {"norm": "linf", "eps": 8 / 255},
            },
            {"kind": "pgd", "name": "", "steps": 20, "threat": {"norm": "l2", "eps": 0.5}},
            {"kind": "dcgan", "name": "", "threat": {"norm": "unrestricted"}},
        ],
        **changes,
    }


def run(**changes: Any) -> dict[str, Any]:
    """Content of evidence/run.json."""
    digest = hashlib.sha256(b"weights").hexdigest()
    return {
        "config": config(),
        "versions": {"python": "3.11.7", "robustgan": "0.1.0", "torch": "2.6.0"},
        "device": "CPU (x86_64)",
        "citation": "Simulated by robustgan; no patient is in it.",
        "command": "robustgan run planted --set seed=0",
        "models": {
            "densenet": {"parameters": 123456, "weights_sha256": {"1": digest}},
            "judge": {"parameters": 2345, "weights_sha256": {"1": digest}},
        },
        "generators": {"advgan 8/255, fold 1": {"status": "ok", "reason": ""}},
        "failures": [],
        **changes,
    }  # fmt: skip


def folds(shown: pd.DataFrame) -> pd.DataFrame:
    """Everything shown is test; two more patients train, one image is set apart."""
    more = images(patients=22, repeats=1).query("group not in @shown.group")
    split = ["excluded" if i == 0 else ("val" if i % 5 == 0 else "train") for i in range(len(more))]
    finding = ["unreadable image" if s == "excluded" else "" for s in split]
    both = pd.concat([shown.assign(split="test"), more.assign(split=split, finding=finding)]).assign(fold=1)
    return tables.check(both, tables.FOLDS)


def build(
    path: Path, patients: int = 14, repeats: int = 2, right: float = 0.92, levels: Sequence[int] = LEVELS,
    magnifications: Sequence[int] = MAGNIFICATIONS, model: str = "densenet", subtype: str = "", file: str = "",
    **changes: Any,
) -> Path:  # fmt: skip
    """Write a report folder; `changes` replace entries of evidence/run.json."""
    place = path / "evidence"
    (place / "sheets").mkdir(parents=True)
    shown = images(patients, repeats, magnifications)
    shown["subtype"] = subtype or shown["subtype"]
    shown["path"] = file + shown["path"]
    rows = predictions(shown, right, levels).assign(model=model, source=model)
    made = generated().assign(model=model, source=model)
    tables.write(rows, tables.PREDICTIONS, path / "predictions.parquet")
    tables.write(made, tables.GENERATED, path / "generated.parquet")
    tables.write(folds(shown), tables.FOLDS, place / "manifest.parquet")
    tables.write(leaks(), tables.LEAKS, place / "leaks.csv")
    tables.write(tables.check(pd.DataFrame(list(curves())), CURVES), CURVES, place / "curves.csv")
    tables.write(examples(place, rows[rows["attack"] != "clean"]), EXAMPLES, place / "examples.csv")
    picture(place / "sheets" / "dcgan-fold1-sheet.png", 1, side=200)
    picture(place / "sheets" / "dcgan-fold1-fooling.png", 2, side=160)
    (place / "run.json").write_text(json.dumps(run(**changes)), "utf-8")
    return path


def leaks() -> pd.DataFrame:
    """LEAKS of a split that leaks nothing."""
    pairs = [(identity, split) for identity in ("group", "slide", "image") for split in ("val", "test")]
    rows = [{"fold": 1, "identity": i, "split": s, "images": 40, "leaked": 0} for i, s in pairs]
    return tables.check(pd.DataFrame(rows), tables.LEAKS)
