"""Several tests at once."""

from __future__ import annotations

import numpy as np

from robustgan.shapes import Float


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Correct p values for their number, family-wise; NaN stays NaN and is not counted.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]
    raised = p[order] * (len(order) - np.arange(len(order)))
    corrected[order] = np.minimum(1, np.maximum.accumulate(raised))
    return corrected
