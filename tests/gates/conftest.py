"""Runs that many tests only read."""

import pytest

from robustgan.gates import Run
from tests.gates import cases


@pytest.fixture(scope="session")
def robust() -> Run:
    """Right on every image, under every attack, with all evidence."""
    return cases.run()


@pytest.fixture(scope="session")
def broken() -> Run:
    """Right on every original; pgd and fgsm turn half of the images."""
    return cases.run(cases.predictions(falls=0.5))
