"""Rules that say when a GAN has failed, so that no table is made from a collapsed generator.

Rules look at plain numbers; thresholds are settings (`recipe.Watch`).

Source:
    Thresholds of D_SATURATED, REGRESSED and of the recall of COLLAPSED come from 43 public StudioGAN training
    logs, where they caught 10, 16 and 15 of 16 failed runs and none of 27 healthy ones (there of FID, every
    2000 steps). MEMORISED follows Meehan, Chaudhuri, Dasgupta, AISTATS 2020. GRAD and NONFINITE are rules of
    thumb of published code; the others are judgement, not measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from robustgan.gan.recipe import Watch

RULES = (
    "ok",
    "D_SATURATED",
    "D_DEAD",
    "NONFINITE",
    "COLLAPSED",
    "UNTRAINED",
    "STUCK",
    "GRAD",
    "OVERFIT",
    "REGRESSED",
    "MEMORISED",
    "LABEL_LEAK",
)  # append only: weights hold the index
FATAL = ("D_SATURATED", "D_DEAD", "NONFINITE", "STUCK")  # nothing is learnt any more: the training need not go on
SLACK = 0.1  # accuracy that chance alone may take from a label probe
FEWEST = 16  # images of a label below which its recall says nothing


class Finding(NamedTuple):
    """A rule that applies, and the numbers that say so."""

    rule: str
    reason: str


class Scale(NamedTuple):
    """Where a discriminator's loss can lie."""

    lowest: float = 0.0  # for a perfect one; above 0 where its labels are smoothed or noisy
    chance: float = 2.0  # for one that calls everything the same


class Opinion(NamedTuple):
    """A discriminator's mean scores."""

    trained_on: float
    held_out: float
    generated: float


def window_of(steps: int, watch: Watch) -> int:
    """Steps that the rules on losses look back on."""
    return max(watch.shortest, int(steps * watch.window))


def on_losses(
    losses: Sequence[float], gaps: Sequence[float], window: int, watch: Watch, scale: Scale
) -> Finding | None:
    """Look at the last `window` steps: losses of the discriminator, and mean D(real) - D(generated)."""
    if not all(math.isfinite(value) for value in (*losses, *gaps)):
        return Finding("NONFINITE", "a loss is NaN or infinite")
    recent, apart, last = losses[-window:], gaps[-window:], losses[-watch.shortest :]
    if len(losses) >= window:
        limit = scale.lowest + watch.saturated
        low = sum(loss < limit for loss in recent) / window
        if low >= watch.saturated_share:
            text = f"the discriminator's loss is below {limit:.3g} in {low:.0%} of {window} steps"
            return Finding("D_SATURATED", text)
        level = all(abs(loss - scale.chance) <= watch.chance for loss in recent)
        if level and max(map(abs, apart)) < watch.gap:
            text = f"the discriminator's loss is at chance ({scale.chance:.3g}) in all of {window} steps"
            return Finding("D_DEAD", text)
    if len(last) >= watch.shortest and max(last) - min(last) < watch.frozen:
        return Finding("STUCK", f"the discriminator's loss has been {last[-1]:.6g} for {len(last)} steps")
    return None


def on_gradients(lengths: Sequence[float], window: int, watch: Watch) -> Finding | None:
    """Look at the lengths of the networks' gradients in the last `window` steps."""
    recent = lengths[-window:]
    steep = sum(length > watch.steep for length in recent) / window
    if steep > watch.steep_share:
        return Finding("GRAD", f"a gradient is longer than {watch.steep:g} in {steep:.0%} of {window} steps")
    return None


def on_fit(sign: float, opinion: Opinion, watch: Watch) -> Finding | None:
    """Ask whether the discriminator knows its training images by heart.

    Args:
        sign: mean sign of its scores of training images; 0 for a loss whose scores have no zero.
        opinion: what it thinks of images now.
        watch: thresholds.
    """
    if sign > watch.sure:
        return Finding("OVERFIT", f"the discriminator calls training images real: mean sign {sign:.2f}")
    known, fake = opinion.trained_on - opinion.held_out, opinion.trained_on - opinion.generated
    if fake > 0 and known > watch.unseen * fake:
        text = (
            f"the discriminator tells held-out from training images {known / fake:.2f} times as well as generated ones"
        )
        return Finding("OVERFIT", text)
    return None


def on_distances(distances: Sequence[Sequence[float]], watch: Watch) -> Finding | None:
    """Compare the last two looks' (distance to real images, its standard deviation) with the best one's distance."""
    if len(distances) < 3:
        return None
    best = min(distance for distance, _ in distances)
    if all(distance > watch.regressed * max(best, 0) + watch.regressed_sd * sd for distance, sd in distances[-2:]):
        now = distances[-1][0]
        return Finding("REGRESSED", f"distance {now:.3g} to real images, {best:.3g} at best, at two looks")
    return None


def on_recalls(recalls: Mapping[str, Sequence[float]], images: Mapping[str, int], watch: Watch) -> Finding | None:
    """Compare the last two looks' recall of each label with its best, less two standard errors of that."""
    for label, series in recalls.items():
        best = max(series, default=0.0)
        error = math.sqrt(best * (1 - best) / max(images[label], 1))
        if len(series) >= 3 and all(value < watch.recall * best - 2 * error for value in series[-2:]):
            return Finding("COLLAPSED", f"{label}: recall {series[-1]:.2f}, {best:.2f} at best, at two looks")
    return None


def on_coverage(
    generated: Mapping[str, float], real: Mapping[str, float], images: Mapping[str, int], watch: Watch
) -> Finding | None:
    """Compare the recall of each label with that of as many training images.

    `on_recalls` asks what was lost; a label that the generator never covered lost nothing.
    """
    for label, value in generated.items():
        if images[label] >= watch.covered_images and value < watch.covered * real[label]:
            text = f"{label}: recall {value:.2f}, training images reach {real[label]:.2f}"
            return Finding("COLLAPSED", text)
    return None


def on_variety(generated: Mapping[str, float], real: Mapping[str, float], watch: Watch) -> Finding | None:
    """Compare how much generated and real images of each label vary among themselves (`quality.variety`)."""
    for label, value in generated.items():
        if label in real and value < watch.variety * real[label]:
            share = value / real[label]
            return Finding("COLLAPSED", f"{label}: generated images vary {share:.2f} times as much as real ones")
    return None


def on_twins(generated: Mapping[str, float], real: Mapping[str, float], watch: Watch) -> Finding | None:
    """Compare the shares of pairs of images of each label that are as good as the same (`quality.twins`)."""
    for label, value in generated.items():
        if label in real and value > watch.alike_share + real[label]:
            return Finding("COLLAPSED", f"{label}: {value:.0%} of pairs of generated images are the same")
    return None


def on_distance(kept: float, untrained: float, watch: Watch) -> Finding | None:
    """Compare the kept generator's distance to real images with the untrained one's."""
    if kept > watch.learnt * untrained:
        return Finding("UNTRAINED", f"distance {kept:.3g} to real images, {untrained:.3g} before training")
    return None


def on_copies(z: float, copied: float, watch: Watch) -> Finding | None:
    """Judge how near generated images are to training images (`symptoms.copying`).

    Both signs are asked for: training images come from other patients than held-out ones, so a sound generator is
    nearer to them too (z -4.7 on a run with real tissue that has copied nothing).

    Args:
        z: of the rank test of their distances against those of held-out images; below 0 where they are nearer.
        copied: share that is nearer than 99 % of the held-out images.
        watch: thresholds.
    """
    if z < -watch.nearer and copied > watch.copied:
        text = f"{copied:.0%} of generated images are nearer to a training image than 99 % of held-out ones (z {z:.1f})"
        return Finding("MEMORISED", text)
    return None


def on_grid(difference: float, watch: Watch) -> Finding | None:
    """Judge how much the label changes of an image, as a share of how much real images vary (`symptoms.obedience`)."""
    if difference < watch.same:
        return Finding(
            "LABEL_LEAK", f"all labels give the same images: they differ {difference:.3f} times as much as real ones"
        )
    return None


def on_labels(generated: Mapping[str, float], real: Mapping[str, float], watch: Watch) -> Finding | None:
    """Compare how often a probe finds each label's class (`symptoms.probed`) in generated and in held-out images.

    A label that the probe hardly finds in real images says nothing. Labels are not averaged: a generator that paints
    one class whatever it is asked for would be right in half of all images.
    """
    for label, value in generated.items():
        known = real.get(label, 0.0)
        if value < watch.leak <= known - SLACK:
            text = f"{label}: a probe finds the class in {value:.0%} of generated and in {known:.0%} of held-out images"
            return Finding("LABEL_LEAK", text)
    return None
