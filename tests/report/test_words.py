import math

import pytest

from robustgan.report.words import (
    absent,
    count,
    count_cell,
    drop_cell,
    interval,
    listed,
    p_value,
    percent,
    points,
    rest,
    share_cell,
    sized,
    value_cell,
)


def test_a_fraction_is_a_percentage_with_one_decimal_and_its_interval() -> None:
    assert percent(0.9412) == "94.1"
    assert interval(0.941, 0.88, 0.9764) == "94.1 (88.0-97.6)"
    assert interval(0.5, math.nan, math.nan) == "50.0"


def test_what_is_undefined_is_never_zero() -> None:
    assert percent(math.nan) == interval(math.nan, 0.1, 0.2) == points(math.nan) == p_value(math.nan) == "n/a"
    assert share_cell(math.nan, 0, 0, "9 images", "no benign image").text == "n/a (no benign image)"
    assert drop_cell(math.nan, 0, 0, "9 images").text == "n/a"
    assert count_cell(math.nan).text == "n/a"
    assert str(share_cell(math.nan, 0, 0, "").order) == "nan"


def test_what_an_estimate_rests_on_goes_with_it() -> None:
    of = rest({"images": 1169, "groups": 1})
    assert of == "1,169 images of 1 patient"
    assert sized(12) == "12 images"
    assert sized(0, 3) == ""
    cells = (
        share_cell(0.5, 0.4, 0.6, of),
        drop_cell(0.5, 0.4, 0.6, of),
        value_cell(0.5, "half", of),
    )
    assert [cell.text for cell in cells] == ["50.0 (40.0-60.0)", "50.0 (40.0 to 60.0)", "half"]
    assert {cell.hint for cell in cells} == {of}
    assert value_cell(math.nan, "nan", of) == absent()


def test_a_drop_may_be_negative_but_zero_has_no_sign() -> None:
    assert points(0.821, 0.703, 0.902) == "82.1 (70.3 to 90.2)"
    assert points(-0.031, -0.1, 0.0001) == "-3.1 (-10.0 to 0.0)"
    assert points(-0.0001) == "0.0"


@pytest.mark.parametrize(("value", "text"), [(0.0004, "<0.001"), (0.0123, "0.012"), (1.0, "1.000")])
def test_p_values(value: float, text: str) -> None:
    assert p_value(value) == text


def test_words_agree_with_their_number() -> None:
    assert count(1, "image") == "1 image"
    assert count(7192, "image") == "7,192 images"
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
