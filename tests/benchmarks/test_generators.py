"""The three loops of each generator do the same work: the same networks, as often, on as many images."""

from __future__ import annotations

import argparse
from types import ModuleType

import pytest
import torch

from benchmarks import advgan_loops, dcgan_loops, generators
from benchmarks.advgan_loops import Bench
from robustgan.gan import conditional, image_to_image


@pytest.fixture(scope="module")
def bench() -> Bench:
    return generators.bench_of(argparse.Namespace(victim="compact", images=16, size=32, batch=8))


@pytest.mark.parametrize(
    ("module", "made", "judged"),
    [
        (advgan_loops, image_to_image.Generator, image_to_image.PatchDiscriminator),
        (dcgan_loops, conditional.Generator, conditional.Discriminator),
    ],
)
def test_every_loop_shows_each_network_as_many_images(
    bench: Bench, module: ModuleType, made: type, judged: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[type, int] = {}

    def counted(kind: type) -> None:
        forward = kind.forward

        def count(self: torch.nn.Module, x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
            shown[kind] = shown.get(kind, 0) + len(x)
            found: torch.Tensor = forward(self, x, *rest)
            return found

        monkeypatch.setattr(kind, "forward", count)

    counted(made), counted(judged)
    for loop in (module.ours, module.plainly, module.alone):
        shown.clear()
        loop(bench)()
        assert shown == {made: 16, judged: 48}, loop.__name__


def test_loops_that_would_show_different_numbers_of_images_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generators", "--images", "100", "--batch", "32"])
    with pytest.raises(SystemExit, match="2"):
        generators.main()
    assert "--images: found 100, which is no multiple of --batch 32" in capsys.readouterr().err


def test_each_loop_is_beside_the_one_of_its_own_generator(bench: Bench) -> None:
    table = generators.table(bench, 1, learned=False)
    assert (table["images_per_second"] > 0).all()
    beside = table["times_as_fast_as"]
    assert (beside.index.str.partition(":").get_level_values(0) == beside.str.partition(":")[0]).all()
    assert (table["ratio"][table.index == beside] == 1).all()
    assert beside.nunique() == 3
