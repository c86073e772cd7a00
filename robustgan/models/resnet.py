"""ResNet, from timm: another family of architectures, for judges that must not share the victim's.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from robustgan.models._family import Family, Width
from robustgan.tensors import Network

Stages = Annotated[tuple[Width, ...], Field(min_length=4, max_length=4)]


class ResNet(Family):
    """A timm ResNet with two logits; `compact` suits images of 32 to 96 pixels."""

    compact_settings: ClassVar[tuple[str, ...]] = ("layers", "channels")

    variant: str = "compact"  # or the name of a timm ResNet: resnet18, resnet50, ...
    layers: Stages = (1, 1, 1, 1)  # residual blocks of each stage
    channels: Stages = (16, 32, 64, 128)  # channels of each stage

    @field_validator("variant")
    @classmethod
    def in_family(cls, value: str) -> str:
        """Keep to the family; any other architecture goes through the kind `checkpoint`."""
        if value != "compact" and not value.startswith("resnet"):
            raise ValueError("expected `compact` or the name of a timm ResNet such as `resnet18`")
        return value

    def compact(self) -> Network:
        """A ResNet of the size that the settings say; its stem halves the side once."""
        from timm.models import resnet
        from torch import nn

        network = resnet.ResNet(
            resnet.BasicBlock,  # type: ignore[arg-type]  # timm wants the class and says an object
            self.layers,
            num_classes=2,
            channels=self.channels,
            stem_width=max(1, self.channels[0] // 2),
            stem_type="deep",
            drop_rate=self.drop_rate,
        )
        network.maxpool = nn.Identity()  # type: ignore[assignment]  # 48 pixels reach the last stage as 3, not as 2
        return network
