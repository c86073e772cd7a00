"""Holm against statsmodels."""

import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from robustgan.statistics import holm


@pytest.mark.parametrize("tests", [1, 3, 40])
def test_holm_is_that_of_statsmodels_and_leaves_nan_out(tests: int) -> None:
    p = np.random.default_rng(tests).random(tests) ** 6
    p[1::5] = p[0]  # ties
    wanted = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(wanted)
    with_gaps = np.insert(p, [0, tests], math.nan)
    assert holm(with_gaps) == pytest.approx(np.insert(wanted, [0, tests], math.nan), nan_ok=True)
    assert np.isnan(holm(np.full(2, math.nan))).all()
