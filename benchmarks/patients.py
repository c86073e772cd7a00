"""How an attack's generator depends on the number of training patients.

    python benchmarks/patients.py benchmarks/advgan_idc.yaml advgan --data DATA --out OUT
    python benchmarks/patients.py benchmarks/dcgan_idc.yaml dcgan --set training.steps=2000 --data DATA --out OUT

The generator of a suite is trained again on a half, a quarter, ... of the training patients, each part within the one
before it, for as many steps, and is measured on the patients of validation: test patients are never touched. The
classifiers are the suite's own, which saw all training patients. Of an AdvGAN the curve is success among validation
and training images that were right, and on surrogates that learned the classifier's answers; of a DCGAN, for each
label, KID with its floor and what share of natural images the judging oracles call what was asked for. It writes
reports/benchmarks/patients-<suite>-<attack>.csv and .png.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
import torch

from robustgan import config
from robustgan.errors import InputError, RunError
from robustgan.experiment import Experiment, read_experiment
from robustgan.inputs import attack_of, classifier_of, samples
from robustgan.interfaces import AnyAttack, Samples, State
from robustgan.journal import Journal, silent
from robustgan.pipeline import build
from robustgan.stage import Place, Stage
from robustgan.stages import stages
from robustgan.work import Work

SHARES = (1.0, 0.5, 0.25, 0.125)
FOLDER = Path(__file__).parents[1] / "reports" / "benchmarks"
Row = dict[str, Any]


def nested(train: Samples, share: float) -> Samples:
    """Images of this share of the patients; a smaller share's patients are among a larger one's."""
    patients = np.random.default_rng(0).permutation(train.rows["group"].unique())
    kept = train.rows["group"].isin(patients[: max(2, round(share * len(patients)))]).to_numpy()
    rows = torch.from_numpy(np.flatnonzero(kept)).to(train.images.device)
    return Samples(train.images[rows], train.labels[rows], train.rows[kept].reset_index(drop=True))


def lengthened(attack: AnyAttack, share: float) -> AnyAttack:
    """The attack with as many steps on fewer images: epochs grow as the images shrink."""
    settings = attack.settings()
    if "epochs" in settings:
        settings["epochs"] = round(settings["epochs"] / share)
    return config.plugin("attacks", settings)


def measured(work: Work, share: float) -> Iterator[Row]:
    """Train on this share of the patients, and measure on those of validation."""
    train, val = nested(samples(work, "train"), share), samples(work, "val")
    attack = lengthened(attack_of(work), share)
    victim = classifier_of(work, "classifier")
    torch.manual_seed(work.settings["seed"])
    network = attack.build().to(val.images.device)
    rng = torch.Generator().manual_seed(work.settings["seed"])
    attack.fit(victim, train, val, State(network, rng), Journal(work.folder, work.tick))
    of_share = {"share": share, "patients": train.rows["group"].nunique(), "images": len(train)}
    if attack.paired:
        found = [*pairs(work.folder)]
    else:
        found = [*distances(work.folder)]
        judges = [classifier_of(work, name) for name in sorted(work.inputs) if name.startswith("oracle")]
        try:
            rows = attack.fool(victim, judges, network.eval(), val, work.settings["seed"], work.folder, silent)
            found += agreements(rows)
        except RunError as error:  # the monitor refused the generator: it has a distance, and no rate
            print(f"{share:g} of the patients: {error}", flush=True)
    yield from ({**of_share, **row} for row in found)


def pairs(folder: Path) -> Iterator[Row]:
    """Success of an attack that changes images."""
    checks = json.loads((folder / "checks.json").read_text("utf-8"))
    for side in ("validation", "training"):
        yield {"measure": "success", "what": side, "value": checks[side]["any"]["success"]}
    yield {"measure": "success", "what": "noise", "value": checks["validation"]["any"]["noise_success"]}
    for what, value in (checks["validation"]["surrogates"] or {}).items():
        yield {"measure": "surrogates", "what": what, "value": value}


def distances(folder: Path) -> Iterator[Row]:
    """Distance of generated images to held-out ones, and of training images to them."""
    status = json.loads((folder / "status.json").read_text("utf-8"))
    for label, row in status["fidelity"]["labels"].items():
        if "kid_scatter" in row:  # too few held-out images of a label say nothing
            yield {"measure": "kid_scatter", "what": label, "value": row["kid_scatter"]}
            yield {"measure": "kid_scatter", "what": f"{label}, floor", "value": row["kid_scatter_floor"]}


def agreements(rows: pd.DataFrame) -> Iterator[Row]:
    """Share of natural images that the judging oracles, on average, call what was asked for."""
    natural = rows[rows["mode"] == "natural"]
    for label, part in natural.groupby("label"):
        name = ("benign", "malignant")[int(label)]
        yield {"measure": "oracle_accuracy", "what": name, "value": float((part["oracle_mean"] >= 0.5).mean())}


def inputs(stage: Stage, place: Place) -> dict[str, Path]:
    """What a stage needs, made where it is not there yet."""
    for need in stage.needs.values():
        inputs(need, place)
        if need.kind not in ("generator", "attacked"):
            build(need, place, lambda stage, kept: silent)
    return {name: place.folder(need) for name, need in stage.needs.items()}


def draw(table: pd.DataFrame, path: Path, title: str) -> None:
    """One panel a measure: value against training patients, a line for each thing measured."""
    mpl.use("Agg")
    grid = sns.relplot(
        table, x="patients", y="value", hue="what", style="what", col="measure", kind="line", markers=True,
        dashes=False, facet_kws={"sharey": False}, height=4,
    )  # fmt: skip
    counts = sorted(table["patients"].unique())
    grid.set(xscale="log", xlabel="training patients", xticks=counts, xticklabels=counts)
    for axes in grid.axes.flat:
        axes.minorticks_off()
    grid.figure.suptitle(title, y=1.03, fontsize="medium")
    grid.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Read the command line, measure, and write table and figure after each share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of it")
    wanted, plan, place, stage = asked(parser)
    settings = reduce(config.override, wanted.set, stage.settings["attack"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"patients-{plan.name}-{wanted.attack}.csv"
    rows: list[Row] = []
    for share in SHARES:
        with tempfile.TemporaryDirectory() as folder:
            given = {**stage.settings, "attack": settings}
            work = Work(given, inputs(stage, place), Path(folder), place.data, silent)
            rows += measured(work, share)
        table = pd.DataFrame(rows).assign(suite=plan.name, attack=wanted.attack, changed=" ".join(wanted.set))
        print(table.to_string(index=False), flush=True)
        table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        draw(table, path.with_suffix(".png"), f"{plan.name}: {wanted.attack}")


def asked(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, Experiment, Place, Stage]:
    """The command line, with the suite, the place and the attack's cell that it names."""
    parser.add_argument("suite", type=Path)
    parser.add_argument("attack", help="its name in the suite")
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--out", type=Path, default=Path(), help="where the suite ran")
    wanted = parser.parse_args()
    place = Place(wanted.out.resolve(), wanted.data.resolve())
    try:
        plan = read_experiment(wanted.suite)
        return wanted, plan, place, stage_of(plan, place, wanted.attack)
    except InputError as error:
        parser.error(str(error))


def stage_of(plan: Experiment, place: Place, attack: str) -> Stage:
    """The first cell of the attack.

    Raises:
        InputError: the suite has no attack of that name.
    """
    cells = [s for s in stages(plan, place) if s.kind in ("attacked", "forged")]
    for cell in cells:
        if named(cell) == attack:
            return cell
    names = ", ".join(dict.fromkeys(map(named, cells)))
    raise InputError(f"{plan.name}: found no attack `{attack}`; it has {names}.")


def named(stage: Stage) -> str:
    """The attack's name."""
    return str(stage.settings["attack"].get("name") or stage.settings["attack"]["kind"])


if __name__ == "__main__":
    main()
