"""Any evasion attack of the Adversarial Robustness Toolbox (ART), by the name of its class.

Source: Nicolae et al. 2018, "Adversarial Robustness Toolbox v1.0.0" (https://arxiv.org/abs/1807.01069).
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from pydantic import Field, JsonValue, field_validator, model_validator

from robustgan.attacks._catalogue import ELSEWHERE, applies, methods, parameters
from robustgan.config import number
from robustgan.errors import RunError, nearest
from robustgan.interfaces import Access, Attack, Bounded, Linf, State
from robustgan.tensors import Images, Labels, Network

# Methods that ask for outputs alone; they get a classifier without gradients, all others are white-box. ART's
# requirements do not tell: some methods that require no gradients use them (UniversalPerturbation).
QUERY = frozenset(
    {"BoundaryAttack", "GeoDA", "HopSkipJump", "SimBA", "SpatialTransformation", "SquareAttack"}
    | {"VirtualAdversarialMethod", "ZooAttack"}
)

# Methods that refuse logits and want probabilities.
PROBABILITIES = frozenset({"SimBA", "VirtualAdversarialMethod"})

# Not for the user to set.
RESERVED = {
    "eps": "`threat.eps` sets",
    "norm": "`threat.norm` sets",
    "targeted": "stays off: with two classes, away from the one is towards the other",
    "summary_writer": "stays off: an attack writes no files",
    "verbose": "stays off: progress is shown by robustgan",
}


class Art(Attack):
    """Runs a method of ART with everything said explicitly: budget, norm, range of pixels, the true labels.

    Methods without an eps (DeepFool, CarliniL2Method, ...) look for the nearest fooling image; the harness
    brings what they find into the budget, so an image that needs a longer way is most likely not fooled.
    """

    threat: Bounded
    method: str  # class in art.attacks.evasion
    parameters: dict[str, JsonValue] = Field(default_factory=dict)  # arguments; eps_step is eps / 4 by default
    batched: bool = False  # True: whole batches, for methods that draw nothing at random

    @property
    def access(self) -> Access:  # type: ignore[override]  # the settings decide, so no class attribute can say it
        """What the method gets to see."""
        return "query" if self.method in QUERY else "white-box"

    @property
    def label(self) -> str:
        """What tables and figures call this attack."""
        return self.name or f"art-{self.method}"

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if not applies(method):
            why = ELSEWHERE.get(method, "no attack of ART on images and classifiers")
            raise ValueError(f"found {method!r}: {why}. {nearest(method, methods())}")
        return method

    @model_validator(mode="after")
    def _parameters_exist(self) -> "Art":
        allowed = set(parameters(self.method)) - set(RESERVED)
        for name in self.parameters:
            if name in RESERVED:
                raise ValueError(f"found parameters.{name}, which {RESERVED[name]}.")
            if name not in allowed:
                raise ValueError(f"found parameters.{name}, unknown to {self.method}. {nearest(name, allowed)}")
        return self

    def arguments(self, batch: int) -> dict[str, Any]:
        """All that the class is told; ART's own defaults (eps 0.3, L-infinity, batches of 32) never apply."""
        eps, norm = self.threat.eps, float("inf") if isinstance(self.threat, Linf) else 2
        told = {"eps": eps, "norm": norm, "eps_step": eps / 4, "batch_size": batch}
        told |= {"targeted": False, "verbose": False}  # BoundaryAttack is targeted by default
        taken = parameters(self.method)
        given = {name: _value(value) for name, value in self.parameters.items()}
        return {name: value for name, value in told.items() if name in taken} | given

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Attack image by image, each with its own random numbers; whole batches where nothing is drawn."""
        import torch

        told = self.arguments(len(x) if self.batched else 1)
        if self.batched:
            return self.generate(model, x, y, state.seeds[0], told)
        ones = [slice(i, i + 1) for i in range(len(x))]
        parts = [self.generate(model, x[i], y[i], s, told) for i, s in zip(ones, state.seeds, strict=True)]
        return torch.cat(parts)

    def generate(self, model: Network, x: Images, y: Labels, seed: int, told: dict[str, Any]) -> Images:
        """Run the method once.

        Raises:
            RunError: `batched` was set and the method drew random numbers, which would depend on the batch.
        """
        import torch

        from robustgan.attacks._seeded import seeded

        one_hot = torch.nn.functional.one_hot(y, 2).float().cpu().numpy()
        with quiet():
            victim = self.victim(model, x)  # imports ART, so before the generators are borrowed
            with seeded(seed) as drawn:
                from art.attacks import evasion

                attack = getattr(evasion, self.method)(victim, **told)
                x_adv = attack.generate(x=x.cpu().numpy().copy(), y=one_hot)
                if self.batched and drawn():
                    raise RunError(f"{self.method} draws random numbers: set `batched: false`.")
        return torch.from_numpy(x_adv).to(x)

    def victim(self, model: Network, x: Images) -> Any:
        """The classifier as ART sees it, told all that ART would otherwise guess."""
        from art.estimators.classification import PyTorchClassifier
        from torch import nn

        from robustgan.attacks._seen import Seen

        seen = Seen(model, self.method in PROBABILITIES)
        place, shape = "gpu" if x.is_cuda else "cpu", tuple(x.shape[1:])
        pixels = {"clip_values": (0.0, 1.0), "preprocessing": (0.0, 1.0), "channels_first": True}
        return PyTorchClassifier(seen, nn.CrossEntropyLoss(), shape, 2, device_type=place, **pixels)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep ART's messages, warnings and prints out of a run's output; what it raises still comes through."""
    logger, silence = logging.getLogger("art"), io.StringIO()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(silence), redirect_stderr(silence), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _value(value: JsonValue) -> object:
    """A parameter as ART wants it: `2/255` and `1e-3` are numbers, other words stay words."""
    try:
        return number(value) if isinstance(value, str) else value
    except ValueError:
        return value
