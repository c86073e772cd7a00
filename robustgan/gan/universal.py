"""One change for all images of a label: a generator that looks at a fixed noise image instead of the image.

Source:
    Poursaeed, Katsman, Gao, Belongie, "Generative Adversarial Perturbations", CVPR 2018, section 3.1.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from robustgan.draws import normal, seed_of
from robustgan.errors import InputError
from robustgan.gan.image_to_image import CENTRE, CLASSES, SPREAD
from robustgan.tensors import Images, Labels, Tensor


class Universal(nn.Module):
    """Labels to changes; of an image only its size matters, and that is fixed once the training begins."""

    side: Tensor

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.register_buffer("side", torch.zeros(2, dtype=torch.int64))  # height and width; 0: not trained yet

    def forward(self, x: Images, labels: Labels) -> Images:
        """The change of each image's label; equal labels get equal bytes in any batch."""
        noise = noise_image(x.shape[2], x.shape[3], x.device)
        changes: Tensor = self.generator(noise.expand(CLASSES, -1, -1, -1), torch.arange(CLASSES, device=x.device))
        return changes[labels]

    def fix(self, height: int, width: int) -> None:
        """From now on the change is for images of this size."""
        self.side.copy_(torch.tensor((height, width)))

    def check(self, x: Images) -> None:
        """Refuse images of a size that the change was not learned for.

        Raises:
            InputError: the size is another one.
        """
        learned, found = self.side.tolist(), list(x.shape[2:])
        if any(learned) and learned != found:
            raise InputError(
                f"advgan.form: the universal change was learned for images of {learned[0]} x {learned[1]} pixels, "
                f"found {found[0]} x {found[1]}. Train it again for this size."
            )


@lru_cache(maxsize=4)  # it is the same for every step of a training
def noise_image(height: int, width: int, device: torch.device) -> Images:
    """The image that the generator looks at: each pixel as spread as those of stained tissue."""
    return CENTRE + SPREAD * normal([seed_of("universal")], (3, height, width), device)
