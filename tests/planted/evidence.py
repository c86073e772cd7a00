"""Probe a classifier and check the evidence, as a run does."""

from __future__ import annotations

from typing import Any

import pandas as pd
from torch import nn

from robustgan import probing, strength, tables
from robustgan.experiment import Strength
from robustgan.interfaces import Linf, Samples
from tests.planted.victims import EPS
from tests.strength.planted import keeping_up


def probed(model: nn.Module, samples: Samples, images: int, eps: float = EPS) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows, facts = probing.measure(model.eval(), samples, Strength(images=images, threat=Linf(eps=eps)), 0)
    return tables.check(rows.assign(model="victim", fold=1), tables.PROBES), facts


def checked(rows: pd.DataFrame, facts: dict[str, Any]) -> pd.DataFrame:
    """The checks of a run whose own attacks find what the probes find."""
    return strength.checks(rows, {"victim": {"1": facts}}, keeping_up(rows)).set_index("check")


def failing(frame: pd.DataFrame) -> set[str]:
    return set(frame.index[frame["status"] == "fail"])
