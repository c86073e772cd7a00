"""How AdvGAN's training goes over time: our way, and the paper's.

What `preset: paper` takes from the paper: least squares for the discriminator, the hinge on the margin with kappa 0,
the hinge on the change's length, Adam with a rate of 1e-3, batches of 128, three convolutions, four residual blocks
and back for the generator. Images weigh alike, whatever their class; the discriminator has its say from the first
step; the last weights are judged, no average of them.

What the paper does not publish, and what stands here instead:

- alpha and beta, the weights of the two other losses: the settings `realism` and `length` (in units of `longest`).
- c, the length that costs nothing: the setting `reach`, as a share of the longest change in the budget.
- epochs, which epoch is kept, how rates change: the setting `epochs`, validation patients, not at all.
- Adam's betas, weight initialisation: 0.5 and 0.999, He's, the last layer smaller.
- how the budget is kept: tanh, so that nothing is cut off afterwards.
- the surrogate of its black-box attack (`knowledge`): a compact DenseNet; the published loss of its distillation is
  `surrogate: {loss: cross-entropy}`.
- networks for images of this size: its generator, told which label to hide (the paper trains one for each target),
  with bilinear upsampling and instance norm; our discriminator of patches with spectral norm.

Source:
    Xiao et al., IJCAI 2018, sections 3.1, 4 and the appendix.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

WARM, LAST = 0.1, 0.02  # share of the training that raises the rate, and share of the peak rate at its end


class Schedule(NamedTuple):
    """What changes while a generator trains."""

    alone: int  # epochs before the discriminator has a say
    half_life: float  # of the moving average of the generator, in thousands of images; 0: no average
    ramp: float  # share of the training in which kappa rises to its full size
    rate: Callable[[float], float]  # share of the peak learning rate, after a share of the training

    def kappa(self, full: float, done: float) -> float:
        """The margin that is asked for after a share of the training."""
        return full * min(1.0, done / self.ramp) if self.ramp else full


def rate(done: float) -> float:
    """Linear warm-up, then a cosine."""
    if done < WARM:
        return max(done / WARM, LAST)
    return LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * (done - WARM) / (1 - WARM)))


def constant(done: float) -> float:
    """The peak rate at all times."""
    return 1.0


SCHEDULES = {
    "none": Schedule(alone=2, half_life=5.0, ramp=0.3, rate=rate),
    "paper": Schedule(alone=0, half_life=0.0, ramp=0.0, rate=constant),
}
