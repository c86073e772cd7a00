"""The U-Net: what is seen at a size is handed across to where changes of that size are made.

Source:
    Ronneberger, Fischer, Brox, MICCAI 2015; Isola et al., CVPR 2017 (pix2pix). Here with bilinear upsampling, three
    halvings, and residual blocks at the bottom.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn

from robustgan.gan.image_to_image import CENTRE, FIRST, SPREAD, Layer, Residual, start
from robustgan.gan.resnet import doubled
from robustgan.tensors import Images, Labels

HALVINGS = 3


class UNet(nn.Module):
    """Images and their labels to unbounded changes; height and width have to be multiples of 8."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        sizes = [width * 2**i for i in range(HALVINGS + 1)]
        self.stem = Layer(3, width)
        self.downs = nn.ModuleList(Layer(a, b, kernel=4, stride=2) for a, b in itertools.pairwise(sizes))
        self.body = nn.ModuleList(Residual(sizes[-1]) for _ in range(blocks))
        self.ups = nn.ModuleList(Layer(a + b, a) for a, b in reversed(list(itertools.pairwise(sizes))))
        self.head = nn.Conv2d(width, 3, 3, padding=1)
        self.apply(start)
        with torch.no_grad():
            self.head.weight.mul_(FIRST)

    def forward(self, x: Images, labels: Labels) -> Images:
        """One change an image."""
        seen = [self.stem((x - CENTRE) / SPREAD, labels).relu()]
        for down in self.downs:
            seen.append(down(seen[-1], labels).relu())
        h = seen.pop()
        for block in self.body:
            h = block(h, labels)
        for up in self.ups:
            h = up(torch.cat([doubled(h), seen.pop()], 1), labels).relu()
        change: Images = self.head(h)
        return change
