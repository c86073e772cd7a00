"""The README's table of AdvGANs: each mode beside PGD-20 and noise of the same budget, from the committed reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.shares import percent, tabled
from robustgan import tables
from robustgan.report.cases import grey_levels
from robustgan.report.folder import label_of, records

SUITES = {
    "advgan_idc": "real tissue (IDC)",
    "advgan_idc_black_box": "real tissue (IDC), black box",
    "advgan": "simulated tissue, four magnifications",
    "transfer": "five classifiers, simulated tissue",
}
METRICS = {"any": "attack_success", "hide": "missed_cancers", "invent": "false_alarms"}
JUDGED = {"any": "all", "hide": "malignant", "invent": "benign"}
STEPS = 20  # of the PGD that stands beside each
HEAD = (
    f"| suite | AdvGAN | eps | on | right when clean, then fooled, % | n | PGD-{STEPS}, % | noise, % | "
    "on other classifiers, % | images asked about |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(reports: Path) -> str:
    """One row an AdvGAN, classifier and budget; empty where no suite has a report yet."""
    return tabled(HEAD, [reports / name for name in SUITES], "metrics.csv", _suite)


def _suite(folder: Path) -> Iterator[str]:
    run = json.loads((folder / "evidence" / "run.json").read_text("utf-8"))
    frame = tables.read(folder / "metrics.csv", tables.METRICS)
    frame = frame[(frame["magnification"] == "pooled") & (frame["subtype"] == "all") & (frame["unit"] == "image")]
    attacks = {label_of(entry): entry for entry in run["config"]["attacks"]}
    first = f"[{SUITES[folder.name]}](reports/{folder.name}/report.md)"
    for name, entry in attacks.items():
        if entry["kind"] != "advgan":
            continue
        goal = entry["goal"]
        mine = frame[(frame["metric"] == METRICS[goal]) & (frame["norm"] == "linf")]
        for row in records(mine[(mine["attack"] == name) & (mine["model"] == mine["source"])]):
            there = mine[((mine["eps"] - row["eps"]).abs() < 1e-6) & (mine["seed"] == row["seed"])]
            cells = [*_named(row, frame), grey_levels(row["eps"]), JUDGED[goal], percent(row), f"{row['images']:,}"]
            yield f"| {' | '.join([first, *cells, *_beside(there, row, attacks), _asked(run, row)])} |"
            first = ""


def _named(row: dict[str, Any], frame: pd.DataFrame) -> list[str]:
    on = f" on {row['model']}" if frame["model"].nunique() > 1 else ""
    seed = f", seed {row['seed']}" if frame["seed"].nunique() > 1 else ""
    return [f"{row['attack']}{on}{seed}"]


def _beside(there: pd.DataFrame, row: dict[str, Any], attacks: dict[str, Any]) -> list[str]:
    """PGD and noise on the same classifier; this attack's images on all others, from the lowest to the highest."""
    pgd = [name for name, entry in attacks.items() if entry["kind"] == "pgd" and entry["steps"] == STEPS]
    noise = [name for name, entry in attacks.items() if entry["kind"] == "noise"]
    home = there[(there["model"] == row["model"]) & (there["source"] == row["model"])]
    rivals = [home[home["attack"].isin(names)] for names in (pgd, noise)]
    moved = there[(there["attack"] == row["attack"]) & (there["source"] == row["source"])]
    away = 100 * moved.loc[moved["model"] != row["model"], "value"]
    spread = f"{away.min():.1f} to {away.max():.1f}" if len(away) else ""
    return [*(percent(records(rival)[0]) if len(rival) else "" for rival in rivals), spread]


def _asked(run: dict[str, Any], row: dict[str, Any]) -> str:
    """Images that a black box asked the classifier about, over all folds; nothing for a white box."""
    name = f"{row['attack']} linf {grey_levels(row['eps'])} on {row['model']}"
    mine = [
        entry["queries"]["used"]
        for key, entry in run.get("checks", {}).items()
        if re.fullmatch(rf"{re.escape(name)}(, seed {row['seed']})?, fold \d+", key) and entry["queries"]
    ]
    return f"{sum(mine):,}" if mine else ""
