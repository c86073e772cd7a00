"""A class-conditional DCGAN: a label for every class (or subtype) and magnification of the training images.

The topology is DCGAN's (4 x 4 convolutions of stride 2, no hidden fully connected layers). What differs is
what kept public training runs from collapsing: a spectrally normalised projection discriminator and
class-conditional batch norm in the generator. The label enters by that norm alone, and the first layer has no bias:
either would put the same thing in the same place of every image, and a label soon has one layout in many colours. In
place of batch norm the generator may have virtual batch norm: then an image does not depend on its neighbours while it
trains either. Spectral norm leaves the discriminator without both.

Source:
    Radford, Metz, Chintala, ICLR 2016 (topology); Miyato, Kataoka, Koyama, Yoshida, ICLR 2018 (spectral
    norm); Miyato, Koyama, ICLR 2018 (projection); de Vries et al., NeurIPS 2017 (conditional batch norm); Brock,
    Donahue, Simonyan, ICLR 2019, section 3.1 (one vector a label for all norms); Karras et al., ICLR 2018, section 3
    (standard deviation over the minibatch).
"""

from __future__ import annotations

import itertools

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from robustgan.gan import cells
from robustgan.gan.cells import LABELS, Cell
from robustgan.gan.virtual_norm import REFERENCE, VirtualNorm
from robustgan.shapes import Float
from robustgan.tensors import Images, Labels, Scores

DOUBLINGS = 4  # from size / 16 to size
SLOPE = 0.2  # of the leaky ReLU

Latents = Float[Tensor, "n z"]
Blend = Float[Tensor, "n k"]  # shares of all labels, an image


def look_up(table: nn.Embedding, labels: Labels | Blend) -> Float[Tensor, "n c"]:
    """The entry of each label, or of a blend of labels."""
    found: Tensor = labels @ table.weight if labels.is_floating_point() else table(labels)
    return found


class ConditionalNorm(nn.Module):
    """Batch norm, or virtual batch norm, whose gain and shift are read off the label's vector."""

    def __init__(self, channels: int, embedding: int, virtual: bool = False) -> None:
        super().__init__()
        self.norm = VirtualNorm() if virtual else nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = nn.Linear(embedding, channels), nn.Linear(embedding, channels)
        for layer, usual in ((self.gain, 1.0), (self.shift, 0.0)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.constant_(layer.bias, usual)

    def forward(self, x: Float[Tensor, "n c h w"], label: Float[Tensor, "n e"]) -> Float[Tensor, "n c h w"]:
        """Normalise, then scale and shift by label."""
        gain, shift = (layer(label)[:, :, None, None] for layer in (self.gain, self.shift))
        scaled: Tensor = gain * self.norm(x) + shift
        return scaled


class Doubling(nn.Module):
    """Twice the side: nearest neighbours, then a 3 x 3 convolution, which leaves no chequerboard.

    Both are one transposed 4 x 4 convolution of stride 2 whose kernel is the 3 x 3 kernel spread over 2 x 2 pixels:
    DCGAN's layer, at its price, without its artefact (Odena, Dumoulin, Olah, Distill, 2016).
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(channels, out, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h*2 w*2"]:
        """Enlarge and filter."""
        kernel = 4 * nn.functional.avg_pool2d(nn.functional.pad(self.weight, [1, 1, 1, 1]), 2, 1)
        return nn.functional.conv_transpose2d(x, kernel, self.bias, 2, 1)


class Generator(nn.Module):
    """Latent vectors and labels to images in [0, 1]; `width` is DCGAN's ngf.

    With virtual batch norm the latent vectors of the reference are drawn here, and the buffers hold them: they belong
    to the network as its weights do.
    """

    reference: Tensor
    reference_labels: Tensor

    def __init__(self, size: int, width: int, latent: int, embedding: int, virtual: bool = False) -> None:
        super().__init__()
        self.start, self.latent, self.virtual = size // 2**DOUBLINGS, latent, virtual
        channels = [width * 2**i for i in reversed(range(DOUBLINGS))]
        self.table = nn.Embedding(LABELS, embedding)
        self.root = nn.Linear(latent, channels[0] * self.start**2, bias=False)
        self.norms = nn.ModuleList(ConditionalNorm(c, embedding, virtual) for c in channels)
        pairs = zip(channels, [*channels[1:], 3], strict=True)
        self.ups = nn.ModuleList(Doubling(a, b) for a, b in pairs)
        nn.init.normal_(self.root.weight, 0.0, 0.02)
        if virtual:
            self.register_buffer("reference", torch.randn(REFERENCE, latent))
            self.register_buffer("reference_labels", torch.zeros(REFERENCE, dtype=torch.int64))

    def forward(self, z: Latents, labels: Labels | Blend) -> Images:
        """One image a latent vector, of a label or of a blend of labels."""
        if self.virtual:
            z, labels = torch.cat([self.reference.to(z), z]), torch.cat([self._references(labels), labels])
        label = look_up(self.table, labels)
        h: Tensor = self.root(z).unflatten(1, (-1, self.start, self.start))
        for norm, up in zip(self.norms, self.ups, strict=True):
            h = up(norm(h, label).relu())
        made = h[REFERENCE:] if self.virtual else h
        return (0.5 + 0.5 * made.float().tanh()).contiguous()

    def _references(self, labels: Labels | Blend) -> Tensor:
        """Labels of the reference, of the same sort as `labels`."""
        known = self.reference_labels
        return nn.functional.one_hot(known, LABELS).to(labels) if labels.is_floating_point() else known


def plain(layer: nn.Module) -> nn.Module:
    """The layer as it is: what stands for spectral norm where there is none."""
    return layer


class Discriminator(nn.Module):
    """Images and labels to one number: high for real. `width` is DCGAN's ndf.

    Spectral norm is on every layer, unless `spectral` is off: a gradient penalty then bounds the slope, and layers held
    at norm 1 would keep the critic from reaching the slope 1 that the penalty asks for. Such a critic looks at each
    image alone: the penalty is one an image (Gulrajani et al., NeurIPS 2017, section 4), and what the critic learnt
    from the others in the minibatch would escape it.

    While it trains, it also sees how much each feature varies within the labels of the minibatch (over all of
    it, the differences between labels would hide that a label has collapsed). In eval mode it sees the
    running average of that, so that the verdict on an image does not depend on its neighbours.
    """

    spread: Tensor

    def __init__(self, size: int, width: int, spectral: bool = True) -> None:
        super().__init__()
        channels = [3, *(width * 2**i for i in range(DOUBLINGS))]
        pairs = itertools.pairwise(channels)
        bound = spectral_norm if spectral else plain
        self.alone = not spectral
        self.downs = nn.ModuleList(bound(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairs)
        self.last = bound(nn.Conv2d(channels[-1], channels[-1], 3, 1, 1))
        self.variety = bound(nn.Linear(channels[-1], channels[-1]))
        self.score = bound(nn.Linear(channels[-1], 1))
        self.table = bound(nn.Embedding(LABELS, channels[-1]))
        self.register_buffer("spread", torch.zeros(channels[-1]))

    def forward(self, x: Images, labels: Labels) -> Scores:
        """How real each image looks as an example of its label (not a probability)."""
        h = 2 * x - 1
        for down in self.downs:
            h = nn.functional.leaky_relu(down(h), SLOPE)
        h = self.last(h) + self.variety(self._spread(h, labels).to(h.dtype))[:, None, None]
        h = nn.functional.leaky_relu(h, SLOPE).float().sum((2, 3))
        scores: Tensor = self.score(h).float().squeeze(1) + (self.table(labels).float() * h).sum(1)
        return scores

    def _spread(self, h: Float[Tensor, "n c h w"], labels: Labels) -> Float[Tensor, " c"]:
        """Standard deviation of each feature within the labels of the minibatch, averaged over places."""
        if self.alone or not self.training:
            return self.spread
        member = nn.functional.one_hot(labels, LABELS).float()
        counts = member.sum(0)
        means = (member / counts.clamp_min(1)).T @ h.float().flatten(1)
        free = (len(h) - (counts > 0).sum()).clamp_min(1)
        variance = (h.float().flatten(1) - means[labels]).square().sum(0) / free
        level = (variance + 1e-8).sqrt().view_as(h[0]).mean((1, 2))
        with torch.no_grad():
            self.spread.lerp_(level.detach(), 0.05)
        return level


class Gan(nn.Module):
    """What the attack keeps: both networks, what each label means, and whether to trust them."""

    cells: Tensor
    letters: Tensor
    realism: Tensor
    status: Tensor

    def __init__(
        self,
        size: int,
        widths: tuple[int, int],
        latent: int,
        embedding: int,
        spectral: bool = True,
        by_subtype: bool = False,
        virtual: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (size, widths, latent, embedding, spectral, by_subtype, virtual)  # what makes another one like it
        self.size, self.by_subtype, self.virtual = size, by_subtype, virtual
        self.generator = Generator(size, widths[0], latent, embedding, virtual)
        self.discriminator = Discriminator(size, widths[1], spectral)
        numbers, letters = cells.written([])
        self.register_buffer("cells", numbers)  # (class, magnification) of each label; -1 unused
        self.register_buffer("letters", letters)  # of its subtype
        self.register_buffer("realism", torch.zeros(LABELS))  # 10th percentile of the discriminator on real images
        self.register_buffer("status", torch.zeros((), dtype=torch.int64))  # index into monitor.RULES
        self.to(memory_format=torch.channels_last)  # as kernels of convolutions like it, on CPUs and GPUs

    def name_cells(self, rows: pd.DataFrame) -> None:
        """Give a label to every pair of class (or subtype) and magnification that occurs in `rows`.

        The reference of virtual batch norm takes them in turn.

        Raises:
            InputError: there are more pairs than labels, or subtypes that cannot be labels.
        """
        self.adopt(*cells.written(cells.labels_for(rows, self.by_subtype)))

    def adopt(self, numbers: Tensor, letters: Tensor) -> None:
        """Give the labels this meaning."""
        self.cells.copy_(numbers)
        self.letters.copy_(letters)
        if self.virtual:
            places = torch.arange(REFERENCE, device=self.cells.device)
            self.generator.reference_labels.copy_(places % len(self.labels()))

    def labels(self) -> list[Cell]:
        """What every label in use means, in the order of the labels."""
        return cells.read(self.cells, self.letters)

    def labels_of(self, rows: pd.DataFrame) -> Labels:
        """Label of every row; -1 where no training image was like it."""
        index = {cell: i for i, cell in enumerate(self.labels())}
        found = [index.get(cell, -1) for cell in cells.cells_of(rows, self.by_subtype)]
        return torch.tensor(found, dtype=torch.int64, device=self.cells.device)
