"""What chance explains: the exact bound, and the counts that follow from it."""

import pytest
from scipy.stats import binom

from robustgan.strength.limits import SURE, allowed, lower


@pytest.mark.parametrize(("count", "n"), [(1, 20), (3, 20), (6, 128), (128, 128)])
def test_the_lower_bound_is_the_share_at_which_the_count_is_just_surprising(count: int, n: int) -> None:
    assert binom.sf(count - 1, n, lower(count, n)) == pytest.approx(1 - SURE)


def test_nothing_found_has_a_lower_bound_of_nothing() -> None:
    assert lower(0, 20) == 0


@pytest.mark.parametrize(("n", "share", "expected"), [(20, 0.01, 2), (128, 0.01, 4), (400, 0.01, 9), (0, 0.01, 0)])
def test_what_is_allowed(n: int, share: float, expected: int) -> None:
    assert allowed(n, share) == expected
    assert lower(expected, max(1, n)) <= share


def test_a_sound_evaluation_is_rarely_accused() -> None:
    for n in (20, 50, 128, 400):
        assert binom.sf(allowed(n, 0.01), n, 0.01) <= 1 - SURE
