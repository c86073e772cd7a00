"""Cases: one attack at one budget, as tables and figures name it; and how to look up its numbers."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import pandas as pd

from robustgan.metrics import WORST
from robustgan.report.folder import Folder, Row, Rows, case_key, records
from robustgan.report.words import interval

POOLED = "pooled"
SUCCESS, MISSED, ALARMS = "attack_success", "missed_cancers", "false_alarms"
SHOWN_AS = {
    "clean": "Clean",
    "pgd": "PGD",
    "fgsm": "FGSM",
    "advgan": "AdvGAN",
    "dcgan": "DCGAN",
    "noise": "Noise",
    "apgd": "Auto-PGD",
    "fab": "FAB",
    "square": "Square",
    "ensemble": "Ensemble",
    WORST: "Worst case",
}


class Case(NamedTuple):
    """One attack at one budget on one classifier."""

    model: str
    source: str
    attack: str
    norm: str
    eps: float
    seed: int
    kind: str
    seeded: bool  # more than one seed was run: names must tell them apart

    @property
    def name(self) -> str:
        """The attack, without its budget."""
        name = shown(self.attack)
        other = f" made on {self.source}" if self.source != self.model else ""
        return name + other + (f", seed {self.seed}" if self.seeded else "")

    @property
    def title(self) -> str:
        """The attack with its budget."""
        return f"{self.name} {budget(self.norm, self.eps)}".rstrip()

    @property
    def control(self) -> bool:
        """Whether this is random noise, beside which every attack is read."""
        return self.kind == "noise"

    @property
    def clean(self) -> bool:
        """Whether nothing was attacked."""
        return self.kind == "clean"

    @property
    def rival(self) -> bool:
        """Whether this is one attack that tries: neither clean, nor noise, nor the worst of all."""
        return not (self.clean or self.control or self.attack == WORST)


def shown(attack: str) -> str:
    """How people read the name of an attack: `ART Momentum Iterative Method`."""
    if attack in SHOWN_AS:
        return SHOWN_AS[attack]
    toolbox, dash, method = attack.partition("-")
    if toolbox == "art" and dash:
        return "ART " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", method)
    return attack.replace("_", " ")


def grey_levels(eps: float) -> str:
    """A budget on the [0, 1] scale in levels of 8 bits: `8/255`."""
    level = 255 * eps
    whole = abs(level - round(level)) < 1e-3 or (level < 8 and abs(2 * level - round(2 * level)) < 1e-3)
    return f"{level:.4g}/255" if whole else f"{eps:.3g}"


def budget(norm: str, eps: float) -> str:
    """How a budget is written: `8/255`, `L2 0.5`, nothing where there is none."""
    if math.isnan(eps):
        return ""
    return grey_levels(eps) if norm == "linf" else f"{norm.upper()} {eps:.3g}"


def cases(folder: Folder, model: str) -> list[Case]:
    """Attacks on a classifier itself: by norm, in the order of the config, from small to large budgets."""
    return [case for case in _all_cases(folder, model) if case.source == model]


def transfers(folder: Folder, model: str) -> list[Case]:
    """Attacks on other classifiers whose images this one judged too, in the same order."""
    return [case for case in _all_cases(folder, model) if case.source != model and case.rival]


def _all_cases(folder: Folder, model: str) -> list[Case]:
    rows = folder.metrics[folder.metrics["model"] == model]
    identity = rows[["model", "source", "attack", "norm", "eps", "seed"]].drop_duplicates()
    rank = {name: i for i, name in enumerate(folder.kinds)}
    seeded = identity["seed"].nunique() > 1
    found = []
    for row in records(identity):
        kind = folder.kinds.get(row["attack"], str(row["attack"]))
        found.append(Case(**row, kind=kind, seeded=seeded))
    order = {"linf": 0, "l2": 1}
    return sorted(
        found,
        key=lambda c: (
            order.get(c.norm, 2),
            rank.get(c.attack, len(rank)),
            c.source,
            c.attack,
            c.eps,
            c.seed,
        ),
    )


def rows_of(folder: Folder, case: Case) -> Rows:
    """METRICS rows of a case, by (unit, magnification, subtype, metric)."""
    return folder.lookup.get(case_key(case.model, case.source, case.attack, case.norm, case.eps, case.seed), {})


def of(frame: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Rows of a case in any table that says which attack they are of."""
    for name in ("model", "source", "attack", "norm", "seed"):
        frame = frame[frame[name] == getattr(case, name)]
    return frame[frame["eps"].isna() if math.isnan(case.eps) else (frame["eps"] - case.eps).abs() < 1e-6]


def cell(rows: Rows, metric: str, magnification: str = POOLED, unit: str = "image", subtype: str = "all") -> Row | None:
    """The one METRICS row for a metric; None where the table has none."""
    return rows.get((unit, magnification, subtype, metric))


def magnifications(frame: pd.DataFrame) -> list[str]:
    """Magnifications of a METRICS table from low to high, pooled last; a single one stands for pooled."""
    names = sorted(set(frame["magnification"]) - {POOLED}, key=lambda name: (len(name), name))
    return names if len(names) == 1 else [*names, POOLED]


def reference(found: list[Case]) -> list[Case]:
    """The cases at the budget that most attacks share (of several, the largest): the headline's budget."""
    rivals = [case for case in found if case.rival and not math.isnan(case.eps)]
    shared: dict[tuple[bool, int, float], set[str]] = {}
    for case in rivals:
        shared.setdefault((case.norm == "linf", 0, case.eps), set()).add(case.name)
    if not shared:
        return []
    linf, _, eps = max(shared, key=lambda key: (key[0], len(shared[key]), key[2]))
    return [c for c in found if not c.clean and (c.norm == "linf") == linf and abs(c.eps - eps) < 1e-9]


def broken(folder: Folder, model: str) -> dict[str, str]:
    """Magnifications at which the classifier does not work without an attack, with the reason."""
    rows = folder.works[(folder.works["model"] == model) & ~folder.works["works"].astype(bool)]
    return {str(row["magnification"]): _reason(row) for row in records(rows)}


def _reason(row: Row) -> str:
    value = interval(row["balanced_accuracy"], row["low"], row["high"])
    why = str(row["why"])
    return f"balanced accuracy {value} %, chance is 50 %" if why.startswith("balanced accuracy") else why
