"""DenseNet, from timm: the published sizes, or a compact one for small images and CPUs.

Source: Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from robustgan.models._family import Family, Width
from robustgan.tensors import Network


class DenseNet(Family):
    """A timm DenseNet with two logits; `compact` suits images of 32 to 96 pixels."""

    compact_settings: ClassVar[tuple[str, ...]] = ("growth_rate", "block_config", "stem")

    variant: Literal["densenet121", "densenet161", "densenet169", "densenet201", "compact"] = "densenet121"
    growth_rate: Width = 12  # channels that each layer adds
    block_config: Annotated[tuple[Width, ...], Field(min_length=1, max_length=5)] = (
        3,
        6,
        12,
        8,
    )  # layers a block
    stem: Literal["quarter", "half"] = "quarter"  # what the first layers leave of the image's side

    def compact(self) -> Network:
        """A DenseNet of the size that the settings say."""
        from timm.models import densenet
        from torch import nn

        network = densenet.DenseNet(self.growth_rate, self.block_config, num_classes=2, drop_rate=self.drop_rate)
        if self.stem == "half":  # a 3x3 convolution of stride 2 and no pooling: 48 pixels reach the first block as 24
            network.features.conv0 = nn.Conv2d(3, 2 * self.growth_rate, 3, stride=2, padding=1, bias=False)
            network.features.pool0 = nn.Identity()
            nn.init.kaiming_normal_(network.features.conv0.weight)
        return network
