"""What is said of attacks that are not set alike."""

from typing import Any

import pytest

from robustgan.report.settings import changes, mixed


def test_settings_that_share_their_last_name_are_told_apart() -> None:
    usual = {"norm": "batch", "training": {"steps": 100}, "threat": {"norm": "unrestricted"}, "search": {"steps": 7}}
    entries = dict.fromkeys("abc", usual) | {
        "virtual": {**usual, "norm": "virtual"},
        "longer": {**usual, "training": {"steps": 200}},
    }
    assert changes(entries) == {
        **dict.fromkeys("abc", "nothing"), "virtual": "norm=virtual", "longer": "training.steps=200",
    }  # fmt: skip


PGD = {"kind": "pgd", "steps": 20, "threat": {"norm": "linf", "eps": 2 / 255}}


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([{"threat": {"norm": "linf", "eps": 8 / 255}}], []),
        ([{"steps": 40, "threat": {"norm": "l2", "eps": 0.5}}], []),
        ([{"steps": 40, "name": "longer"}], []),
        (
            [{"steps": 40, "threat": {"norm": "linf", "eps": 8 / 255}}, {"threat": {"norm": "linf", "eps": 1 / 255}}],
            ["PGD is not one attack at all budgets: 1/255 and 2/255 (steps 20); 8/255 (steps 40)."],
        ),
    ],
)
def test_a_line_through_budgets_that_joins_several_attacks_is_named(
    others: list[dict[str, Any]], said: list[str]
) -> None:
    assert mixed([PGD, *({**PGD, **other} for other in others), {"kind": "clean"}], "linf") == said
