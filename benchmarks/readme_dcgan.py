"""The README's table of DCGANs: do labels hold, how near to real, what fools beside its floor; from the reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.shares import percent, tabled
from robustgan import tables
from robustgan.report.faithfulness import worse
from robustgan.report.folder import label_of, records

SUITES = {
    "dcgan_idc": "real tissue (IDC)",
    "dcgan": "simulated tissue, four magnifications",
    "gan_stability": "training rules, simulated tissue",
}
MODES = ("natural", "walked", "searched", "real")
HEAD = (
    "| suite | DCGAN | worst label: oracle accuracy, % | worst label: KID to training images / 95 % of real | "
    "natural, % | walked, % | searched, % | real (floor), % |\n|---|---|---|---|---|---|---|---|"
)


def table(reports: Path) -> str:
    """One row a DCGAN and classifier; empty where no suite has a report yet."""
    return tabled(HEAD, [reports / name for name in SUITES], "fooling.csv", _suite)


def _suite(folder: Path) -> Iterator[str]:
    run = json.loads((folder / "evidence" / "run.json").read_text("utf-8"))
    frame = tables.read(folder / "fooling.csv", tables.FOOLING)
    first = f"[{SUITES[folder.name]}](reports/{folder.name}/report.md)"
    for name in [label_of(entry) for entry in run["config"]["attacks"] if entry["kind"] == "dcgan"]:
        statuses = [entry for key, entry in run["generators"].items() if key.startswith(f"{name}, ")]
        mine = frame[frame["attack"] == name]
        bad = sorted({entry["status"] for entry in statuses} - {"ok"})
        seen = [part for _, part in mine.groupby(["model", "seed"])] or [mine]
        for part in seen:
            none = f"refused by the monitor: {', '.join(bad)}" if bad else "none: its stage failed"
            rates = [none, "", "", ""] if part.empty else _rates(part)
            yield f"| {' | '.join([first, name, _accuracy(part), _distance(statuses), *rates])} |"
            first = ""


def _rates(part: pd.DataFrame) -> list[str]:
    """Fooling rates with the number of accepted images; none where the labels of either class do not hold."""
    if not worse(part).holds:
        return ["not label-faithful", "", "", ""]
    pooled = part[(part["magnification"] == "pooled") & (part["label"] == "both") & (part["metric"] == "fooling_rate")]
    found = {row["mode"]: f"{percent(row)}, n {row['images']:,}" for row in records(pooled)}
    return [found.get(mode, "") for mode in MODES]


def _accuracy(part: pd.DataFrame) -> str:
    """The label that the oracles see least often in images that were asked to have it."""
    asked = part[(part["metric"] == "oracle_accuracy") & (part["mode"] == "natural") & (part["label"] != "both")]
    apart = asked[asked["magnification"] != "pooled"].sort_values("value", kind="stable")
    if apart.empty:
        return ""
    row = records(apart)[0]
    where = row["label"] if row["magnification"] == "unknown" else f"{row['label']} {row['magnification']}"
    return f"{percent(row)} ({where})"


def _distance(statuses: list[dict[str, Any]]) -> str:
    """The label most times as far from training images as 95 of 100 draws of real ones are; empty where unknown."""
    found = [pair for entry in statuses for pair in _pairs(entry.get("fidelity", {}))]
    if not found:
        return ""
    kid, most, what = max(found, key=lambda pair: pair[0] / pair[1])
    return f"{kid:.3f} / {most:.3f} ({what})"


def _pairs(fidelity: dict[str, Any]) -> Iterator[tuple[float, float, str]]:
    for label, values in fidelity.get("labels", {}).items():
        key = f"kid_{fidelity['extractor']}"
        kid, most = values.get(f"{key}_train"), values.get(f"{key}_floor_high")
        if kid is not None and most is not None and most > 0:
            yield kid, most, label
