"""Is a single attack weaker than another library's, or did it draw worse random numbers? The same attack, many seeds.

    uv pip install --group parity -e . ; python -m benchmarks.parity_seeds

Auto-PGD on cross-entropy and Square by robustgan and by torchattacks, which has the code of their authors, once a
seed, on the planted networks, images and budgets of `parity.py`.

- `robustgan` and `torchattacks` are the mean of robust accuracy over the seeds, `..._sd` its standard deviation: how
  far one run of `parity.py` may lie from another.
- `difference` is torchattacks minus robustgan in points, above 0 where theirs leaves more standing; `error` is its
  standard error from the scatter over seeds.

It writes reports/benchmarks/parity_seeds.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.parity import Row, measured
from benchmarks.rivals import Terms, rivals
from benchmarks.victims import CASES, Case

ATTACKS, LIBRARIES = ("apgd-ce", "square"), ("robustgan", "torchattacks")
COLUMNS = (
    "network", "attack", "norm", "eps", "classes", "images", "seeds", "robustgan", "robustgan_sd", "torchattacks",
    "torchattacks_sd", "difference", "error",
)  # fmt: skip


def rows(case: Case, wanted: argparse.Namespace) -> list[Row]:
    """Both attacks on one network and budget."""
    model = case.build()
    x, y = case.images(wanted.images)
    reached: dict[tuple[str, str], list[float]] = {(a, library): [] for a in ATTACKS for library in LIBRARIES}
    for seed in range(wanted.seeds):
        terms = Terms(case.threat, case.classes, wanted.queries, None, seed)
        for rival in (one for one in rivals(terms) if (one.attack, one.library) in reached):
            found = measured(rival, terms, model, x, y)
            reached[rival.attack, rival.library].append(found["robust_accuracy"])
    threat = {"norm": case.threat.norm, "eps": round(case.threat.eps, 6)}
    told = {"classes": case.classes, "images": len(y), "seeds": wanted.seeds}
    return [
        {
            "network": case.network,
            "attack": attack,
            **threat,
            **told,
            **beside(*(reached[attack, n] for n in LIBRARIES)),
        }
        for attack in ATTACKS
    ]


def beside(mine: Sequence[float], theirs: Sequence[float]) -> Row:
    """Mean and scatter of both, and by how many points theirs leave more standing."""
    both = [np.asarray(values, float) for values in (mine, theirs)]
    row: Row = {}
    for name, values in zip(LIBRARIES, both, strict=True):
        row |= {name: round(values.mean(), 4), f"{name}_sd": round(values.std(ddof=1), 4)}
    error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in both))
    return {**row, "difference": round(100 * (both[1].mean() - both[0].mean()), 2), "error": round(100 * error, 2)}


def main() -> None:
    """Read the command line, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--queries", type=int, default=300, help="of Square, an image")
    parser.add_argument("--seeds", type=int, default=5)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    path = Path(__file__).parents[1] / "reports" / "benchmarks" / "parity_seeds.csv"
    found: list[Row] = []
    for case in (one for one in CASES if one.network == "planted"):
        found += rows(case, wanted)
        print(*found[-len(ATTACKS) :], sep="\n", flush=True)
    pd.DataFrame(found).reindex(columns=list(COLUMNS)).to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
