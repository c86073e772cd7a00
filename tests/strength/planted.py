"""Made-up probes: of each image one knows what fools it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgan import tables

EPS = 8 / 255
BUDGETS = ((EPS / 4, 3), (EPS / 2, 9), (EPS, 30), (2 * EPS, 34), (4 * EPS, 38), (0.5, 40), (1, 40))


def probe(
    name: str,
    fooled: list[bool],
    setting: float = 20,
    eps: float = EPS,
    queries: list[int] | None = None,
    fold: int = 1,
) -> pd.DataFrame:
    """One probe: right when clean, and fooled or not."""
    n = len(fooled)
    labels = [i % 2 for i in range(n)]
    return tables.check(
        pd.DataFrame(
            {
                "model": "victim",
                "fold": fold,
                "probe": name,
                "attack": "pgd",
                "norm": "linf",
                "eps": eps,
                "setting": setting,
                "image_id": [f"image{i}" for i in range(n)],
                "group": [f"patient{i // 2}" for i in range(n)],
                "label": labels,
                "clean_pred": labels,
                "pred": [y if not gone else 1 - y for y, gone in zip(labels, fooled, strict=True)],
                "margin": [1.0 if gone else -1.0 for gone in fooled],
                "queries": queries or [10] * n,
            }
        ),
        tables.PROBES,
    )


def keeping_up(probes: pd.DataFrame) -> pd.DataFrame:
    """PREDICTIONS of a run whose own attack turns exactly what the probes turn within the budget."""
    within = probes[(probes["probe"] != "budget") & (probes["clean_pred"] == probes["label"])]
    fooled = (within["pred"] != within["label"]).groupby([within["fold"], within["image_id"]]).transform("any")
    own = within.assign(pred=within["label"].where(~fooled, 1 - within["label"]), attack="pgd")
    return predicted(own.drop_duplicates(["fold", "image_id"]))


def predicted(rows: pd.DataFrame, **changed: Any) -> pd.DataFrame:
    """PREDICTIONS of an attack on the classifier that these PROBES are about."""
    frame = rows.assign(source=rows["model"], seed=0, slide="", subtype="", magnification=40, **changed)
    frame = frame.assign(clean_score=0.5, score=0.5, linf=frame["eps"], l2=1.0, backwards=1.0, solver="")
    return tables.check(frame[list(tables.PREDICTIONS)], tables.PREDICTIONS)


def first(count: int, n: int = 40) -> list[bool]:
    """The first so many of n."""
    return [i < count for i in range(n)]


def sound() -> pd.DataFrame:
    """What a sound classifier of medium robustness leaves: 30 of 40 images fooled."""
    return pd.concat(
        [
            *(probe("iterations", first(count), steps) for steps, count in ((5, 28), (10, 30), (20, 30), (40, 30))),
            *(probe("restarts", first(30), restarts) for restarts in (1, 3)),
            *(probe("budget", first(count), eps, eps) for eps, count in BUDGETS),
            *(probe(name, first(8), 1) for name in ("noise", "one-step", "black-box", "transfer", "quiet")),
            probe("quiet", first(8), 4),
        ],
        ignore_index=True,
    )


def facts(**changed: Any) -> dict[str, Any]:
    """What a sound classifier says."""
    return {
        **{"access": "white-box", "images": 40, "right": 40, "not_finite": 0, "outputs": "logits", "vanished": 0},
        **{"certain": 0, "median_margin": 3.0, "gradient_calls": 0, "asked_twice": 80, "repeat_flips": 0},
        **{"repeat_change": 0.0, "company_flips": 0, "company_change": 1e-7, "gradients": 80, "zero_gradients": 0},
        **{"not_finite_gradients": 0, "tiny_gradients": 0, "zero_pixels": 0.0, "lines": 40, "disagreeing": 0},
        **{"agreement": 0.98, "drift": 0, "failures": {}},
        **changed,
    }
