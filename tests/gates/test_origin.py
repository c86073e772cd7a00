"""What a run can know of where its classifiers learned."""

import pytest

from robustgan.gates.origin import ELSEWHERE, STARTED, elsewhere


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"kind": "densenet", "weights": None}, None),
        ({"kind": "densenet", "weights": "start.safetensors"}, STARTED),
        ({"kind": "checkpoint", "weights": "net.safetensors"}, ELSEWHERE),
        ({"kind": "onnx", "path": "net.onnx"}, ELSEWHERE),
        ({"kind": "function", "function": "mine:build"}, ELSEWHERE),
        ({"kind": "exported", "path": "net.pt2"}, ELSEWHERE),
        ({"kind": "of-a-package-that-is-not-here"}, ELSEWHERE),
        (None, ELSEWHERE),
    ],
)
def test_only_what_the_run_trained_from_scratch_is_known(model: object, why: str | None) -> None:
    assert elsewhere({"models": [{"name": "one", "model": model}]}).get("one") == why


def test_without_a_config_nothing_is_said() -> None:
    assert elsewhere({}) == {}
