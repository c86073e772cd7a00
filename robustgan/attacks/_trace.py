"""The losses of a generator's steps: their means over an epoch, and the step at which one stopped being a number."""

from __future__ import annotations

import math

from robustgan.errors import RunError
from robustgan.tensors import Tensor


def means_of(trace: list[dict[str, Tensor]], sizes: list[int], first: int) -> dict[str, float]:
    """Mean of each loss over the images of an epoch that began after `first` steps.

    Raises:
        RunError: a loss is not finite.
    """
    sums: dict[str, Tensor] = {}
    for values, size in zip(trace, sizes, strict=True):
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value * size
    means = {name: float(value) / sum(sizes) for name, value in sums.items()}
    if not all(map(math.isfinite, means.values())):
        found = [[name for name in values if not values[name].isfinite()] for values in trace]
        step = next(i for i, names in enumerate(found) if names)
        raise RunError(
            f"{', '.join(found[step])} is not finite from step {first + step + 1} on: found "
            f"{float(trace[step][found[step][0]])}. Lower the learning rate, or look at the data."
        )
    return means
