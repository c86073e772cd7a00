"""The two networks of AdvGAN: an image to a change of it, and whether parts of an image look changed.

The generator works on tiles: each square of `tile` x `tile` pixels becomes channels, which keeps every detail at
a fraction of the cost of full resolution. It is told which label the change should hide: one generator a target,
as in the paper, in one network.

Source:
    Xiao et al., IJCAI 2018 (AdvGAN); Johnson, Alahi, Fei-Fei, ECCV 2016 (residual image-to-image network);
    Shi et al., CVPR 2016 (tiles as channels); Ulyanov et al., 2016 (instance norm); Dumoulin, Shlens, Kudlur,
    ICLR 2017 (its gain and shift by label); Isola et al., CVPR 2017 (patch discriminator); Miyato et al.,
    ICLR 2018 (spectral norm).
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from robustgan.shapes import Float
from robustgan.tensors import Images, Labels

Features = Float[Tensor, "n c h w"]

CLASSES = 2
CENTRE, SPREAD = 0.7, 0.2  # of stained tissue's pixels, roughly: what the first layers see is near N(0, 1)
FIRST = 0.1  # the last layer's starting weights are this much smaller: training starts from small changes
SLOPE = 0.2  # of the discriminator's leaky ReLU
REACH = 6  # the discriminator's maps are not smaller than this, in patches a side


class LabelledNorm(nn.Module):
    """Instance norm whose gain and shift belong to the label; unlike batch norm, no image sees another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels)
        self.gain = nn.Embedding(CLASSES, channels)
        self.shift = nn.Embedding(CLASSES, channels)
        nn.init.normal_(self.gain.weight, 1.0, 0.02)
        nn.init.normal_(self.shift.weight, 0.0, 0.1)

    def forward(self, x: Features, labels: Labels) -> Features:
        """Normalise each channel of each image, then scale and shift by label."""
        gain, shift = (table(labels)[:, :, None, None] for table in (self.gain, self.shift))
        return torch.addcmul(shift, self.norm(x), gain)


class Layer(nn.Module):
    """Convolution and norm; height and width are divided by `stride`."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels, kernel, stride, (kernel - 1) // 2, bias=False)
        self.norm = LabelledNorm(channels)

    def forward(self, x: Features, labels: Labels) -> Float[Tensor, "n d a b"]:
        """Convolve, then normalise by label."""
        y: Tensor = self.norm(self.convolution(x), labels)
        return y


class Residual(nn.Module):
    """Two layers whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = Layer(channels, channels), Layer(channels, channels)

    def forward(self, x: Features, labels: Labels) -> Features:
        """Same shape."""
        y: Tensor = x + self.second(self.first(x, labels).relu(), labels)
        return y


class Generator(nn.Module):
    """Images and their labels to unbounded changes of the images; the attack bounds them.

    Height and width have to be multiples of `tile`.
    """

    def __init__(self, width: int, blocks: int, tile: int) -> None:
        super().__init__()
        self.tile = tile
        self.stem = Layer(3 * tile**2, width)
        self.body = nn.ModuleList(Residual(width) for _ in range(blocks))
        self.head = nn.Conv2d(width, 3 * tile**2, 3, padding=1)
        self.apply(start)
        with torch.no_grad():
            self.head.weight.mul_(FIRST)

    def forward(self, x: Images, labels: Labels) -> Images:
        """One change an image."""
        h = self.stem(functional.pixel_unshuffle((x - CENTRE) / SPREAD, self.tile), labels).relu()
        for block in self.body:
            h = block(h, labels)
        return functional.pixel_shuffle(self.head(h), self.tile)


class PatchDiscriminator(nn.Module):
    """Images to a map: high where a part looks like an original. Spectral norm on every layer.

    `size` (side of the images in pixels) says how deep it is: each layer halves the side, down to `REACH`, at
    most 4 times (then a patch is 46 pixels wide).
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        depth = min(4, max(1, (size // REACH).bit_length() - 1))
        channels = [3, *(width * 2 ** min(i, 3) for i in range(depth))]
        pairs = itertools.pairwise(channels)
        self.downs = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairs)
        self.score = spectral_norm(nn.Conv2d(channels[-1], 1, 1))

    def forward(self, x: Images) -> Float[Tensor, "n 1 a b"]:
        """How much each part looks like an original: 1 yes, 0 no (least squares)."""
        h = (x - CENTRE) / SPREAD
        for down in self.downs:
            h = functional.leaky_relu(down(h), SLOPE)
        parts: Tensor = self.score(h)
        return parts


def start(module: nn.Module) -> None:
    """Starting weights that keep the variance through ReLU layers (He et al., ICCV 2015)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
