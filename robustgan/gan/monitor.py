"""Rules that say when a GAN has failed, so that no table is made from a collapsed generator.

Source:
    Thresholds of D_SATURATED come from 43 public StudioGAN training logs, where it caught 10 of 16 failed
    runs and none of 27 healthy ones; those of D_DEAD, COLLAPSED and UNTRAINED are judgement, not measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

RULES = (
    "ok",
    "D_SATURATED",
    "D_DEAD",
    "NONFINITE",
    "COLLAPSED",
    "UNTRAINED",
)  # append only: weights hold the index

SATURATED = 0.05  # hinge loss below which the discriminator has nothing left to teach
CHANCE = (1.98, 2.02)  # hinge loss of a discriminator that cannot tell real from generated
GAP = 0.02  # difference of its mean outputs below which it does not try
VARIETY = 0.3  # of the real images' variety, below which a label has collapsed
LEARNT = 0.5  # of the untrained generator's distance, above which nothing was learnt


class Finding(NamedTuple):
    """A rule that applies, and the numbers that say so."""

    rule: str
    reason: str


def window_of(steps: int) -> int:
    """Steps that the rules on losses look back on: 5 % of the training, at least 300."""
    return max(300, steps // 20)


def on_losses(losses: Sequence[float], gaps: Sequence[float], window: int) -> Finding | None:
    """Look at the last `window` steps: losses of the discriminator, and mean D(real) - D(generated)."""
    if not all(math.isfinite(value) for value in (*losses, *gaps)):
        return Finding("NONFINITE", "a loss is NaN or infinite")
    if len(losses) < window:
        return None
    recent, apart = losses[-window:], gaps[-window:]
    low = sum(loss < SATURATED for loss in recent) / window
    if low >= 0.5:
        return Finding("D_SATURATED", f"the discriminator's loss is below {SATURATED} in {low:.0%} of {window} steps")
    if all(CHANCE[0] <= loss <= CHANCE[1] for loss in recent) and max(map(abs, apart)) < GAP:
        return Finding("D_DEAD", f"the discriminator's loss is at chance (2.0) in all of {window} steps")
    return None


def on_variety(generated: Mapping[str, float], real: Mapping[str, float]) -> Finding | None:
    """Compare how much generated and real images of each label vary among themselves (`quality.variety`)."""
    for label, value in generated.items():
        if label in real and value < VARIETY * real[label]:
            share = value / real[label]
            return Finding("COLLAPSED", f"{label}: generated images vary {share:.2f} times as much as real ones")
    return None


def on_distance(kept: float, untrained: float) -> Finding | None:
    """Compare the kept generator's distance to real images with the untrained one's."""
    if kept > LEARNT * untrained:
        return Finding("UNTRAINED", f"distance {kept:.3g} to real images, {untrained:.3g} before training")
    return None
