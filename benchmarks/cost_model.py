"""What a cell costs, from what small cells cost: is the cost model of docs/scaling.md right?

    python -m benchmarks.cost_model [--quick] [--out reports/benchmarks]

    seconds = start + prepare + images x (judging + forwards x FORWARD + gradients x GRADIENT)

`start` (read the weights, check their digest) and `judging` (classify, save, compare each image) come from two cells
without an attack, GRADIENT (one forward and one backward pass) from PGD with 5 and with 25 steps, FORWARD and `prepare`
(make the classifier ready for an attack, once a cell that asks it anything) from these and Square with 50 queries.
Forwards and gradients are the means an image that the cells' own rows say (`queries` less `backwards`, and
`backwards`). Other cells with more images are then done and compared. Processor seconds; it writes cost_model.csv.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from benchmarks import pipeline_memory
from benchmarks.wanted import folder, machine, parser
from robustgan import steps, tables

THREAT = {"norm": "linf", "eps": "2/255"}
CLEAN, PGD, LONG, SQUARE = (
    {"kind": "clean"},
    {"kind": "pgd", "steps": 5, "threat": THREAT},
    {"kind": "pgd", "steps": 25, "threat": THREAT},
    {"kind": "square", "queries": 50, "threat": THREAT},
)
CHECKED: dict[str, dict[str, Any]] = {
    "noise": {"kind": "noise", "threat": THREAT},
    "fgsm": {"kind": "fgsm", "threat": THREAT},
    "pgd-20": {"kind": "pgd", "steps": 20, "threat": THREAT},
    "pgd-40": {"kind": "pgd", "steps": 40, "threat": THREAT},
    "apgd-20": {"kind": "apgd", "steps": 20, "threat": THREAT},
    "square-100": {"kind": "square", "queries": 100, "threat": THREAT},
}
SMALL, LARGE = 128, 512  # planted images; a fifth of them is attacked, or a little more
MODEL = {"kind": "densenet", "variant": "compact"}
SIZE = 64


class Cell(NamedTuple):
    """What a finished cell cost and did."""

    seconds: float
    images: int
    forwards: float  # an image, without those that a gradient needs
    gradients: float  # an image


class Model(NamedTuple):
    """Processor seconds of the parts of a cell."""

    start: float
    prepare: float
    judging: float
    forward: float
    gradient: float

    def predict(self, images: int, forwards: float, gradients: float) -> float:
        """What a cell costs."""
        once = self.start + (self.prepare if forwards + gradients > 0 else 0.0)
        return once + images * (self.judging + forwards * self.forward + gradients * self.gradient)


def fit(clean: tuple[Cell, Cell], pgd: tuple[Cell, Cell], square: Cell) -> Model:
    """The model from two cells without an attack, two with gradients and one with questions, of as many images."""
    small, large = clean
    judging = (large.seconds - small.seconds) / (large.images - small.images)
    bare = Model(small.seconds - small.images * judging, 0.0, judging, 0.0, 0.0)
    short, long = pgd
    images = short.images
    gradient = (long.seconds - short.seconds) / (images * (long.gradients - short.gradients))
    apart = square.seconds - short.seconds + images * gradient * short.gradients  # preparing cancels out
    forward = apart / (images * (square.forwards - short.forwards))
    prepare = square.seconds - bare.predict(images, 0, 0) - images * forward * square.forwards
    return bare._replace(prepare=prepare, forward=forward, gradient=gradient)


def done(place: Path, name: str, attack: dict[str, Any]) -> Cell:
    """Do a cell."""
    settings = {"attack": attack, "attack_seed": 0, "batch": 32, "gallery": 0}
    work = pipeline_memory.work(place, name, settings, ("pixels", "split", "classifier"))
    start = time.process_time()
    steps.attacked(work)
    seconds = time.process_time() - start
    rows = tables.read(work.folder / "predictions.parquet", tables.PREDICTIONS)
    gradients = float(rows["backwards"].mean())
    return Cell(seconds, len(rows), float(rows["queries"].mean()) - gradients, gradients)


def places(root: Path) -> tuple[Path, Path]:
    """Two studies, one classifier."""
    found = root / "small", root / "large"
    for place, images in zip(found, (SMALL, LARGE), strict=True):
        pipeline_memory.plant(place, images, SIZE)
    training = {"model": MODEL, "training": {"epochs": 2, "batch": 32}}
    steps.classifier(pipeline_memory.work(found[1], "classifier", training, ("pixels", "split")))
    (found[0] / "classifier").symlink_to(found[1] / "classifier")
    return found


def measured(names: list[str]) -> pd.DataFrame:
    """One row a checked cell."""
    with tempfile.TemporaryDirectory() as root:
        small, large = places(Path(root))
        done(small, "warm", PGD)
        clean = done(small, "clean", CLEAN), done(large, "clean", CLEAN)
        pgd = done(small, "pgd", PGD), done(small, "long", LONG)
        model = fit(clean, pgd, done(small, "square", SQUARE))
        print(model, flush=True)
        rows = []
        for name in names:
            cell = done(large, f"checked {name}", CHECKED[name])
            rows.append(row(name, cell, model))
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def row(name: str, cell: Cell, model: Model) -> dict[str, Any]:
    """A cell beside what the model says of it."""
    expected = model.predict(cell.images, cell.forwards, cell.gradients)
    return {
        "attack": name, "images": cell.images, "forwards": round(cell.forwards, 2),
        "gradients": round(cell.gradients, 2), "cpu_seconds": round(cell.seconds, 2),
        "predicted": round(expected, 2), "ratio": round(cell.seconds / expected, 2),
        **{f"{part}_ms": round(1000 * value, 3) for part, value in model._asdict().items()},
        **machine(torch.get_num_threads()),
    }  # fmt: skip


def main() -> None:
    """Measure and write the table."""
    wanted = parser(__doc__).parse_args()
    names = ["fgsm", "pgd-20"] if wanted.quick else list(CHECKED)
    measured(names).to_csv(folder(wanted) / "cost_model.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
