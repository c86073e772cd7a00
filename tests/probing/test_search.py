"""The search without gradients: within the budget, counted, and better than noise."""

import torch

from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples
from robustgan.probing.search import Search
from tests.conftest import Linear


def fooled(linear: Linear, samples: Samples, attack: Search) -> float:
    rows, _ = judge(attack, linear, torch.nn.Identity(), samples, 0, 8)
    assert rows["backwards"].sum() == 0
    assert rows["queries"].max() <= attack.queries
    gone = rows["pred"].to_numpy() != samples.labels.numpy()
    return float(gone.mean())


def test_more_queries_fool_more_and_the_budget_holds(linear: Linear, samples: Samples) -> None:
    for threat in (Linf(eps=0.1), L2(eps=1.0)):  # `judge` refuses what is outside
        few, many = (fooled(linear, samples, Search(threat=threat, queries=queries)) for queries in (2, 150))
        assert many > few


def test_an_image_that_fell_is_left_alone(linear: Linear, samples: Samples) -> None:
    rows, _ = judge(Search(threat=Linf(eps=0.3)), linear, torch.nn.Identity(), samples, 0, 24)
    wrong = rows["clean_pred"].to_numpy() != samples.labels.numpy()
    assert rows["queries"][wrong].mean() < rows["queries"][~wrong].mean()
    assert rows["queries"].min() < 200
