"""Two ways to count patients instead of images. They answer different questions and never share a name.

*Patient recognition* is the mean over patients of the share of a patient's images that are called right: the
patient score of the BreakHis protocol. *Patient diagnosis* calls a patient malignant where the mean
P(malignant) over the patient's images is at least one half, and asks whether that is right.

Source: patient recognition, Spanhol et al., IEEE Trans. Biomed. Eng. 63 (2016) 1455-1462.
"""

from __future__ import annotations

import numpy as np

from robustgan.metrics.cohort import Cohort, Mask, Numbers, Sums, ratio
from robustgan.metrics.estimates import Estimate, paired, share
from robustgan.statistics import Interval, clopper_pearson, korn_graubard

CUT = 0.5  # mean P(malignant) over a patient's images from which the patient is diagnosed malignant


def recognition(cohort: Cohort, right: Mask) -> Estimate:
    """Mean over patients of the share of images called right."""
    part = 1 / cohort.sums(cohort.everything)[cohort.group]  # what an image counts in its patient's score
    before, after = part * cohort.clean_right, part * right
    drawn = ratio(cohort.resampled(before) - cohort.resampled(after), cohort.resampled(part))
    patients = np.ones(len(cohort.names))

    def ends(scores: Sums, sizes: Sums) -> Interval:
        return korn_graubard(scores, sizes, images=float(len(right)))

    found = paired(cohort.sums(before), cohort.sums(after), patients, ends, drawn)
    return found._replace(images=len(right), groups=len(patients)).cautious(len(patients))


def diagnosis(cohort: Cohort, score: Numbers) -> dict[str, Estimate]:
    """Accuracy, sensitivity and specificity over patients whose images have one label.

    The others are counted in the note. With one verdict a patient the interval is Clopper-Pearson's and the
    test is McNemar's, both exact.
    """
    pure, sizes = cohort.strata != 3, cohort.sums(cohort.everything)
    truth = (cohort.strata == 2)[pure]
    before, after = ((cohort.sums(scores) / sizes >= CUT)[pure] == truth for scores in (cohort.clean_score, score))
    names = tuple(name for name, kept in zip(cohort.names, pure, strict=True) if kept)
    patients = Cohort(names, np.arange(len(names)), truth, np.zeros(len(names)), before)
    left_out = int((~pure).sum())
    note = f"{left_out} patients with images of both classes are left out" if left_out else ""
    counted = {"accuracy": patients.everything, "sensitivity": truth, "specificity": ~truth}
    return {
        name: share(patients, mask, after, one_each).noted(note)._replace(images=int(sizes[pure][mask].sum()))
        for name, mask in counted.items()
    }


def one_each(right: Sums, sizes: Sums) -> Interval:
    """Exact interval of a share of patients."""
    return clopper_pearson(float(right.sum()), float(sizes.sum()))
