from typing import Any

import pytest

from robustgan.errors import InputError
from robustgan.gan.recipe import Hunt, Watch


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"actions": ["rates", "r1", "rates"]}, "found actions with rates twice; .* name it once"),
        (
            {"restarts": 1, "actions": []},
            r"found restarts 1 without restart among the actions \(none\); allowed is restarts 2",
        ),
        ({"restarts": 0, "actions": ["rates"]}, r"without restart among the actions \(rates\)"),
    ],
)
def test_actions_that_are_not_taken_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Watch.read(settings)


def test_restarts_go_with_their_action() -> None:
    for settings in ({}, {"actions": ["rates"]}, {"actions": ["rates", "restart"], "restarts": 0}):
        watch = Watch.read(settings)
        assert Watch.read(watch.model_dump(mode="json")) == watch


def test_more_starting_points_than_images_are_refused() -> None:
    with pytest.raises(InputError, match=r"found starts 50 with images 40, .* allowed are 1 to 40"):
        Hunt.read({"images": 40})
    assert Hunt.read({"images": 40, "starts": 40}).starts == 40
