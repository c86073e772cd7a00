"""Settings that families of timm networks share: a published network by name, or a compact one."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from robustgan.config import Number
from robustgan.interfaces import Model
from robustgan.models._given import fingerprint
from robustgan.tensors import Network

Width = Annotated[int, Field(ge=1)]


class Family(Model):
    """A timm network with two logits: `variant` names a published one, or is `compact`."""

    compact_settings: ClassVar[tuple[str, ...]] = ()  # settings that mean something for `compact` alone

    variant: str
    pretrained: bool = False  # ImageNet weights from timm's hub
    weights: Path | None = None  # weights to start from: .safetensors, .pt or .pth; another head is left out
    drop_rate: Annotated[Number, Field(ge=0, lt=1)] = 0.0  # dropout before the last layer

    @model_validator(mode="after")
    def consistent(self) -> Family:
        """Refuse settings that would be ignored."""
        if self.pretrained and self.weights:
            raise ValueError("give `pretrained: true` or `weights`, not both")
        if self.variant == "compact" and self.pretrained:
            raise ValueError("`variant: compact` has no pretrained weights; train it, or give `weights`")
        fields = type(self).model_fields
        changed = [name for name in self.compact_settings if getattr(self, name) != fields[name].default]
        if self.variant != "compact" and changed:
            raise ValueError(f"{', '.join(changed)}: only `variant: compact` has this setting")
        return self

    def fingerprint(self) -> str:
        """Digest of the weights file; empty where there is none."""
        return fingerprint(self.weights) if self.weights else ""

    def build(self) -> Network:
        """The network; fresh weights come from torch's global random numbers.

        Raises:
            InputError: timm has no such network, or the weights that were asked for cannot be had.
        """
        from robustgan.models._backbone import download, start_from

        network = self.skeleton()
        if self.pretrained:
            download(network.get_submodule("backbone"), self.variant)
        if self.weights:
            start_from(network.get_submodule("backbone"), self.weights)
        return network

    def skeleton(self) -> Network:
        """The network with fresh weights, whatever else the settings ask for."""
        from robustgan.models._backbone import Normalised, create

        if self.variant == "compact":
            return Normalised(self.compact())
        return Normalised(create(self.variant, {"drop_rate": self.drop_rate}))

    @abstractmethod
    def compact(self) -> Network:
        """The compact network, without normalisation."""
