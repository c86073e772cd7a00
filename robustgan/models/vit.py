"""Vision transformer, from timm: no convolutions, so that fooling images of a DenseNet meet another way to see.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from robustgan.models._family import Family, Width
from robustgan.tensors import Network

PREFIXES = ("vit_", "deit_", "deit3_")


class ViT(Family):
    """A timm vision transformer with two logits; `compact` suits images of 32 to 96 pixels.

    Images whose side is no multiple of the patch are padded with black at the lower right edge.
    """

    compact_settings: ClassVar[tuple[str, ...]] = ("patch", "width", "depth", "heads")

    variant: str = "compact"  # or the name of a timm vision transformer: vit_tiny_patch16_224, ...
    patch: Annotated[int, Field(ge=2, le=32)] = 8  # side of a patch, in pixels
    width: Width = 96  # numbers that describe a patch
    depth: Width = 4  # blocks
    heads: Width = 3  # of attention, a block; they share the width

    @field_validator("variant")
    @classmethod
    def in_family(cls, value: str) -> str:
        """Keep to the family; any other architecture goes through the kind `checkpoint`."""
        if value != "compact" and not value.startswith(PREFIXES):
            raise ValueError(
                "expected `compact` or the name of a timm vision transformer such as `vit_tiny_patch16_224`"
            )
        return value

    @model_validator(mode="after")
    def shared_fairly(self) -> ViT:
        """Refuse a width that the heads cannot share."""
        if self.width % self.heads:
            raise ValueError(f"width: found {self.width}, expected a multiple of `heads`, {self.heads}")
        return self

    def compact(self) -> Network:
        """A vision transformer of the size that the settings say; it takes images of any size."""
        from timm.models import vision_transformer

        return vision_transformer.VisionTransformer(
            img_size=8 * self.patch,
            patch_size=self.patch,
            num_classes=2,
            embed_dim=self.width,
            depth=self.depth,
            num_heads=self.heads,
            drop_rate=self.drop_rate,
            dynamic_img_size=True,
            dynamic_img_pad=True,
        )
