"""The adapter from what a classifier gives to two logits (benign, malignant); gradients flow through it."""

from __future__ import annotations

import torch
from torch import nn

from robustgan.errors import InputError
from robustgan.models._head import Head
from robustgan.tensors import Images, Logits, Tensor


class Headed(nn.Module):
    """A network with outputs of any meaning, as a classifier with two logits."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head
        self.sides = [[i for i, side in enumerate(head.classes) if side == name] for name in ("benign", "malignant")]

    def forward(self, x: Images) -> Logits:
        """Two logits (benign, malignant) of images in [0, 1].

        Raises:
            InputError: the network gives something else than the head says.
        """
        return self.adapt(self.checked(self.network(x), len(x)))

    def checked(self, outputs: object, images: int) -> Tensor:
        """The outputs as one row an image and one column a class.

        Raises:
            InputError: they are no tensor, or of another shape.
        """
        count = len(self.head.classes)
        if not isinstance(outputs, torch.Tensor):
            found = f"a {type(outputs).__name__}, no tensor"
        elif outputs.shape == (images, count) or (count == 1 and outputs.shape == (images,)):
            return outputs.reshape(images, count).float()
        elif outputs.ndim == 2 and len(outputs) == images:
            found = f"{outputs.shape[1]} outputs an image"
        else:
            found = f"outputs of shape {tuple(outputs.shape)} for {images} images"
        raise InputError(
            f"head: the model gives {found}; the settings say {self.head.words}. Set `head.classes` to what each "
            "output stands for, in order: [malignant] for one sigmoid output, [benign, malignant] for two, eight "
            "entries for eight subtypes."
        )

    def adapt(self, outputs: Tensor) -> Logits:
        """Two logits of checked outputs.

        A side's logit is the logsumexp of its outputs, so that the softmax of the two is the sum of the softmax of
        all. One logit z becomes (-z/2, z/2), whose softmax is its sigmoid.
        """
        if self.head.outputs == "probabilities":
            return self.logarithms(outputs)
        if outputs.shape[1] > 1:
            return torch.stack([outputs[:, side].logsumexp(1) for side in self.sides], 1)
        half = outputs / 2 if self.sides[1] else -outputs / 2
        return torch.cat([-half, half], 1)

    def logarithms(self, outputs: Tensor) -> Logits:
        """Logarithms of the probability of each side; of zero, that of the smallest number."""
        if outputs.shape[1] > 1:
            both = torch.stack([outputs[:, side].sum(1) for side in self.sides], 1)
        else:
            both = torch.cat([1 - outputs, outputs] if self.sides[1] else [outputs, 1 - outputs], 1)
        return both.clamp_min(torch.finfo(both.dtype).tiny).log()
