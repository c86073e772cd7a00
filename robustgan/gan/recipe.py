"""Settings of the class-conditional GAN and of the search in its latent space; readable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from robustgan.config import Number, Spec

Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Chance = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Play(Spec):
    """How generator and discriminator train (gan/game.py). The defaults are for a GPU."""

    steps: Count = 20000
    batch: Annotated[int, Field(ge=4)] = 256
    lr_g: Positive = 2e-4  # Adam, betas (0, 0.9)
    lr_d: Positive = 4e-4
    half_life: Positive = 5.0  # of the averaged generator, in thousands of images
    augment: Chance = 0.5  # of each change of DiffAugment, an image
    every: Count = 500  # steps from one look at the generator (and checkpoint) to the next
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 elsewhere


class Hunt(Spec):
    """How many images are made, and how the latent space is searched (gan/search.py)."""

    images: Count = 200  # a label, without search
    starts: Count = 50  # of these, a label, the first ones are also starting points of a search
    steps: Count = 200
    lr: Positive = 0.05  # Adam
    kappa: NotNegative = 1.0  # the victim's margin is pushed this far past its boundary
    free: NotNegative = 0.3  # a latent coordinate may move this far at no cost
    near: NotNegative = 10.0  # weight of moving further
    faithful: NotNegative = 1.0  # weight of the search oracles' cross-entropy
    realism: NotNegative = 1.0  # weight of looking less real than the 10th percentile of real images
    batch: Count = 256
