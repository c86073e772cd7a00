"""Are the generators sound? Folds are brought together by their images, and what is odd is said."""

import math
from typing import Any

import pytest

from robustgan.report.sections import generated, generators, rates
from robustgan.report.sections.generators import Check, checks


def side(images: int, hide: float, invent: float, **more: float | None) -> dict[str, Any]:
    def one(n: int, success: float) -> dict[str, Any]:
        return {"images": n, "success": success, "noise_success": 0.02, "saturated": 0.5, "cosine": 0.1, **more}

    both = one(2 * images, (hide + invent) / 2)
    return {"any": both, "hide": one(images, hide), "invent": one(images, invent), "one_sidedness": hide - invent}


def content(images: int, hide: float, invent: float, training: float = 0.5, **more: Any) -> dict[str, Any]:
    return {
        "validation": side(images, hide, invent, **more),
        "training": side(images, training, training),
        "queries": more.pop("queries", None),
    }


def test_folds_weigh_by_their_images() -> None:
    (found,) = checks({"advgan on x, fold 1": content(30, 0.9, 0.5), "advgan on x, fold 2": content(10, 0.5, 0.5)})
    assert found.name == "advgan on x"
    assert found.hide == pytest.approx(0.8)
    assert found.invent == pytest.approx(0.5)
    assert found.success == pytest.approx(0.65)
    assert found.asked is None
    assert found.images == {"success": 80, "hide": 40, "invent": 40, "training": 80}


def test_nothing_measured_is_nan_and_questions_add_up() -> None:
    entries = {
        f"advgan on x, fold {fold}": {**content(0, 0.0, 0.0, cosine=None), "queries": {"budget": 9, "used": fold}}
        for fold in (1, 2)
    }
    (found,) = checks(entries)
    assert math.isnan(found.success)
    assert math.isnan(found.cosine)
    assert found.asked == 3


SOUND = Check("g", 0.7, 0.75, 0.65, 0.72, 0.01, 0.5, 0.2, None, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"hide": 0.95, "invent": 0.4}, "mostly hides tumours"),
        ({"hide": 0.3, "invent": 0.9}, "mostly invents tumours"),
        ({"training": 0.95}, "learned its training patients by heart"),
        ({"cosine": 0.97}, "a universal one"),
        ({"hide": math.nan}, ""),
    ],
)
def test_what_is_odd_is_said(change: dict[str, Any], said: str) -> None:
    found = " ".join(generators._findings([SOUND._replace(**change)]))
    assert said in found
    assert bool(found) == bool(said)


def test_where_labels_do_not_hold_no_rate_is_shown() -> None:
    assert not {metric for _, metric in rates.LABELS} & {"fooling_rate", "yield"}
    assert generated.FAITHFUL == 0.80
