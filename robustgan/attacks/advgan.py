"""AdvGAN: a generator learns, against the frozen classifier, to fool it with one forward pass an image.

The recipe differs from the paper where public code failed to reproduce it: the change is bounded by tanh (a
clamp has no gradient), the margin is one of logits, smooth and balanced over classes, the discriminator is a
spectrally normalised one of patches, and the epoch is chosen on validation patients after 8-bit quantisation.
The generator is told which label to hide, as gradient attacks are; the paper trains one generator for each
target instead.

Source:
    Xiao, Li, Zhu, He, Liu, Song, "Generating Adversarial Examples with Adversarial Networks", IJCAI 2018
    (https://arxiv.org/abs/1801.02610).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from robustgan.config import Number
from robustgan.errors import InputError
from robustgan.gan.surrogate import Surrogate
from robustgan.interfaces import Access, Attack, Bounded, Samples, State
from robustgan.journal import Journal
from robustgan.team import Team
from robustgan.tensors import Images, Labels, Network

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[Number, Field(gt=0)]
Weight = Annotated[Number, Field(ge=0)]
# Settings that mean something only where another one has one of these values
ONLY = {
    "queries": ("knowledge", ("dynamic", "static", "estimated")),
    "surrogate": ("knowledge", ("dynamic", "static", "transfer")),
    "surrogates": ("knowledge", ("dynamic", "static", "transfer")),
    "layer": ("objective", ("features",)),
    "kappa": ("objective", ("margin",)),
    "tile": ("network", ("tiles",)),
}
# Settings of what has a weight, and the weight
WEIGHED = {"patches": "realism", "lr_patches": "realism", "reach": "length"}
# Settings of the surrogate that mean something only with some `knowledge`
TAUGHT = {
    "passes": ("dynamic",), "memory": ("dynamic",), "steady": ("dynamic",),
    "answers": ("dynamic", "static"), "loss": ("dynamic", "static"),
}  # fmt: skip
# What `preset: paper` sets where the config says nothing else
PAPER = {
    "kappa": 0.0, "lr": 1e-3, "lr_patches": 1e-3, "batch": 128,
    "network": "resnet", "width": 8, "blocks": 4, "patches": 8,
}  # fmt: skip
# The same for `knowledge`: an ensemble; steps and margins that suit noisy gradients
KNOWLEDGE: dict[str, dict[str, Any]] = {
    "transfer": {"surrogates": 3},
    "estimated": {"queries": 250_000, "epochs": 50, "batch": 64, "lr": 3e-3, "kappa": 1.0},
}
ACCESS: dict[str, Access] = {"white-box": "white-box", "transfer": "none"}
Goal = Literal["any", "hide", "invent"]


class AdvGAN(Attack):
    """Trains with the classifier's gradients, or its answers, on training patients; then it needs no access to it."""

    trains: ClassVar[bool] = True

    threat: Bounded
    goal: Goal = "any"  # hide: malignant images are to be called benign; invent: the other way; others stay as they are
    form: Literal["image", "universal"] = "image"  # universal: one change for all images of a label
    # Whose gradients: the classifier's; of surrogates that learn its answers (`_distilled.py`) or the true labels
    # (`_transferred.py`, asks nothing); or estimates from pairs of answers (`_estimated.py`)
    knowledge: Literal["white-box", "dynamic", "static", "transfer", "estimated"] = "white-box"
    queries: Count = 100_000  # images that the classifier may be asked about, to learn and to choose the epoch
    surrogate: Surrogate = Surrogate()
    surrogates: Count = 1  # how many of them; the generator fools their mean margin. `transfer`: 3 where none is given
    objective: Literal["margin", "features"] = "margin"  # features: those of `layer` should point elsewhere (BIA)
    layer: str = ""  # name of a module of the network that is trained against; empty: its second dense block
    preset: Literal["none", "paper"] = "none"  # paper: the published losses and sizes (`_schedule.py` says which)
    network: Literal["tiles", "resnet", "unet"] = "tiles"  # the generator; resnet and unet are for 100 pixels and more
    width: Count = 48  # channels of the generator; resnet and unet: of its first layer, doubled with each halving
    blocks: Count = 2  # residual blocks of the generator
    tile: Literal[1, 2, 4, 8] = 4  # side of the squares of pixels that `tiles` works on, in pixels
    patches: Count = 16  # channels of the discriminator's first layer
    epochs: Count = 20
    batch: Count = 32
    lr: Positive = 6e-3  # peak of the generator's schedule: 10 % warm-up, then a cosine to 2 %
    lr_patches: Positive = 2e-4  # the same for the discriminator
    kappa: Weight = 5.0  # margin that is asked for, in logits, after 30 % of the training; `features` asks for none
    realism: Weight = 0.1  # weight of the discriminator's verdict, from the third epoch on
    length: Weight = 1.0  # weight of the length beyond `reach`, in units of the longest change in the budget
    reach: Annotated[Number, Field(gt=0, le=1)] = 0.6  # share of the longest change that costs nothing
    smoothness: Weight = 0.0  # weight of the change's total variation, in units of eps
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 elsewhere; the classifier: fp32

    @property
    def access(self) -> Access:  # type: ignore[override]  # the settings decide, so no class attribute can say it
        """What the training gets to see of the classifier; the trained generator needs nothing."""
        return ACCESS.get(self.knowledge, "query")

    @model_validator(mode="before")
    @classmethod
    def published(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Take from the paper what the preset asks for and the config does not say; and so for `knowledge`."""
        settings = {**KNOWLEDGE.get(str(settings.get("knowledge")), {}), **settings}
        return {**PAPER, **settings} if settings.get("preset") == "paper" else settings

    @model_validator(mode="after")
    def consistent(self) -> AdvGAN:
        """Refuse settings that would be ignored."""
        if self.preset == "paper" and self.objective == "features":
            raise ValueError("objective: features is not in the paper; leave out `preset: paper`")
        for setting, (switch, values) in ONLY.items():
            changed = getattr(self, setting) != type(self).model_fields[setting].default
            if changed and getattr(self, switch) not in values:
                found = f"{switch} is {getattr(self, switch)}"
                raise ValueError(f"{setting}: only {switch} {' or '.join(values)} has this setting, and {found}")
        if self.knowledge == "estimated" and self.objective == "features":
            raise ValueError("objective: features needs layers to look at; with `knowledge: estimated` there are none")
        return self

    @model_validator(mode="after")
    def heard(self) -> AdvGAN:
        """Refuse settings whose weight is 0, and those of a surrogate that this `knowledge` has no use for."""
        preset = PAPER if self.preset == "paper" else {}
        for setting, weight in WEIGHED.items():
            usual = preset.get(setting, type(self).model_fields[setting].default)
            if not getattr(self, weight) and getattr(self, setting) != usual:
                raise ValueError(
                    f"{setting}: found {getattr(self, setting)} with {weight} 0, which leaves it without effect; "
                    f"allowed is {setting} {usual} (leave it out), or another {weight}"
                )
        for setting, values in TAUGHT.items():
            mine, usual = getattr(self.surrogate, setting), type(self.surrogate).model_fields[setting].default
            if mine != usual and self.knowledge not in values:
                raise ValueError(
                    f"surrogate.{setting}: found {mine}, but only knowledge {' or '.join(values)} has this setting, "
                    f"and knowledge is {self.knowledge}; leave it out"
                )
        return self

    def share(self, team: Team) -> None:
        """Surrogates that learn cannot be shared: each process would ask their questions."""
        if team.size > 1 and self.knowledge != "white-box":
            raise InputError(
                f"{self.label}: found `knowledge: {self.knowledge}` and `processes: {team.size}`; only a white-box "
                "training can be shared. Set `processes: 1`."
            )
        team.check(self.batch, f"{self.label}.batch")

    def build(self) -> Network:
        """The untrained generator."""
        from robustgan.gan.image_to_image import Generator
        from robustgan.gan.resnet import ResNet
        from robustgan.gan.unet import UNet
        from robustgan.gan.universal import Universal

        generator: Network
        if self.network == "tiles":
            generator = Generator(self.width, self.blocks, self.tile)
        else:
            generator = {"resnet": ResNet, "unet": UNet}[self.network](self.width, self.blocks)
        return Universal(generator) if self.form == "universal" else generator

    def fit(self, model: Network, train: Samples, val: Samples, state: State, journal: Journal) -> None:
        """Train the generator; keep the moving average of the epoch that fools most on validation patients.

        Writes `checks.json` beside the journal (`_checks.py` says what is in it).

        Raises:
            InputError: a class is missing, the journal's checkpoint is of another training, the generator cannot
            halve the images' sides, a side lacks the class that `goal` is about, the
            classifier has no such `layer`, or `queries` and `surrogate` do not fit the images.
            RunError: a loss is not finite, or the classifier changed.
        """
        from robustgan.attacks import _advgan

        _advgan.fit(self, model, train, val, state, journal)

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """One forward pass of the generator; the classifier is not asked.

        Raises:
            InputError: a universal change was learned for images of another size.
        """
        import torch

        from robustgan.attacks._change import made
        from robustgan.attacks._goal import spared
        from robustgan.gan.universal import Universal

        if isinstance(state.network, Universal):
            state.network.check(x)
        with torch.no_grad():
            return spared(x, made(state.network, x, y, self.threat), y, self.goal)
