"""What each metric is. A new metric over images is one line in `SHARES` or `FLIPS`.

`SHARES`: of which images is it the share that is called right? `FLIPS`: which images, all right when clean,
are counted when the attack turns them? What is not a share of images is a function in `estimates.py` and a
line in `estimates`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from robustgan.metrics.cohort import Cohort, Mask, Numbers
from robustgan.metrics.estimates import Estimate, auroc, balanced, flipped, share
from robustgan.metrics.patients import diagnosis, recognition
from robustgan.metrics.probabilities import brier, ece


class Share(NamedTuple):
    """A share of images: what it means, and the images in its denominator."""

    meaning: str
    counted: Callable[[Cohort], Mask]


SHARES = {
    "accuracy": Share("share of images called right", lambda c: c.everything),
    "sensitivity": Share("share of malignant images called malignant", lambda c: c.malignant),
    "specificity": Share("share of benign images called benign", lambda c: ~c.malignant),
}
FLIPS = {
    "attack_success": Share(
        "share of images right when clean that the attack turns",
        lambda c: c.clean_right,
    ),
    "missed_cancers": Share(
        "share of malignant images right when clean that the attack makes benign",
        lambda c: c.clean_right & c.malignant,
    ),
    "false_alarms": Share(
        "share of benign images right when clean that the attack makes malignant",
        lambda c: c.clean_right & ~c.malignant,
    ),
}
METRIC_NAMES: dict[str, str] = {
    **{name: f"{metric.meaning}; the attacker wants it low" for name, metric in SHARES.items()},
    "balanced_accuracy": "mean of sensitivity and specificity; the attacker wants it low",
    "auroc": "chance that a malignant image scores above a benign one, ties half; the attacker wants it low",
    **{name: f"{metric.meaning}; the attacker wants it high" for name, metric in FLIPS.items()},
    "brier": "mean squared distance of P(malignant) from the label, 0 or 1; the attacker wants it high",
    "ece": "expected calibration error: distance of P(malignant) from the share of malignant images, in 15 bins of "
    "equally many images; too high from few images; the attacker wants it high",
}

IMAGE, RECOGNITION, DIAGNOSIS = "image", "patient recognition", "patient diagnosis"


def estimates(cohort: Cohort, right: Mask, score: Numbers) -> Iterator[tuple[str, str, Estimate]]:
    """Unit, metric and numbers of one cell."""
    for name, metric in SHARES.items():
        yield IMAGE, name, share(cohort, metric.counted(cohort), right)
    for name, metric in FLIPS.items():
        yield IMAGE, name, flipped(cohort, metric.counted(cohort), right)
    yield IMAGE, "balanced_accuracy", balanced(cohort, right)
    yield IMAGE, "auroc", auroc(cohort, score)
    yield IMAGE, "brier", brier(cohort, score)
    yield IMAGE, "ece", ece(cohort, score)
    yield RECOGNITION, "accuracy", recognition(cohort, right)
    for name, estimate in diagnosis(cohort, score).items():
        yield DIAGNOSIS, name, estimate


def of_subtype(cohort: Cohort, right: Mask) -> Iterator[tuple[str, str, Estimate]]:
    """The same for one subtype, which has one class: what does not need both."""
    yield IMAGE, "accuracy", share(cohort, SHARES["accuracy"].counted(cohort), right)
    yield IMAGE, "attack_success", flipped(cohort, FLIPS["attack_success"].counted(cohort), right)
