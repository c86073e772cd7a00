"""Planted raters get the scores that they must get."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan.rating import answers, scoring
from robustgan.statistics import clopper_pearson
from tests.rating.raters import blinded, perfect, planted_key, saved, suspicious

KEY = planted_key()


def score(tmp_path: Path, key: pd.DataFrame = KEY, **raters: pd.DataFrame) -> scoring.Scores:
    """From files, as the command does."""
    paths = [saved(rows, tmp_path / f"{name}.csv") for name, rows in raters.items()]
    return scoring.score(key, answers.read_sheets(paths, key["id"].tolist()))


def test_the_perfect_rater(tmp_path: Path) -> None:
    found = score(tmp_path, ana=perfect(KEY))
    shares, itself = found.shares["ana"], found.itself["ana"]
    for name in set(shares) - {"untold"}:
        assert shares[name].value == 1
    assert shares["untold"].value == 0
    assert {question: kappa.value for question, kappa in itself.items()} == {"real_or_generated": 1, "label": 1}
    assert {kappa.n for kappa in itself.values()} == {8}
    assert found.between == {}
    assert shares["accuracy"].n == 40, "second showings do not count twice"
    assert shares["label_correctness"].n == 20
    assert shares["label_correctness"].ends == clopper_pearson(20, 20), "each generated image is a draw of its own"
    assert shares["label_correctness_accepted"].n == 10
    assert shares["real_called_real"].ends == clopper_pearson(5, 5), "patients, not images"


def test_the_rater_who_calls_everything_generated(tmp_path: Path) -> None:
    found = score(tmp_path, ana=suspicious(KEY))
    shares = found.shares["ana"]
    assert shares["accuracy"].value == 0.5
    assert shares["real_called_real"].value == 0
    assert shares["generated_called_generated"].value == 1
    assert shares["untold"].value == 1
    assert shares["label_correctness_strict"].value == 0
    for name in ("label_correctness", "label_accuracy_real", "accuracy_sure"):
        assert math.isnan(shares[name].value)
        assert shares[name].n == 0
    assert all(math.isnan(kappa.value) for kappa in found.itself["ana"].values()), "agrees as chance would: always"


def test_raters_who_guess(tmp_path: Path) -> None:
    key = planted_key(400, 100)
    found = score(tmp_path, key, ana=blinded(key, 1), ben=blinded(key, 2))
    for rater in ("ana", "ben", "together"):
        low, high = found.shares[rater]["accuracy"].ends
        assert low < 0.5 < high
        assert high - low < 0.12
    for kappa in (*found.between.values(), *found.itself["ana"].values()):
        assert kappa.ends.low < 0 < kappa.ends.high
    assert found.shares["together"]["accuracy"].n == 800
    assert found.shares["together"]["accuracy"].value == pytest.approx(
        np.mean([found.shares[rater]["accuracy"].value for rater in ("ana", "ben")])
    )


def test_label_correctness_is_the_planted_one(tmp_path: Path) -> None:
    """Four of the twenty generated labels are wrong, two cannot be told, all three kinds of q see what they should."""
    rows = perfect(KEY)
    made = np.flatnonzero((KEY["kind"] == "generated") & (KEY["repeat_of"] == ""))
    turned = {"benign": "malignant", "malignant": "benign"}
    rows.loc[made[:4], "label"] = rows.loc[made[:4], "label"].map(turned)
    rows.loc[made[4:6], "label"] = "cannot tell"
    shares = score(tmp_path, ana=rows).shares["ana"]
    assert shares["label_correctness"].value == pytest.approx(14 / 18)
    assert shares["label_correctness_strict"].value == pytest.approx(14 / 20)
    accepted = KEY["accepted"].to_numpy()[made]
    assert shares["label_correctness_accepted"].value == pytest.approx(
        (accepted[6:].sum()) / (accepted[:4].sum() + accepted[6:].sum())
    )
    assert shares["untold"].value == pytest.approx(0.1)
    assert shares["accuracy"].value == 1


def test_two_raters_have_cohen_three_have_fleiss(tmp_path: Path) -> None:
    assert scoring.method(score(tmp_path, a=perfect(KEY), b=perfect(KEY))) == "Cohen"
    found = score(tmp_path, a=perfect(KEY), b=perfect(KEY), c=perfect(KEY))
    assert scoring.method(found) == "Fleiss"
    assert found.between["label"].value == 1


def test_the_order_of_a_sheet_does_not_matter(tmp_path: Path) -> None:
    rows = blinded(KEY, 3)
    straight = score(tmp_path, ana=rows)
    assert scoring.as_json(score(tmp_path, ana=rows.iloc[::-1])) == scoring.as_json(straight)


def test_json_has_null_where_nothing_is_defined(tmp_path: Path) -> None:
    plain = json.loads(scoring.as_json(score(tmp_path, ana=suspicious(KEY))))
    assert plain["shares"]["ana"]["label_correctness"] == {"value": None, "low": None, "high": None, "n": 0}
    assert plain["inter_rater_kappa"] == {"method": None}
    assert set(plain["meanings"]) == set(plain["shares"]["ana"])


def test_people_read_q_and_what_it_is_worth(tmp_path: Path) -> None:
    good = "\n".join(scoring.as_lines(score(tmp_path, ana=perfect(KEY), ben=perfect(KEY))))
    assert "label_correctness           1.000 (" in good
    assert "Cohen kappa" in good
    assert "must not be corrected" not in good
    wrong = perfect(KEY).assign(label=perfect(KEY)["label"].map({"benign": "malignant", "malignant": "benign"}))
    bad = "\n".join(scoring.as_lines(score(tmp_path, ana=wrong)))
    assert "must not be corrected" in bad
    assert "not shown to beat guessing" in bad
