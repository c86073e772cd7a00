"""The user's own classifier: any timm architecture with weights from a file; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from robustgan.models._given import fingerprint
from robustgan.models._supplied import Deviations, Means, Supplied
from robustgan.tensors import Network


class Checkpoint(Supplied):
    """Weights that come with the model, in an architecture that timm knows."""

    architecture: str  # a name that timm knows
    arguments: dict[str, Any] = Field(default_factory=dict)  # further arguments of timm.create_model
    weights: Path  # .safetensors, or a state dict in .pt or .pth; files that could run code are refused
    mean: Means = (0.485, 0.456, 0.406)  # subtracted from images in [0, 1]; the default is ImageNet's
    std: Deviations = (0.229, 0.224, 0.225)  # then divided by

    def fingerprint(self) -> str:
        """Digest of the weights file."""
        return fingerprint(self.weights)

    def build(self) -> Network:
        """The network with its weights; a file that robustgan wrote brings its own normalisation.

        Raises:
            InputError: timm does not know the architecture; the file cannot be read safely or does not fit.
        """
        from robustgan import weights

        network = self.skeleton()
        state = weights.read(self.weights.expanduser())
        ours = any(name.startswith("backbone.") for name in state)
        given = "backbone" if self.head.plain else "backbone.network"
        target = network if ours else network.get_submodule(given)
        weights.fill(target, state, f"{self.weights} ({self.architecture}, {self.head.words})")
        return network.eval()

    def skeleton(self) -> Network:
        """The network with fresh weights, for the copy of the weights that a run keeps."""
        from robustgan.models._backbone import create

        return self.adapted(create(self.architecture, self.arguments, len(self.head.classes)))
