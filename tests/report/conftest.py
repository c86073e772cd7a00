"""A report rendered once for all tests that only read it."""

from pathlib import Path

import pytest

from robustgan.report.render import render

from . import evidence, planted

HOSTILE = '<script>alert("x")</script>|_`*$%&'


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a classifier that works and falls."""
    folder = planted.build(
        tmp_path_factory.mktemp("good") / "planted", patients=10, repeats=1, levels=(2, 8), magnifications=(40, 400),
        policy=evidence.policy(), operating=evidence.OPERATING,
    )  # fmt: skip
    evidence.complete(folder)
    render(folder)
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run in which every name that users choose is an attack on the page; two classifiers fail."""
    folder = planted.build(
        tmp_path_factory.mktemp("bad") / "planted", patients=6, repeats=1, right=0.5, levels=(8,), model=HOSTILE,
        subtype=HOSTILE, file=HOSTILE, citation=HOSTILE, command=f"robustgan run '{HOSTILE}'",
        failures=[{"stage": HOSTILE, "reason": HOSTILE}], policy=evidence.policy(HOSTILE),
        operating={HOSTILE: {**evidence.OPERATING["densenet"], "rule": HOSTILE}},
        config=planted.config(title=HOSTILE, dataset={"kind": "folder", "column": HOSTILE}),
    )  # fmt: skip
    evidence.survival(folder, HOSTILE)
    evidence.strength(folder, {HOSTILE: "fail", f"{HOSTILE} 2": HOSTILE, f"{HOSTILE} 3": "not run"}, HOSTILE)
    render(folder)
    return folder
