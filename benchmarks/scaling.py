"""How the cost of a run grows with images, budgets, attacks and seeds: linear, or better?

    python -m benchmarks.scaling [--quick] [--out reports/benchmarks]

A small study of simulated tissue is run with 1, 2, 4, 8, 16 times as many of one thing, and 1 of all others; `data` and
`training` are shared by all runs that differ in their cells alone. Costs are processor seconds, which other programs
on the machine disturb least: medians of three passes, one after the other. A stage that several runs share is done once
a pass and counts in each. `exponent` is the slope
of log cost against log number over all numbers, `last` that between the two largest: 1 is linear, less is better. It
writes scaling.csv and scaling.png; `--quick` measures less and writes under out/.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch

from benchmarks.wanted import folder, machine, parser
from robustgan import pipeline
from robustgan.experiment import Experiment, experiment
from robustgan.journal import silent
from robustgan.stage import Place, Stage
from robustgan.stages import stages

PARTS = {"manifest": "data", "pixels": "data", "split": "data", "classifier": "training", "attacked": "cells"}
GROWING = {
    "images": ("data", "training", "cells", "report"),
    **dict.fromkeys(("eps values", "attacks", "seeds"), ("cells", "report")),
}  # what a thing makes dearer
PASSES = 3  # with --quick one
IMAGES = 80  # of the smallest study: 20 patients, each at four magnifications
MODEL = {"kind": "densenet", "variant": "compact", "growth_rate": 8, "block_config": [2, 2, 2]}


def settings(images: int = 1, budgets: int = 1, attacks: int = 1, seeds: int = 1) -> dict[str, Any]:
    """A config with so many times as many of each thing as the smallest."""
    eps = [(i + 1) / 255 for i in range(budgets)]
    names = [f"pgd-{5 + i}" for i in range(attacks)]
    return {
        "name": "scaling",
        "title": "Scaling",
        "dataset": {"kind": "synthetic", "patients": 20 * images, "fields": 1, "width": 70, "height": 46},
        "pixels": {"size": 32},
        "batch": 16,
        "seeds": list(range(seeds)),
        "models": [{"name": "densenet", "model": MODEL, "training": {"epochs": 4, "batch": 16, "patience": 4}}],
        "attacks": [
            {"kind": "clean"},
            *({"kind": "pgd", "name": name, "steps": 20, "threat": {"norm": "linf", "eps": eps}} for name in names),
        ],
    }


def grown(thing: str, times: int) -> Experiment:
    """The study with so many of one thing."""
    names = {"images": "images", "eps values": "budgets", "attacks": "attacks", "seeds": "seeds"}
    return experiment(settings(**{names[thing]: times}))


class Costs:
    """Processor seconds of every stage that was done, by its key."""

    def __init__(self, out: Path) -> None:
        self.place, self.seconds = Place(out, out), dict[str, float]()

    def of(self, stage: Stage) -> float:
        """What a stage costs; it is done where it was not."""
        if stage.key not in self.seconds:
            start = time.process_time()
            pipeline.build(stage, self.place, lambda _stage, _kept: silent)
            self.seconds[stage.key] = time.process_time() - start
        return self.seconds[stage.key]

    def parts(self, plan: Experiment) -> dict[str, float]:
        """What the parts of a whole run cost."""
        found = dict.fromkeys([*PARTS.values(), "report"], 0.0)
        needed = stages(plan, self.place)
        for stage in needed:
            cost = self.of(stage)
            if stage.kind in PARTS:
                found[PARTS[stage.kind]] += cost
        found["report"] = self.of(pipeline.closing(plan, needed, [], "benchmark"))
        return found


def once(counts: tuple[int, ...], out: Path) -> Iterator[dict[str, Any]]:
    """One row a thing, number and part; and `all`, the parts that grow with it together."""
    costs = Costs(out)
    for thing, grows in GROWING.items():
        for times in counts:
            found = costs.parts(grown(thing, times))
            found["all"] = sum(found[part] for part in grows)
            print(thing, times, {part: round(seconds, 2) for part, seconds in found.items()}, flush=True)
            number = times * IMAGES if thing == "images" else times
            for part in (*grows, "all"):
                yield {"thing": thing, "number": number, "part": part, "cpu_seconds": found[part]}


def measured(counts: tuple[int, ...], passes: int) -> pd.DataFrame:
    """The rows, medians of several passes over everything: a machine that is busy for a while spoils one of them."""
    with tempfile.TemporaryDirectory() as folder:
        Costs(Path(folder) / "warm").parts(grown("images", 1))  # imports, and code that is compiled at its first use
        rows = [row for i in range(passes) for row in once(counts, Path(folder) / str(i))]
    return pd.DataFrame(rows).groupby(["thing", "number", "part"], sort=False, as_index=False).median()


def fitted(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the exponents of each thing and part."""
    parts = []
    for _, part in rows.groupby(["thing", "part"], sort=False):
        x, y = np.log(part["number"].to_numpy(float)), np.log(part["cpu_seconds"].to_numpy(float))
        last = (y[-1] - y[-2]) / (x[-1] - x[-2])
        parts.append(part.assign(exponent=round(float(np.polyfit(x, y, 1)[0]), 2), last=round(float(last), 2)))
    return pd.concat(parts)


def draw(rows: pd.DataFrame, path: Path) -> None:
    """One panel a thing, both axes logarithmic, and a dotted line that is linear."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(GROWING), figsize=(13, 4.6), layout="constrained")
    for axis, (thing, found) in zip(axes, rows.groupby("thing", sort=False), strict=True):
        for part, line in found.groupby("part", sort=False):
            label = f"{part} ({line['exponent'].iloc[0]:.2f})"
            axis.plot(line["number"], line["cpu_seconds"], marker="o", lw=2.5 if part == "all" else 1.2, label=label)
        whole = found[found["part"] == "all"]
        straight = whole["cpu_seconds"].iloc[0] * whole["number"] / whole["number"].iloc[0]
        axis.plot(whole["number"], straight, ":", color="grey", label="linear (1.00)")
        axis.set(xscale="log", yscale="log", xlabel=thing, xticks=whole["number"], xticklabels=whole["number"])
        axis.minorticks_off()
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2}  # no line is behind it
        axis.legend(fontsize=8, title="part (exponent)", title_fontsize=8, **below)
    axes[0].set_ylabel("processor seconds")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Read the command line, measure, write the table and the figure."""
    wanted = parser(__doc__).parse_args()
    rows = fitted(measured((1, 2, 4), 1) if wanted.quick else measured((1, 2, 4, 8, 16), PASSES))
    table = rows.assign(cpu_seconds=rows["cpu_seconds"].round(3), **machine(torch.get_num_threads()))
    table.to_csv(folder(wanted) / "scaling.csv", index=False, lineterminator="\n")
    draw(rows, folder(wanted) / "scaling.png")


if __name__ == "__main__":
    main()
