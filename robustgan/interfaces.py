"""The nouns: threat models, data sets, models, attacks, and the state that attacks carry.

Plug-in files (`attacks/`, `datasets/`, `models/`) import torch, timm and ART inside their methods, so that a config can
be read, checked and planned on a machine without them.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import pandas as pd
from pydantic import Field

from robustgan.config import Number, Plugin, Spec
from robustgan.journal import Journal, Tick
from robustgan.team import Team
from robustgan.tensors import Bytes, Images, Labels, Network, Rng, Scores, Tensor

Access = Literal["white-box", "query", "none"]
Classify = Callable[[Images], Tensor]


class Linf(Spec):
    """At most `eps` on every channel of every pixel; `eps` on the [0, 1] scale."""

    norm: Literal["linf"] = "linf"
    eps: Annotated[Number, Field(gt=0, le=1)]

    def distance(self, x: Images, x_adv: Images) -> Scores:
        """Largest change of any channel of any pixel, an image."""
        return (x_adv - x).abs().flatten(1).amax(1)

    def project(self, x: Images, x_adv: Images) -> Images:
        """Nearest images inside both the budget around `x` and [0, 1]."""
        return (x + (x_adv - x).clamp(-self.eps, self.eps)).clamp(0, 1)

    def ascend(self, gradient: Tensor, step: float) -> Tensor:
        """The move of length `step` in this norm that raises the loss most, to first order."""
        return gradient.sign() * step

    def start(self, unit: Tensor) -> Tensor:
        """A point of the ball from numbers in U(0, 1), uniform in each coordinate."""
        return (unit * 2 - 1) * self.eps


class L2(Spec):
    """Euclidean length of the change of the whole image at most `eps`; pixels on the [0, 1] scale."""

    norm: Literal["l2"] = "l2"
    eps: Annotated[Number, Field(gt=0)]

    def distance(self, x: Images, x_adv: Images) -> Scores:
        """Euclidean length of the change, an image."""
        return lengths(x_adv - x)

    def project(self, x: Images, x_adv: Images) -> Images:
        """Images in the budget around `x` and in [0, 1]: first clipped, then drawn towards `x`."""
        change = x_adv.clamp(0, 1) - x
        length = lengths(change).clamp_min(1e-12).view(-1, 1, 1, 1)
        return (x + change * (self.eps / length).clamp_max(1)).clamp(0, 1)  # the last clamp: rounding only

    def ascend(self, gradient: Tensor, step: float) -> Tensor:
        """The move of length `step` in this norm that raises the loss most, to first order."""
        return gradient * step / lengths(gradient).clamp_min(1e-12).view(-1, 1, 1, 1)

    def start(self, unit: Tensor) -> Tensor:
        """A point of the ball from numbers in U(0, 1): random signs and sizes, scaled to at most `eps`."""
        spread = 2 * unit - 1
        return self.eps * spread / math.sqrt(spread[0].numel())


def lengths(change: Tensor) -> Scores:
    """Euclidean length of each of n changes."""
    found: Scores = change.flatten(1).norm(dim=1)
    return found


class Unrestricted(Spec):
    """No original, no distance: images made from scratch. Their drop is unpaired and never given an eps."""

    norm: Literal["unrestricted"] = "unrestricted"

    @property
    def eps(self) -> float:
        """Not a number: nothing bounds these images."""
        return math.nan

    def project(self, x: Images, x_adv: Images) -> Images:
        """Images in [0, 1]; nothing else is asked of them."""
        return x_adv.clamp(0, 1)


Bounded = Annotated[Linf | L2, Field(discriminator="norm")]


class Dataset(Plugin):
    """Where images come from. `manifest` lists every image; nothing is dropped on the way."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Whom to cite, and where the images come from, for the report."""

    @abstractmethod
    def locate(self, data: Path, folder: Path) -> Path:
        """The folder that holds the images: under the user's `data`, or made in the stage's own `folder`."""

    def fingerprint(self, root: Path) -> str:
        """A digest of the bytes of all files that `manifest` would read; empty where the settings say it all."""
        return ""

    def make(self, root: Path, tick: Tick) -> None:
        """Write the images, for a data set that makes its own."""

    @abstractmethod
    def manifest(self, root: Path, tick: Tick) -> pd.DataFrame:
        """List every image under `root` as a MANIFEST table (`tables.py`)."""


class Model(Plugin):
    """A classifier: images in [0, 1] to two logits (benign, malignant). It normalises inside itself."""

    trains: ClassVar[bool] = True  # False: the weights come with it, nothing is trained
    gradients: ClassVar[bool] = True  # False: it answers questions only; white-box attacks are refused in the plan

    def fingerprint(self) -> str:
        """A digest of the bytes of the weights that `build` reads from files; empty where it reads none."""
        return ""

    @abstractmethod
    def build(self) -> Network:
        """The network, with fresh (or given) weights; call it after seeding."""

    def skeleton(self) -> Network:
        """The same network with any weights, for weights that a run has kept; it reads no file and no hub."""
        return self.build()


class State(NamedTuple):
    """All that changes in an attack; its settings never do."""

    network: Network  # the generator; nn.Identity() for attacks that train nothing
    rng: Rng  # for `fit`: one stream for the whole training
    seeds: tuple[int, ...] = ()  # for `perturb`: one seed an image, from (seed, attack, image)
    solvers: list[str] = []  # noqa: RUF012 - for `perturb` of an attack with parts: it says which one fooled the image


class Samples(NamedTuple):
    """Images on the device with their rows of the manifest, in the same order."""

    images: Bytes
    labels: Labels
    rows: pd.DataFrame  # MANIFEST columns

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows)


class AnyAttack(Plugin):
    """A way to make fooling images: what `Attack` (changes images) and `Forger` (makes them from scratch) share."""

    access: ClassVar[Access] = "white-box"
    trains: ClassVar[bool] = False  # True: `fit` is called first
    paired: ClassVar[bool]  # whether every fooling image has an original
    later: ClassVar[tuple[str, ...]] = ()  # settings that `fit` does not read: other ones train nothing anew

    name: str = ""  # shown in tables; the kind, when empty
    threat: Linf | L2 | Unrestricted = Field(default_factory=Unrestricted)  # a subclass narrows it: its support table

    @property
    def label(self) -> str:
        """What tables and figures call this attack."""
        return self.name or self.kind

    def share(self, team: Team) -> None:
        """Refuse a training that the processes of `team` cannot share, before anything is done.

        Raises:
            InputError: says what could be shared.
        """

    def build(self) -> Network:
        """The untrained generator; call it after seeding."""
        from torch import nn

        return nn.Identity()

    def fit(self, model: Network, train: Samples, val: Samples, state: State, journal: Journal) -> None:
        """Train `state.network` against a frozen model, on training patients; choose on validation patients."""


class Attack(AnyAttack):
    """Changes images. It proposes; the harness projects, quantises to 8 bits, checks the budget and judges."""

    paired: ClassVar[bool] = True

    @abstractmethod
    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return images that should fool `model`. `x` must stay as it is."""


class Forger(AnyAttack):
    """Makes images from scratch: no original, no budget, a drop that is never paired."""

    paired: ClassVar[bool] = False

    threat: Unrestricted = Unrestricted()

    def seat(self, oracles: int) -> None:
        """Refuse so many oracles where none of them would be left to judge.

        Raises:
            InputError: says how many there are, and how many take part.
        """

    @abstractmethod
    def fool(
        self,
        model: Network,
        oracles: Sequence[Network],
        network: Network,
        held_out: Samples,
        seed: int,
        folder: Path,
        tick: Tick,
    ) -> pd.DataFrame:
        """Make images with the trained `network`, let `oracles` say which labels hold; pictures go into `folder`.

        Returns:
            GENERATED rows (`tables.py`), without the columns that name the run's cell.
        """
