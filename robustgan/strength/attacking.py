"""Checks that compare attacks: what ought to be weaker must not find what the stronger one missed.

Source: Athalye, Carlini, Wagner 2018, "Obfuscated gradients give a false sense of security", section 3.1;
Carlini et al. 2019, "On evaluating adversarial robustness", sections 4 and 5 (https://arxiv.org/abs/1902.06705).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from robustgan.strength.fooled import WHITE, Probed, only
from robustgan.strength.limits import MISSED, RUN_MISSED
from robustgan.strength.rows import Row, counted, not_run

# check: (probe, what it is called, what it means where it finds more)
WEAKER = {
    "noise control": ("noise", "random noise", "the gradients lead nowhere"),
    "one-step": ("one-step", "one step", "the climb is broken or the gradients are shattered"),
    "black-box": ("black-box", "a search without gradients", "the gradients are masked"),
    "transfer": ("transfer", "an attack on a surrogate", "the classifier's own gradients are masked"),
    "noise pattern": ("quiet", "a climb without loud or fine noise", "the classifier reacts to the pattern of noise"),
}


def compared(probed: Probed) -> Iterator[Row]:
    """Weaker attacks against the gradient attacks within the budget."""
    strong = probed.by(*WHITE)
    for check, (probe, name, meaning) in WEAKER.items():
        expected = f"{name} fools no image that gradient attacks miss"
        yield less(check, probed.by(probe), strong, (name, "gradient attacks"), expected, meaning)
    varying = probed.by("expectation")
    if len(varying):
        expected = "attacking the mean of several answers fools no image that attacking one answer misses"
        names = ("an attack on the mean of several answers", "an attack on one")
        yield less("expectation", varying, strong, names, expected, "random answers hide the gradient")


def less(check: str, weak: pd.Series, strong: pd.Series, names: tuple[str, str], expected: str, meaning: str) -> Row:
    """Judge how many images the weaker attack alone fooled."""
    if not len(strong) or not len(weak):
        return not_run(check, f"{names[0] if not len(weak) else names[1]} did not run", expected)
    count, n = only(weak, strong)
    found = f"{names[0]} fools {int(weak.sum())} of {n} images, {names[1]} {int(strong.sum())}"
    tail = f", {count} of them that {names[1]} missed" if count else ", none that they missed"
    row = counted(check, count, n, MISSED, found + tail, expected)
    return row._replace(found=f"{row.found}: {meaning}") if row.status == "fail" else row


def converged(probed: Probed) -> Iterator[Row]:
    """More steps and more restarts: an attack that has converged finds nothing new."""
    for check, probe, unit in (("iterations", "iterations", "steps"), ("restarts", "restarts", "restarts")):
        settings = probed.settings(probe)
        expected = f"more {unit} change nothing"
        if len(settings) < 2:
            yield not_run(check, "gradient attacks did not run", expected)
            continue
        few, many = settings[-2:]
        weak, strong = probed.at(probe, few), probed.at(probe, many)
        count, n = only(strong, weak)
        found = f"{few:g} {unit} fool {int(weak.sum())} of {n} images, {many:g} fool {int(strong.sum())}"
        yield counted(check, count, n, MISSED, f"{found} ({count} new)", expected)


def budgets(probed: Probed) -> Iterator[Row]:
    """The curve over the budget: it rises, and it reaches every image."""
    sizes = probed.settings("budget")
    rises, reaches = "what a budget fools, a larger one fools", "the largest budget fools every image"
    if len(sizes) < 2:
        yield not_run("larger budgets", "gradient attacks did not run", rises)
        yield not_run("unbounded", "gradient attacks did not run", reaches)
        return
    at = [probed.at("budget", size) for size in sizes]
    lost = [only(small, large) for small, large in pairwise(at)]
    worst = max(range(len(lost)), key=lambda i: lost[i][0])
    curve = ", ".join(f"{int(fooled.sum())} at {size:.3g}" for size, fooled in zip(sizes, at, strict=True))
    found = f"fooled of {lost[worst][1]}: {curve}; at most {lost[worst][0]} lost from one budget to the next"
    yield counted("larger budgets", *lost[worst], MISSED, found, rises)
    yield unbounded(probed, sizes[-1], reaches)


def unbounded(probed: Probed, size: float, expected: str) -> Row:
    """Whether every image falls at the largest budget, or all answers are the same (the majority rate)."""
    fooled = probed.at("budget", size)
    left, n = int((~fooled).sum()), len(fooled)
    row = counted("unbounded", left, n, MISSED, f"{left} of {n} images stay right at a budget of {size:.3g}", expected)
    rows = probed.rows[(probed.rows["probe"] == "budget") & (probed.rows["setting"] == size)]
    if row.status == "fail" and rows["pred"].nunique() == 1:
        return row._replace(status="warn", found=f"{row.found}, where every answer is the same: the majority rate")
    return row


def square(probed: Probed, predictions: pd.DataFrame, model: str) -> Row:
    """Of the images that the run's ensemble was given: how many only its gradient-free part fooled, after all others.

    Source: one of AutoAttack's warnings, Croce and Hein 2020 (https://arxiv.org/abs/2003.01690): where random search
    finds what gradients do not, gradients are hidden.
    """
    check, expected = "square", "Square fools no image that the ensemble's gradient attacks miss"
    rows = at_budget(probed, predictions, model)
    rows = rows[rows["attack"].isin(rows.loc[rows["solver"] != "", "attack"]) & (rows["clean_pred"] == rows["label"])]
    if not len(rows):
        return not_run(check, "no ensemble at this budget", expected)
    late, n = int(rows["solver"].str.startswith("square").sum()), len(rows)
    fooled = int((rows["pred"] != rows["label"]).sum())
    found = f"the run's ensemble fools {fooled} of {n} images, {late} of them with Square alone"
    return counted(check, late, n, MISSED, found, expected)


def at_budget(probed: Probed, predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    """Rows of the run's attacks on this classifier, at the budget that is judged."""
    near = (predictions["eps"] - probed.eps).abs() <= 1e-9
    own = (predictions["model"] == model) & (predictions["source"] == model) & (predictions["norm"] == probed.norm)
    return predictions[own & near & (predictions["attack"] != "clean")]


def of_run(probed: Probed, predictions: pd.DataFrame, model: str) -> Row:
    """The run's own attacks at this budget against everything the probes found."""
    check, expected = "attacks of the run", "the run's attacks together fool what the probes fool"
    rows, worst = at_budget(probed, predictions, model), probed.worst()
    if not len(rows) or not len(worst):
        return not_run(check, f"no attack of the run has the budget {probed.norm} {probed.eps:.4g}", expected)
    theirs = rows.assign(fooled=rows["pred"] != rows["label"]).groupby(["fold", "image_id"])["fooled"].any()
    count, n = only(worst, theirs)
    both = worst.index.intersection(theirs.index)
    found = f"the probes fool {int(worst[both].sum())} of {n} images, the run's attacks {int(theirs[both].sum())}"
    return counted(check, count, n, RUN_MISSED, f"{found}; {count} were missed by the run", expected)
