"""Settings of the class-conditional GAN and of the search in its latent space; readable without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from robustgan.config import Number, Spec

Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Chance = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Loss = Literal["hinge", "minimax", "nonsaturating", "lsgan", "wgan-gp"]
Action = Literal["rates", "augment", "r1", "restart"]

TARGETED = ("minimax", "nonsaturating", "lsgan")  # losses that call real images by a number


class Given(Spec):
    """A network from a file whose features images are also measured with (gan/extractors.py); never the victim."""

    model: str  # a name that timm knows; it also names the columns
    weights: Path  # .safetensors
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # of the file: other bytes are another yardstick
    mean: tuple[Number, Number, Number] = (0.485, 0.456, 0.406)  # taken off images in [0, 1]; ImageNet's
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)  # then divided by


class Play(Spec):
    """How generator and discriminator train (gan/game.py). The defaults are for a GPU."""

    steps: Count = 20000
    batch: Annotated[int, Field(ge=4)] = 256
    lr_g: Positive = 2e-4  # Adam, betas (0, 0.9); falls to nothing, linearly, over the second half of the steps
    lr_d: Positive = 4e-4
    half_life: Positive = 5.0  # of the averaged generator, in thousands of images
    augment: Chance = 0.5  # of each change of DiffAugment, an image
    every: Count = 500  # steps from one look at the generator (and checkpoint) to the next
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 elsewhere
    loss: Loss = "hinge"  # wgan-gp: the gradient penalty takes the place of spectral norm
    d_steps: Count = 1  # steps of the discriminator for each of the generator, each on images of its own
    real_target: Annotated[Number, Field(gt=0.5, le=1)] = 1.0  # what real images are called; below 1: smoothing
    flip: Annotated[Number, Field(ge=0, lt=0.5)] = 0.0  # share of images whose side the discriminator is told wrongly
    instance_noise: NotNegative = 0.0  # sigma at the start, on the [0, 1] scale; 0 after 30 % of the steps
    r1: NotNegative = 0.0  # weight of the discriminator's squared slope at real images
    r1_every: Count = 16  # steps from one R1 penalty to the next, each that many times as heavy; 1: plainly

    @model_validator(mode="after")
    def meaningful(self) -> Play:
        """Refuse settings that the loss has no place for."""
        if self.real_target != 1 and self.loss not in TARGETED:
            allowed = ", ".join(TARGETED)
            raise ValueError(
                f"found real_target {self.real_target:g} with loss {self.loss}, which has no targets; allowed are the "
                f"losses {allowed}, or real_target 1"
            )
        if self.flip and self.loss == "wgan-gp":
            raise ValueError(
                f"found flip {self.flip:g} with loss wgan-gp, which has no labels; allowed is flip 0, or another loss"
            )
        return self


class Watch(Spec):
    """When a training has gone wrong (gan/monitor.py), and what is then tried (gan/rescue.py)."""

    window: Chance = 0.05  # share of the steps that the rules on losses look back on
    shortest: Count = 300  # the window is no shorter, in steps
    saturated: NotNegative = 0.05  # D_SATURATED: loss of the discriminator, above the least possible one
    saturated_share: Chance = 0.5  # in this share of the window
    chance: NotNegative = 0.02  # D_DEAD: the loss is so close to its value at chance
    gap: NotNegative = 0.02  # and the mean outputs on real and generated images differ by less
    frozen: NotNegative = 1e-6  # STUCK: the loss varies by less over `shortest` steps
    steep: Positive = 100.0  # GRAD: length of a network's gradient
    steep_share: Chance = 0.1  # in this share of the window
    sure: Chance = 0.9  # OVERFIT: mean sign of the discriminator on training images
    unseen: Positive = 0.5  # or D(train) - D(held out), as a share of D(train) - D(generated)
    regressed: Annotated[Number, Field(ge=1)] = 1.5  # REGRESSED: distance, as a multiple of the best, at two looks
    regressed_sd: NotNegative = 2.0  # plus so many standard deviations of the distance
    recall: Chance = 0.6  # COLLAPSED: a label's recall as a share of its best, at two looks
    covered: Chance = 0.1  # or the kept generator's recall of a label, as a share of what training images reach
    covered_images: Count = 50  # in a label with so many held-out images: with fewer, chance decides
    variety: NotNegative = 0.3  # or its variety as a share of the real images'
    alike: Chance = 0.99  # or cosine of two generated images' features
    alike_share: Chance = 0.05  # in this share of pairs, beyond that of real images
    learnt: Chance = 0.5  # UNTRAINED: distance as a share of the untrained generator's
    nearer: Positive = 3.0  # MEMORISED: generated images are nearer to training images than held-out ones, by z
    copied: Chance = 0.05  # and this share of them is nearer than 99 % of the held-out ones
    leak: Chance = 0.6  # LABEL_LEAK: accuracy of the label probe on the generated images of a label
    same: NotNegative = 0.05  # or difference between labels at the same latent vector, as a share of real variety
    settled: Chance = 0.3  # share of the steps before which generated images set off no action: little is learnt yet
    actions: tuple[Action, ...] = ("rates", "augment", "r1", "restart")  # what is tried in turn when a rule applies
    restarts: Annotated[int, Field(ge=0, le=2)] = 2  # times that `restart` may be taken

    @model_validator(mode="after")
    def meaningful(self) -> Watch:
        """Refuse actions that would not be taken, and a number of restarts that nothing asks for."""
        again = [action for i, action in enumerate(self.actions) if action in self.actions[:i]]
        if again:
            raise ValueError(
                f"found actions with {', '.join(again)} twice; each is taken once an attempt, so name it once"
            )
        usual = type(self).model_fields["restarts"].default
        if self.restarts != usual and "restart" not in self.actions:
            named = ", ".join(self.actions) or "none"
            raise ValueError(
                f"found restarts {self.restarts} without restart among the actions ({named}); "
                f"allowed is restarts {usual} (leave it out), or restart among the actions"
            )
        return self


SONG: dict[str, Any] = {
    "steps": 1000,
    "lr": 1.0,
    "kappa": 0.0,
    "free": 0.1,
    "near": 100.0,
    "faithful": 100.0,
    "realism": 0.0,
    "langevin": True,
}  # as published; an auxiliary classifier of theirs is a search oracle here


class Hunt(Spec):
    """How many images are made, and how the latent space is searched (gan/search.py).

    `preset: song2018` takes the published settings for all that is not given.

    Source: Song, Shu, Kushman, Ermon, NeurIPS 2018, and the defaults of its code.
    """

    preset: Literal["robustgan", "song2018"] = "robustgan"
    images: Count = 200  # a label, without search
    starts: Count = 50  # of these, a label, the first ones are also starting points of a search
    steps: Count = 200
    lr: Positive = 0.05  # Adam
    kappa: NotNegative = 1.0  # the victim's margin is pushed this far past its boundary
    free: NotNegative = 0.3  # a latent coordinate may move this far at no cost
    near: NotNegative = 10.0  # weight of moving further
    faithful: NotNegative = 1.0  # weight of the search oracles' cross-entropy
    realism: NotNegative = 1.0  # weight of looking less real than the 10th percentile of real images
    helping: Count = 1  # oracles, the first ones, that hold the label during the search; the others judge
    sure: Annotated[Number, Field(gt=0.5, lt=1)] = 0.9  # probability of the label that each of them has to give
    langevin: bool = False  # plain descent with fading noise instead of Adam; looking real is then no condition
    batch: Count = 256

    @model_validator(mode="before")
    @classmethod
    def fill(cls, given: Any) -> Any:
        """Put the preset's settings where none are given."""
        if isinstance(given, dict) and given.get("preset") == "song2018":
            return {**SONG, **given}
        return given

    @model_validator(mode="after")
    def meaningful(self) -> Hunt:
        """Refuse more starting points than images."""
        if self.starts > self.images:
            raise ValueError(
                f"found starts {self.starts} with images {self.images}, of which they are the first ones; allowed are "
                f"1 to {self.images}"
            )
        return self
