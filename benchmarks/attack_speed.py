"""How fast attacks come to a verdict: robustgan, ART, foolbox, torchattacks, AutoAttack on the same model and images.

    uv pip install --group parity -e . ; python -m benchmarks.attack_speed --original PLACE/auto-attack

Two compact DenseNets of simulated tissue (`tissue.py`), one trained as usual and one adversarially, are attacked within
Linf 8/255. Everything is one batch, in one process; each round runs everything once, in turn, and the rounds' median
stands in the table. What takes part, and how it is told the same, is in `racers.py`.

- `seconds` are those of the processor, summed over threads (`clock`: cpu), or those that pass, waiting for the GPU
  (`clock`: wall). A first run on two images is not timed.
- `ratio_to_floor` holds them against the floor of the same round: as many forward passes and input gradients of the
  model as it is, frozen, as the attack takes of an image that never falls (`gradients`).
- `robust_accuracy` counts images on which the model as it is is right, before and after; `as_8_bit` after rounding
  inside the budget. `changed` is how many verdicts as 8 bits differ from those of robustgan on the model as it is.
- The attacks of a model are measured in two blocks, each with its floor. Where the floors of a gradient differ by more
  than a tenth, the machine was disturbed, and a slow floor flatters ratios: the slower block is measured again, at most
  twice, and kept with its fastest floor. Where that does not help, `note` of its floor says so, and so does stderr.
- robustgan's preparation of the model is timed apart (`prepare`): a run does it once, for all images.

It writes reports/benchmarks/attack_speed.csv and attack_speed.png; with --quick, PGD on 16 images of the first model
alone, under out/benchmarks.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from torch import Tensor, nn

from benchmarks.parity import judged
from benchmarks.racers import AbsentError, Racer, Size, climbers, ensembles
from benchmarks.rivals import PGD_STEPS, Terms
from benchmarks.tissue import classifier, tissue
from robustgan import device
from robustgan.attacks._margin import raw_slope
from robustgan.interfaces import Linf
from robustgan.prepare import prepared
from robustgan.quantise import to_8_bit, to_float

ROOT = Path(__file__).parents[1]
THREAT = Linf(eps=8 / 255)
HARDENED = {"epochs": 60, "patience": 60, "adversarial": {"eps": "3/255", "steps": 3}}
SIZE = Size(steps=50, queries=300)  # of the ensemble
QUICK = 16  # images
APART, AGAIN = 1.1, 2  # how far floors of one model may be apart, and how often a block is measured again for that
MODELS = ("undefended", "hardened")
COLUMNS = (
    "attack", "library", "model", "images", "gradients", "seconds", "images_per_second", "ratio_to_floor",
    "robust_accuracy", "as_8_bit", "changed", "rounds", "note", "clock", "machine", "threads", "load", "versions",
)  # fmt: skip
Row = dict[str, Any]
PACKAGES = ("torch", "timm", "adversarial-robustness-toolbox", "foolbox", "torchattacks")


class Field(NamedTuple):
    """A model, in all the forms in which it is attacked, and the images."""

    name: str
    victims: dict[str, nn.Module]
    x: Tensor
    y: Tensor

    def first(self, images: int) -> Field:
        """With fewer images."""
        return self._replace(x=self.x[:images], y=self.y[:images])


def timed(work: Callable[[], Any], place: torch.device) -> tuple[float, Any]:
    """Seconds that the work takes, and what it gives."""
    wait = torch.cuda.synchronize if place.type == "cuda" else (lambda: None)
    clock = time.perf_counter if place.type == "cuda" else time.process_time
    wait()
    start = clock()
    found = work()
    wait()
    return clock() - start, found


def floor(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """What PGD-20 cannot do without: 20 forward passes and input gradients of the model as it is."""
    for _ in range(PGD_STEPS):
        raw_slope(model, x, y)


def race(field: Field, racers: list[Racer], terms: Terms, gradients: int, rounds: int) -> list[Row]:
    """Run everything once a round, each round in another order, and the floor at the start of each."""
    able, rows = [], []
    for racer in racers:
        note = failure(racer, field)
        if note:
            rows.append({"attack": racer.attack, "library": racer.library, "note": note})
        else:
            able.append(racer)
    spent: dict[Racer, list[float]] = {racer: [] for racer in able}
    bases: list[float] = []
    made: dict[Racer, Tensor] = {}
    for number in range(rounds):
        bases.append(timed(lambda: floor(field.victims["plain"], field.x, field.y), field.x.device)[0])
        turn = number % len(able)
        for racer in able[turn:] + able[:turn]:
            seconds, made[racer] = timed(lambda racer=racer: run(racer, field), field.x.device)
            spent[racer].append(seconds)
    scale = gradients / PGD_STEPS
    rows.append(summed([base * scale for base in bases], [1.0], field, racers[0].attack, "floor"))
    for racer in able:
        ratios = [seconds / base / scale for seconds, base in zip(spent[racer], bases, strict=True)]
        row = summed(spent[racer], ratios, field, racer.attack, racer.library)
        row |= judged(terms, field.victims["plain"], field.x, field.y, made[racer].detach())
        rows.append(row | {"changed": changed(made, racer, field)})
    return [{**row, "gradients": gradients, "images": len(field.y), "rounds": rounds} for row in rows]


def run(racer: Racer, field: Field) -> Tensor:
    """One attack on all images."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - ART draws from it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return racer.run(field.victims[racer.victim], field.x, field.y)


def failure(racer: Racer, field: Field) -> str:
    """Why a library cannot take part; empty where it can. This is the run that is not timed."""
    try:
        run(racer, field.first(2))
    except AbsentError as error:
        return str(error)
    except ImportError as error:
        return f"not installed: {error}"
    except Exception as error:  # another library's failure is a finding, not ours to handle
        return f"failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return ""


def summed(seconds: list[float], ratios: list[float], field: Field, attack: str, library: str) -> Row:
    """The medians of the rounds."""
    middle = median(seconds)
    rate = round(len(field.y) / middle, 2)
    row: Row = {"attack": attack, "library": library, "seconds": round(middle, 3), "images_per_second": rate}
    return {**row, "ratio_to_floor": round(median(ratios), 3)}


def changed(made: dict[Racer, Tensor], racer: Racer, field: Field) -> int | None:
    """How many verdicts differ from those of robustgan on the model as it is; None for other libraries."""
    base = next((other for other in made if other.victim == "plain" and other.library.startswith("robustgan")), None)
    if base is None or not racer.library.startswith("robustgan"):
        return None
    clean = (field.x * 255).round().to(torch.uint8)
    calls = [
        field.victims["plain"](to_float(to_8_bit(clean, THREAT.project(field.x, made[who]), THREAT))).argmax(1)
        for who in (base, racer)
    ]
    return int((calls[0] != calls[1]).sum())


def fields(place: torch.device, names: tuple[str, ...]) -> Iterator[tuple[Field, Row]]:
    """The trained models with the images of the validation patients; and what preparing each takes."""
    train, val = tissue(place)
    for name in names:
        model = classifier(train, val, **(HARDENED if name == "hardened" else {})).requires_grad_(False)
        x = to_float(val.images)
        prepared(model, x)  # imports
        seconds, quick = timed(lambda model=model, x=x: prepared(model, x), place)
        victims = {"plain": model, "prepared": quick, "half": prepared(model, x, torch.bfloat16)}
        row = {"attack": "prepare", "library": "robustgan", "model": name, "seconds": round(seconds, 3), "rounds": 1}
        yield Field(name, victims, x, val.labels), row


def steady(blocks: Sequence[Callable[[], list[Row]]]) -> list[Row]:
    """The rows of the blocks of one model, those with a slow floor measured again, at most AGAIN times each."""
    found = [block() for block in blocks]
    for _ in range(AGAIN):
        least = min(map(base, found))
        for i, block in enumerate(blocks):
            if base(found[i]) > APART * least:
                found[i] = min(found[i], block(), key=base)
    least = min(map(base, found))
    for rows in found:
        share = base(rows) / least
        if share > APART:
            floor_of(rows)["note"] = f"disturbed: {share:.2f} times as slow as in this model's other block"
            print(f"{floor_of(rows)['attack']}: {floor_of(rows)['note']}; its ratios flatter.", file=sys.stderr)
    return [row for rows in found for row in rows]


def floor_of(rows: list[Row]) -> Row:
    """The row of a block's floor."""
    return next(row for row in rows if row["library"] == "floor")


def base(rows: list[Row]) -> float:
    """Seconds of a gradient of an image, by a block's floor."""
    row = floor_of(rows)
    return float(row["seconds"] / row["gradients"] / row["images"])


def measured(place: torch.device, wanted: argparse.Namespace) -> pd.DataFrame:
    """All rows; those of a model are printed as they come."""
    terms, rows = Terms(THREAT, 2, SIZE.queries, wanted.original), []
    for field, row in fields(place, MODELS[:1] if wanted.quick else MODELS):
        whole = field.first(QUICK) if wanted.quick else field
        blocks = [partial(race, whole, list(climbers(terms)), terms, PGD_STEPS, wanted.rounds)]
        if not wanted.quick:
            blocks.append(partial(race, whole, list(ensembles(terms, SIZE)), terms, 2 * SIZE.steps, wanted.rounds))
        rows += [row, *({**one, "model": field.name} for one in steady(blocks))]
        print(pd.DataFrame(rows).drop(columns="rounds").to_string(index=False), flush=True)
    return pd.DataFrame(rows).assign(**where(place)).reindex(columns=list(COLUMNS))


def where(place: torch.device) -> Row:
    """Machine, clock and versions."""
    found = [f"{name} {version}" for name in PACKAGES if (version := installed(name))]
    return {
        "clock": "wall" if place.type == "cuda" else "cpu",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {device.name(place)}",
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),  # runnable processes at the end: more than the cores take turns
        "versions": "; ".join(found),
    }


def installed(name: str) -> str:
    """Version of a package; empty where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def draw(table: pd.DataFrame, path: Path) -> None:
    """Bars of time over the floor, a panel an attack, a colour a model."""
    mpl.use("Agg")
    shown = table[table["ratio_to_floor"].notna()]
    grid = sns.catplot(
        shown, x="ratio_to_floor", y="library", hue="model", col="attack", kind="bar", sharey=False, height=4
    )
    for axes in grid.axes.flat:
        axes.axvline(1, color="0.4", linewidth=1, zorder=0)
    grid.set(xlabel="time, as a share of the floor", ylabel="")
    grid.set_titles("{col_name}")
    grid.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Read the command line, measure, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("AUTOATTACK")
    parser.add_argument("--original", type=Path, default=default, help="checkout of fra31/auto-attack; or $AUTOATTACK")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="PGD on 16 images of one model, under out/benchmarks")
    wanted = parser.parse_args()
    folder = ROOT / ("out" if wanted.quick else "reports") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.allow_tf32 = False  # as in a run: float32 is float32
    found = measured(device.choose(wanted.device), wanted)
    found.to_csv(folder / "attack_speed.csv", index=False, lineterminator="\n")
    draw(found, folder / "attack_speed.png")


if __name__ == "__main__":
    main()
