"""Which stages a setting concerns."""

from pathlib import Path

from robustgan.config import read_yaml
from robustgan.experiment import experiment
from robustgan.shipped import config_path
from robustgan.stages import Place, stages


def keys(place: Path, **changed: object) -> dict[str, tuple[str, str]]:
    """Kind and key of every stage of a config, by its name."""
    settings = {**read_yaml(config_path("audit")), "transfer": True, **changed}
    return {stage.name: (stage.kind, stage.key) for stage in stages(experiment(settings), Place(place, place))}


def test_the_precision_of_gradients_concerns_attacked_images_alone(tmp_path: Path) -> None:
    """Probes stay exact: evidence that attacks are strong must not be as weak as they are."""
    usual, exact, rough = (
        keys(tmp_path, **more) for more in ({}, {"attack_precision": "fp32"}, {"attack_precision": "bf16"})
    )
    assert exact == usual
    other = {kind for name, (kind, key) in rough.items() if usual[name][1] != key}
    same = {kind for name, (kind, key) in rough.items() if usual[name][1] == key}
    assert other == {"attacked", "transferred"}
    assert not other & same
    assert {"classifier", "generator", "probed", "operating", "forged"} <= same
