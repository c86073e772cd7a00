"""The projection on a hyperplane within [0, 1], against general solvers of linear and quadratic programs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from robustgan.attacks._hyperplane import crossed
from robustgan.interfaces import L2, Linf

THREATS = {"linf": Linf(eps=0.1), "l2": L2(eps=0.1)}


def planted(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    x = torch.rand(4, 3, 1, 2, generator=rng)
    x[0, 0] = 0.0
    x[1, 2] = 1.0
    gradient = torch.randn(4, 3, 1, 2, generator=rng)
    gradient[2, 1] = 0.0
    return x, torch.randn(4, generator=rng) * 0.8, gradient


def shortest(norm: str, x: np.ndarray, value: float, gradient: np.ndarray) -> float:
    """Length of the shortest change, by a solver that knows nothing of sorting; infinite where there is none."""
    limits = list(zip(-x, 1 - x, strict=True))
    n = len(x)
    if sum(max(-np.sign(value) * g * end for end in pair) for g, pair in zip(gradient, limits, strict=True)) < abs(
        value
    ):
        return np.inf
    if norm == "linf":  # minimise t subject to |d_i| <= t
        above = np.block([[np.eye(n), -np.ones((n, 1))], [-np.eye(n), -np.ones((n, 1))]])
        plane = np.append(gradient, 0)[None]
        bounds = [*limits, (0, None)]
        found = linprog([0] * n + [1], A_ub=above, b_ub=[0] * 2 * n, A_eq=plane, b_eq=[-value], bounds=bounds)
        return float(found.fun)
    plane = {"type": "eq", "fun": lambda d: value + gradient @ d, "jac": lambda d: gradient}
    found = minimize(lambda d: d @ d, np.zeros(n), jac=lambda d: 2 * d, bounds=limits, constraints=[plane], tol=1e-10)
    assert abs(value + gradient @ found.x) < 1e-6
    return float(np.linalg.norm(found.x))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shortest_change_to_the_plane(norm: str, seed: int) -> None:
    x, value, gradient = planted(seed)
    change = crossed(x, value, gradient, THREATS[norm])
    assert (x + change).min() >= -1e-6
    assert (x + change).max() <= 1 + 1e-6
    left = value + (gradient * change).flatten(1).sum(1)
    length = THREATS[norm].distance(x, x + change)
    for i in range(4):
        best = shortest(norm, x[i].flatten().double().numpy(), float(value[i]), gradient[i].flatten().double().numpy())
        if np.isfinite(best):
            assert abs(float(left[i])) < 1e-4
            assert float(length[i]) == pytest.approx(best, abs=2e-4)
        else:  # as near as [0, 1] allows: every number at the limit that helps
            helps = gradient[i] * -value[i].sign()
            limit = torch.where(helps > 0, 1 - x[i], -x[i]) * (helps != 0)
            torch.testing.assert_close(change[i], limit, rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_slope_no_change(norm: str) -> None:
    x, value, gradient = planted(0)
    assert not crossed(x, value, gradient * 0, THREATS[norm]).any()
    assert not crossed(x, value * 0, gradient, THREATS[norm]).any()
