"""Features to measure with: without weights, and from a file that is what it says."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from robustgan.attacks.dcgan import DCGAN
from robustgan.errors import InputError
from robustgan.gan.extractors import Extractor, extractors
from robustgan.gan.quality import Yardstick
from robustgan.gan.recipe import Given

MODEL = "test_resnet"  # timm's small one
CPU = torch.device("cpu")


def pictures(n: int, seed: int = 0, grain: int = 4) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    small = torch.rand(n, 3, 32 // grain, 32 // grain, generator=rng)
    return (255 * torch.nn.functional.interpolate(small, scale_factor=grain)).to(torch.uint8)


def given(folder: Path, edit: Any = dict, **settings: Any) -> Given:
    """Settings of a file with fresh weights, head and all."""
    torch.manual_seed(0)
    state = edit(timm.create_model(MODEL, pretrained=False).state_dict())
    path = folder / "model.safetensors"
    save_file(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Given.read({"model": MODEL, "weights": path, "sha256": digest, **settings})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Extractor]:
    return extractors(given(tmp_path_factory.mktemp("weights")), CPU)


def test_without_a_file_there_is_the_untrained_network_alone() -> None:
    assert [extractor.name for extractor in extractors(None, CPU)] == ["random"]


def test_every_row_depends_on_its_image_alone_and_is_the_same_every_time(both: list[Extractor]) -> None:
    assert [extractor.name for extractor in both] == ["random", MODEL]
    images = pictures(5)
    for extractor in both:
        found = extractor.features(images)
        torch.manual_seed(99)  # what is drawn elsewhere has no say
        assert torch.equal(found, extractor.features(images))
        assert torch.allclose(found[3:4], extractor.features(images[3:4]), atol=1e-4)
        assert not found.requires_grad


def test_the_untrained_network_tells_textures_apart_at_any_size() -> None:
    (extractor,) = extractors(None, CPU)
    ruler = Yardstick(pictures(30), extractor.features)
    same, other = ruler.distance(pictures(30, 1)), ruler.distance(pictures(30, 1, grain=8))
    assert other > 5 * abs(same) + 0.1
    assert extractor.features(pictures(1)[..., :16, :16]).shape == extractor.features(pictures(1)).shape


def test_a_network_without_its_head_is_what_the_file_holds(tmp_path: Path) -> None:
    settings = given(tmp_path, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    extractor = extractors(settings, CPU)[1]
    torch.manual_seed(0)
    network = timm.create_model(MODEL, pretrained=False).eval()
    images = pictures(2)
    x = torch.nn.functional.interpolate(images / 255, (160, 160), mode="bilinear", antialias=True)
    with torch.no_grad():
        wanted = network.forward_head(network.forward_features((x - 0.5) / 0.25), pre_logits=True)
    torch.testing.assert_close(extractor.features(images), wanted, rtol=1e-3, atol=1e-4)


def test_files_that_are_not_what_they_say_are_refused(tmp_path: Path) -> None:
    fine = given(tmp_path)
    digest = fine.sha256
    with pytest.raises(InputError, match=f"has the sha256 {digest}, the settings allow {'0' * 64} alone"):
        extractors(fine.model_copy(update={"sha256": "0" * 64}), CPU)
    with pytest.raises(InputError, match=r"gone.safetensors cannot be read.*need no file"):
        extractors(fine.model_copy(update={"weights": tmp_path / "gone.safetensors"}), CPU)
    with pytest.raises(InputError, match=r"has no model `test_resnett`. Did you mean `test_resnet`"):
        extractors(fine.model_copy(update={"model": "test_resnett"}), CPU)
    with pytest.raises(InputError, match="missing"):
        extractors(given(tmp_path, edit=lambda state: dict(list(state.items())[4:])), CPU)
    with pytest.raises(InputError, match="do not fit"):
        extractors(given(tmp_path).model_copy(update={"model": "resnet10t"}), CPU)


def test_a_digest_that_is_none_is_refused_with_the_settings() -> None:
    with pytest.raises(InputError, match=r"extractor\.sha256"):
        DCGAN.read({"extractor": {"model": MODEL, "weights": "a.safetensors", "sha256": "abc"}})
