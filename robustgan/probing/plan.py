"""Which attacks probe a classifier: the one list. To swap an attack for a stronger one, change its line here.

How far each is to go stands in probes.py, where strength/ can read it without torch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from robustgan.config import plugin
from robustgan.interfaces import Attack, Bounded, Linf
from robustgan.probes import BLOCKS, ITERATIONS, RESTARTS, STEPS, larger, smaller
from robustgan.probing.quiet import Quiet

LONG, SHORT = 30, 0.07  # gradients and length of a step (of the budget) of climbs at larger budgets
DRAWS = 20  # of noise an image
QUERIES = 200  # answers an image that the search may ask for
QUIET = 0.1  # length of a step of the quiet climbs, in units of the budget: they begin where nothing can be detected


class Ask(NamedTuple):
    """One attack with the probe that it belongs to."""

    probe: str
    setting: float  # what the probe varies
    attack: Attack


def white_box(threat: Bounded) -> list[Ask]:
    """Attacks with gradients within the budget that is judged, the reference (`iterations`, STEPS) among them."""
    given = threat.model_dump()
    climbs = [
        Ask("iterations", steps, plugin("attacks", {"kind": "pgd", "threat": given, "steps": steps}))
        for steps in ITERATIONS
    ]
    restarts = max(RESTARTS)
    many = plugin("attacks", {"kind": "pgd", "threat": given, "steps": STEPS, "restarts": restarts})
    once = plugin("attacks", {"kind": "fgsm", "threat": given})
    quiet = [Ask("quiet", side, Quiet(threat=threat, steps=STEPS, step=QUIET, block=side)) for side in BLOCKS]
    return [*climbs, Ask("restarts", restarts, many), Ask("one-step", 1, once), *quiet]


def budgets(threat: Bounded, shape: tuple[int, ...]) -> list[Ask]:
    """Climbs at smaller budgets as the reference's, and at larger ones, up to the whole range.

    At a large budget a random start is noise and no image, where a sound classifier may give one answer to everything
    and no slope. So these climbs set out from the image itself, in short steps.
    """
    large = larger(threat.eps, longest(threat, shape))
    small = {eps: {"steps": STEPS} for eps in smaller(threat.eps)}
    far: dict[float, dict[str, Any]] = {eps: {"steps": LONG, "step": SHORT, "random_start": False} for eps in large}
    return [
        Ask("budget", eps, plugin("attacks", {"kind": "pgd", "threat": {"norm": threat.norm, "eps": eps}, **how}))
        for eps, how in {**small, **far}.items()
    ]


def longest(threat: Bounded, shape: tuple[int, ...]) -> float:
    """The longest change that an image of this shape (c h w) allows."""
    return 1.0 if isinstance(threat, Linf) else math.sqrt(math.prod(shape))


def searches(threat: Bounded) -> list[Ask]:
    """Attacks that need answers alone."""
    square = {"kind": "square", "threat": threat.model_dump(), "queries": QUERIES}
    return [Ask("black-box", QUERIES, plugin("attacks", square))]


def noises(threat: Bounded) -> list[Ask]:
    """Draws of noise that fills the budget, each with a name and so with random numbers of its own."""
    given = threat.model_dump()
    return [
        Ask("noise", DRAWS, plugin("attacks", {"kind": "noise", "threat": given, "name": f"noise-{draw}"}))
        for draw in range(DRAWS)
    ]


def reference(threat: Bounded) -> Attack:
    """The climb that attacks what stands in for the classifier: a surrogate, or the mean of many answers."""
    climb: Attack = plugin("attacks", {"kind": "pgd", "threat": threat.model_dump(), "steps": STEPS})
    return climb
