"""Attacks over several seeds: what is compared, and what the committed table says."""

import argparse
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from benchmarks import parity_seeds
from benchmarks.rivals import Rival
from benchmarks.victims import Case
from robustgan.interfaces import Linf


def test_difference_and_its_error_are_in_points() -> None:
    found = parity_seeds.beside([0.5, 0.6], [0.7, 0.7])
    assert found["robustgan"] == 0.55
    assert found["robustgan_sd"] == pytest.approx(0.0707)
    assert found["torchattacks_sd"] == 0
    assert found["difference"] == 15
    assert found["error"] == 5


def test_every_seed_is_told_to_both(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def rivals(terms: object) -> list[Rival]:
        seen.append(terms.seed)  # type: ignore[attr-defined]
        return [Rival(a, b, lambda _, x, y: x) for a in parity_seeds.ATTACKS for b in parity_seeds.LIBRARIES]

    class Small(Case):
        def build(self) -> nn.Module:
            return nn.Sequential(nn.Flatten(), nn.Linear(12, 2))

        def images(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.rand(count, 3, 2, 2), torch.zeros(count).long()

    monkeypatch.setattr(parity_seeds, "rivals", rivals)
    wanted = argparse.Namespace(images=6, queries=2, seeds=3)
    found = parity_seeds.rows(Small("small", 2, Linf(eps=0.1)), wanted)
    assert seen == [0, 1, 2]
    assert [row["attack"] for row in found] == list(parity_seeds.ATTACKS)
    assert all(set(row) == set(parity_seeds.COLUMNS) and row["difference"] == 0 for row in found)


def test_committed_table_finds_no_attack_weaker_than_that_of_its_authors() -> None:
    frame = pd.read_csv(Path(__file__).parents[2] / "reports" / "benchmarks" / "parity_seeds.csv")
    assert tuple(frame.columns) == parity_seeds.COLUMNS
    assert (frame["seeds"] >= 3).all()
    assert set(frame["norm"]) == {"linf", "l2"}
    weaker = -frame["difference"] - 3 * frame["error"]
    assert weaker.max() <= 0.5, "points that torchattacks leaves fewer standing, beyond what seeds explain"
