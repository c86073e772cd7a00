"""The parts of an ensemble, one after the other on what the ones before left standing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import torch

from robustgan.attacks._parts import Part
from robustgan.attacks._siege import Attempt, NoGradientError, Outcome, Siege, relay, untouched


def assault(siege: Siege, parts: Sequence[Part], solvers: list[str]) -> Outcome:
    """Point-wise worst case over all parts; `solvers` learns which part fooled each image."""
    named = [(part.label, attempt) for part in parts for attempt in part.attempts(siege.classes)]
    searched = any(part.part == "square" for part in parts)
    attempts = [lenient(attempt) if searched else attempt for _, attempt in named]
    outcome, by = relay(siege, [untouched, *attempts])
    labels = ["", *(label for label, _ in named)]
    found = [labels[n] if fooled else "" for fooled, n in zip(outcome.fooled.tolist(), by.tolist(), strict=True)]
    solvers[:] = found[: len(solvers)]  # a caller that does not want to know gives an empty list
    return outcome


def lenient(attempt: Attempt) -> Attempt:
    """The attempt; of a classifier without gradients it leaves everything to the search that needs none."""

    def tried(siege: Siege) -> Outcome:
        with suppress(NoGradientError):
            return attempt(siege)
        nothing = torch.full(siege.y.shape, -torch.inf, dtype=torch.float64, device=siege.y.device)
        return Outcome(siege.x, torch.zeros_like(siege.y).bool(), nothing)

    return tried
