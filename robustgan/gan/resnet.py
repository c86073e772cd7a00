"""The residual image-to-image network, for images of 100 pixels and more: most of its work is at a quarter of the side.

Source:
    Johnson, Alahi, Fei-Fei, ECCV 2016; Zhu et al., ICCV 2017 (as CycleGAN's generator); Odena, Dumoulin, Olah,
    Distill 2016 (bilinear upsampling and a convolution leave no chequerboard).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgan.gan.image_to_image import CENTRE, FIRST, SPREAD, Features, Layer, Residual, start
from robustgan.shapes import Float
from robustgan.tensors import Images, Labels


class ResNet(nn.Module):
    """Images and their labels to unbounded changes; height and width have to be multiples of 4."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        sizes = (width, 2 * width, 4 * width)
        self.stem = Layer(3, sizes[0], kernel=7)
        self.downs = nn.ModuleList(Layer(a, b, stride=2) for a, b in ((sizes[0], sizes[1]), (sizes[1], sizes[2])))
        self.body = nn.ModuleList(Residual(sizes[2]) for _ in range(blocks))
        self.ups = nn.ModuleList(Layer(a, b) for a, b in ((sizes[2], sizes[1]), (sizes[1], sizes[0])))
        self.head = nn.Conv2d(sizes[0], 3, 7, padding=3)
        self.apply(start)
        with torch.no_grad():
            self.head.weight.mul_(FIRST)

    def forward(self, x: Images, labels: Labels) -> Images:
        """One change an image."""
        h = self.stem((x - CENTRE) / SPREAD, labels).relu()
        for down in self.downs:
            h = down(h, labels).relu()
        for block in self.body:
            h = block(h, labels)
        for up in self.ups:
            h = up(doubled(h), labels).relu()
        change: Images = self.head(h)
        return change


def doubled(h: Features) -> Float[Tensor, "n c a b"]:
    """Twice the height and width."""
    return nn.functional.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=False)
