import math

import pytest

from robustgan.report.cases import Case, budget, grey_levels, reference, shown


def case(attack: str, eps: float, norm: str = "linf", kind: str = "") -> Case:
    return Case("m", "m", attack, norm, eps, 0, kind or attack, False)


@pytest.mark.parametrize(("eps", "text"), [(8 / 255, "8/255"), (0.5 / 255, "0.5/255"), (0.05, "0.05"), (0.3, "0.3")])
def test_budgets_are_written_in_grey_levels_where_they_are_some(eps: float, text: str) -> None:
    assert grey_levels(eps) == text


def test_budgets_of_other_norms() -> None:
    assert budget("l2", 0.5) == "L2 0.5"
    assert budget("unrestricted", math.nan) == ""


def test_names() -> None:
    assert shown("art-MomentumIterativeMethod") == "ART Momentum Iterative Method"
    assert case("pgd", 8 / 255).title == "PGD 8/255"
    assert case("pgd", 8 / 255)._replace(source="other", seed=3, seeded=True).title == "PGD made on other, seed 3 8/255"
    assert not case("worst-case", 8 / 255).rival
    assert not case("my noise", 8 / 255, kind="noise").rival


def test_the_headline_is_the_budget_that_most_attacks_share() -> None:
    two, eight = [[case(name, level / 255) for name in ("noise", "fgsm", "pgd")] for level in (2, 8)]
    found = [*two, *eight, case("art", 2 / 255), case("pgd", 0.5, "l2"), case("clean", math.nan, "unrestricted")]
    assert {c.eps for c in reference(found)} == {2 / 255}
    assert {c.eps for c in reference([*two, *eight])} == {8 / 255}
    assert [c.norm for c in reference([case("pgd", 0.5, "l2")])] == ["l2"]
    assert reference([case("noise", 8 / 255)]) == []
