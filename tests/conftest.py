"""What the tests share: a linear victim whose worst case is known, and images with rows."""

import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import tables
from robustgan.interfaces import Samples


class Linear(nn.Module):
    """Two logits (0, w.x + b): the margin is linear, so the worst case in any ball has a closed form."""

    def __init__(self, weight: torch.Tensor, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # 3 h w
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        margin = (x * self.weight).flatten(1).sum(1) + self.bias
        return torch.stack([torch.zeros_like(margin), margin], 1)


@pytest.fixture
def linear() -> Linear:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 16, 16, generator=generator) / 16
    return Linear(weight, bias=-float(0.5 * weight.sum())).eval()


def samples_of(
    images: torch.Tensor, labels: torch.Tensor, magnifications: tuple[int, ...] = (40, 100, 200, 400)
) -> Samples:
    """Wrap uint8 images (n 3 h w) and labels with made-up manifest rows: two images a patient."""
    n = len(images)
    rows = pd.DataFrame(
        {
            "image_id": [hashlib.sha256(images[i].numpy().tobytes() + bytes([i % 256])).hexdigest() for i in range(n)],
            "path": [f"image{i}.png" for i in range(n)],
            "group": [f"99-{1000 + i // 2}" for i in range(n)],
            "slide": [f"99-{1000 + i // 2}A" for i in range(n)],
            "subtype": ["adenosis" if y == 0 else "ductal_carcinoma" for y in labels.tolist()],
            "magnification": [magnifications[i % len(magnifications)] for i in range(n)],
            "label": labels.numpy(),
            "width": images.shape[3],
            "height": images.shape[2],
            "given_split": "",
            "finding": "",
        }
    )
    return Samples(images, labels, tables.check(rows, tables.MANIFEST))


@pytest.fixture
def samples() -> Samples:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (24, 3, 16, 16), generator=generator, dtype=torch.uint8)
    return samples_of(images, torch.arange(24) % 2)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real images (see README, 'Real images'); tests that need it say why when they skip."""
    places = [os.environ.get("ROBUSTGAN_DATA", ""), str(Path(__file__).parents[2] / "shared" / "data")]
    for place in filter(None, places):
        if (Path(place) / "idc_subset").is_dir():
            return Path(place)
    pytest.skip(f"real images are not here: looked in {', '.join(filter(None, places))}; set ROBUSTGAN_DATA")
