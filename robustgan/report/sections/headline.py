"""One paragraph in plain words, written from the numbers."""

from __future__ import annotations

import pandas as pd

from robustgan.gates.origin import CLAIM
from robustgan.metrics import WORST
from robustgan.report import cases as lookup
from robustgan.report.cases import ALARMS, MISSED, POOLED, SUCCESS, Case, cell, rows_of
from robustgan.report.faithfulness import worse
from robustgan.report.folder import Folder, Rows, records
from robustgan.report.words import count, interval, listed, percent, points


def words(folder: Folder, model: str) -> str:
    """What happened to one classifier."""
    bad, clean = lookup.broken(folder, model), _working(folder, model)
    if POOLED in bad:
        return f"{clean} Because the classifier itself does not work, no drop is read from it."
    rival = strongest(folder, model)
    made = _generated(folder, model)
    if rival is None:
        return " ".join(filter(None, [clean, "No attack with a budget was run on it.", made]))
    rest = [
        _worst(folder, rival),
        _generator(folder, rival),
        _noise(folder, rival),
        _place(folder, rival, bad),
    ]
    return " ".join(filter(None, [clean, _attack(folder, rival), *rest, made]))


def strongest(folder: Folder, model: str) -> Case | None:
    """The attack that leaves the lowest pooled balanced accuracy, at the budget of the headline."""
    left = {}
    for case in lookup.reference(lookup.cases(folder, model)):
        row = cell(rows_of(folder, case), "balanced_accuracy")
        if case.rival and row and row["value"] == row["value"]:
            left[case] = float(row["value"])
    return min(left, key=lambda case: left[case]) if left else None


def _working(folder: Folder, model: str) -> str:
    works = folder.works[(folder.works["model"] == model) & (folder.works["magnification"] == POOLED)]
    if works.empty:
        return f"{model} was not judged without an attack."
    row = records(works)[0]
    value = interval(row["balanced_accuracy"], row["low"], row["high"])
    seen = f"{count(row['images'], 'image')} of {count(row['groups'], 'patient')}"
    if why := folder.elsewhere.get(model):
        return f"On {seen}, {model} reaches a balanced accuracy of {value} %. It {why}: {CLAIM}."
    unseen = "" if folder.leaks_patients else " that it never saw in training"
    return f"On {seen}{unseen}, {model} reaches a balanced accuracy of {value} %."


def _attack(folder: Folder, case: Case) -> str:
    rows = rows_of(folder, case)
    falls = [f"pooled {name} from {_change(rows, name)}" for name in ("sensitivity", "specificity")]
    turned = [text for text in (_turned(rows, MISSED), _turned(rows, ALARMS)) if text]
    end = f": {listed(turned)}" if turned else ""
    return f"With {size(case)}, {case.name} takes {listed(falls)}{end}."


def size(case: Case) -> str:
    """A budget in words."""
    if case.norm == "linf":
        return f"no channel of any pixel changed by more than {lookup.grey_levels(case.eps)}"
    return f"a change of Euclidean length at most {case.eps:.3g}"


def _change(rows: Rows, metric: str) -> str:
    row = cell(rows, metric)
    return f"{percent(row['clean'])} % to {percent(row['value'])} %" if row else "n/a"


def _turned(rows: Rows, metric: str) -> str:
    row = cell(rows, metric)
    if not row or not row["images"]:
        return ""
    turned, total = round(row["value"] * row["images"]), int(row["images"])
    if metric == MISSED:
        return f"{turned:,} of {count(total, 'cancer image')} found before are missed"
    return f"{turned:,} of {count(total, 'benign image')} called right before become false alarms"


def _beside(folder: Folder, rival: Case) -> list[Case]:
    """Other cases at the budget, and with the seed, of the headline."""
    found = lookup.reference(lookup.cases(folder, rival.model))
    return [c for c in found if c != rival and c.source == rival.source and c.seed == rival.seed]


def _worst(folder: Folder, rival: Case) -> str:
    case = next((c for c in _beside(folder, rival) if c.attack == WORST), None)
    both = [cell(rows_of(folder, case), name) for name in ("sensitivity", "specificity")] if case else []
    left = [f"{row['metric']} {percent(row['value'])} %" for row in both if row]
    return f"With the best of all attacks for each image, {listed(left)} are left." if left else ""


def _generator(folder: Folder, rival: Case) -> str:
    case = next((c for c in _beside(folder, rival) if c.kind == "advgan"), None)
    rate = _success(folder, case)
    if not case or not rate:
        return ""
    told = "one pass of a trained generator (told the label, as gradient attacks are)"
    return f"{case.name}, {told}, turns {rate} % of all images that were right."


def _noise(folder: Folder, rival: Case) -> str:
    rate = _success(folder, next((c for c in _beside(folder, rival) if c.control), None))
    return f"Random noise of the same size turns {rate} % of the images that were right." if rate else ""


def _success(folder: Folder, case: Case | None) -> str:
    row = cell(rows_of(folder, case), SUCCESS) if case else None
    return interval(row["value"], row["low"], row["high"]) if row and row["images"] else ""


def _place(folder: Folder, case: Case, bad: dict[str, str]) -> str:
    rows, names = rows_of(folder, case), lookup.magnifications(folder.metrics)
    found = {m: cell(rows, "sensitivity", m) for m in names if m != POOLED and m not in bad}
    drops = {m: float(row["drop"]) for m, row in found.items() if row and row["drop"] == row["drop"]}
    if len(drops) < 2:
        return ""
    most, least = max(drops, key=lambda m: drops[m]), min(drops, key=lambda m: drops[m])
    where = f"most at {most} (by {points(drops[most])} points) and least at {least}"
    return f"Under {case.name}, sensitivity drops {where} (by {points(drops[least])} points)."


def _generated(folder: Folder, model: str) -> str:
    """What images from scratch do, beside the floor that real images set."""
    pooled = folder.fooling[(folder.fooling["model"] == model) & (folder.fooling["magnification"] == POOLED)]
    found = [part for _, part in pooled.groupby(["attack", "seed"], sort=False)]
    if not found:
        return ""
    faithful = sum(worse(part).holds for part in found)
    if len(found) > 1:
        return f"Of {len(found)} generators of images from scratch, label-faithful: {faithful}; their rates are below."
    if not faithful:
        return "The generator of images from scratch is not label-faithful: its fooling rates are no evidence."
    return _fooled(found[0][found[0]["label"] == "both"])


def _fooled(rows: pd.DataFrame) -> str:
    natural = _rate(rows, "natural", "fooling_rate")
    if not natural:
        return ""
    searched = _rate(rows, "searched", "fooling_rate")
    walked = _rate(rows, "walked", "fooling_rate")
    floor = _rate(rows, "real", "fooling_rate")
    name = lookup.shown(str(rows["attack"].iloc[0]))
    after = f"; after a search in latent space, {searched}" if searched else ""
    control = f"; after random steps as long as those of the search, {walked}" if walked else ""
    real = f"; of real images that the oracles accept, {floor}" if floor else ""
    return f"Of {name} images whose label all oracles accept, it gets wrong {natural}{after}{control}{real}."


def _rate(rows: pd.DataFrame, mode: str, metric: str) -> str:
    """A rate with its interval and its n: a rate of three images must not read like one of thousands."""
    found = rows[(rows["mode"] == mode) & (rows["metric"] == metric) & rows["value"].notna()]
    if found.empty:
        return ""
    row = records(found)[0]
    return f"{interval(row['value'], row['low'], row['high'])} % of {int(row['images']):,}"
