"""How far each probe is to go: carried out by probing/plan.py, and what strength/ holds the evidence against."""

from __future__ import annotations

STEPS = 20  # gradients of the reference climb
ITERATIONS = (5, 10, 20, 40)  # the last doubles the reference
RESTARTS = (1, 3)
SMALLER = (0.25, 0.5)  # budgets, in units of the one that is judged
LARGER = (2.0, 4.0)
LARGEST = (0.5, 1.0)  # of the longest change that there is
BLOCKS = (1, 4)  # pixels; 1: every pixel by itself, as quietly


def smaller(eps: float) -> list[float]:
    """Budgets below the one that is judged."""
    return [eps * factor for factor in SMALLER]


def larger(eps: float, longest: float) -> list[float]:
    """Budgets above it, up to the longest change that there is: 1 in Linf; in L2 the size of the images decides."""
    found = sorted({size for size in map(eps.__mul__, LARGER) if size < longest * min(LARGEST)})
    return found + [longest * share for share in LARGEST if longest * share > eps]


def planned(eps: float, longest: float) -> dict[str, list[float]]:
    """The settings of the probes that have more than one."""
    return {
        "iterations": [float(steps) for steps in ITERATIONS],
        "restarts": [float(restarts) for restarts in RESTARTS],
        "quiet": [float(side) for side in BLOCKS],
        "budget": [*smaller(eps), eps, *larger(eps, longest)],
    }
