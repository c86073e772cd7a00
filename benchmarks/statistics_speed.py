"""How long all numbers of a large run take: 1,000,000 rows, 200 cells, 10,000 resamples of the patients.

    python -m benchmarks.statistics_speed            writes reports/benchmarks/statistics_speed.csv

40 attacks on 25,000 images of 250 patients at four magnifications: 40 x (4 + pooled) cells with every metric of
`metrics.evaluate`. Use as many threads as the machine has cores (OMP_NUM_THREADS).
"""

from __future__ import annotations

import os
import time
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.wanted import folder, machine, parser
from robustgan import metrics, tables
from robustgan.metrics import cohort

ATTACKS, PATIENTS, EACH = 40, 250, 100
QUICK = 4, 250, 20
DRAWS = 10_000


def predictions(attacks: int = ATTACKS, patients: int = PATIENTS, each: int = EACH) -> pd.DataFrame:
    """PREDICTIONS of a classifier that works and of attacks that grow stronger; each patient is a little different."""
    rng = np.random.default_rng(0)
    count = patients * each
    owner = np.repeat(np.arange(patients), each)
    label = (owner % 3 > 0).astype(int)
    margin = (2 * label - 1) * (2 + rng.normal(size=count) + rng.normal(size=patients)[owner])
    images = pd.DataFrame(
        {
            "model": "densenet",
            "source": "densenet",
            "norm": "linf",
            "eps": 8 / 255,
            "seed": 0,
            "fold": 1,
            "image_id": [f"{i:064x}" for i in range(count)],
            "group": [f"patient {i:04d}" for i in owner],
            "slide": "",
            "subtype": "",
            "magnification": np.tile([40, 100, 200, 400], count // 4),
            "label": label,
            "clean_score": 1 / (1 + np.exp(-margin)),
            "clean_pred": (margin >= 0).astype(int),
            "linf": 8 / 255,
            "l2": 1.0,
            "queries": 10.0,
            "backwards": 10.0,
            "solver": "",
        }
    )
    parts = []
    for number in range(attacks):
        moved = margin - (2 * label - 1) * 4 * number / attacks * rng.random(count)
        score = 1 / (1 + np.exp(-moved))
        parts.append(images.assign(attack=f"attack {number:02d}", score=score, pred=(score >= 0.5).astype(int)))
    return tables.check(pd.concat(parts, ignore_index=True), tables.PREDICTIONS)


def main() -> None:
    """Measure once and write the table."""
    wanted = parser(__doc__).parse_args()
    rows = predictions(*QUICK) if wanted.quick else predictions()
    with mock.patch.object(cohort, "DRAWS", DRAWS):
        wall, work = time.perf_counter(), time.process_time()
        found = metrics.evaluate(rows)
        wall, work = time.perf_counter() - wall, time.process_time() - work
    cells = found[found["attack"] != metrics.WORST].groupby(["attack", "magnification"]).ngroups
    said = {
        "rows": len(rows),
        "cells": cells,
        "groups": rows["group"].nunique(),
        "draws": DRAWS,
        "metrics": len(found),
        "seconds": round(wall, 1),
        "cpu_seconds": round(work, 1),
        **machine(os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))),
    }
    pd.DataFrame([said]).to_csv(folder(wanted) / "statistics_speed.csv", index=False, lineterminator="\n")
    print(said)


if __name__ == "__main__":
    main()
