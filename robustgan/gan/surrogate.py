"""Settings of the network that learns to answer as a classifier does, where its weights are out of reach."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from robustgan.config import Number, Spec

Count = Annotated[int, Field(ge=1)]


class Surrogate(Spec):
    """A compact timm DenseNet, and how it is distilled (gan/imitation.py)."""

    growth_rate: Count = 12  # channels that each layer adds
    block_config: Annotated[tuple[Count, ...], Field(min_length=1, max_length=5)] = (3, 6, 12, 8)  # layers a block
    stem: Literal["quarter", "half"] = "quarter"  # what the first layers leave of the side; half: finer textures
    epochs: Count = 15  # before the generator's first; dynamic: before each it asks about images that fool it
    passes: Count = 2  # dynamic: over what was asked, in each epoch, and after each one of the generator
    memory: Count = 4096  # dynamic: the latest so many images that it asked about, before and after a change
    lr: Annotated[Number, Field(gt=0)] = 3e-3  # AdamW's peak: a cosine to 10 % before the generator begins
    steady: Annotated[Number, Field(gt=0, le=1)] = 0.3  # dynamic: share of `lr` from then on
    answers: Literal["probabilities", "labels"] = "probabilities"  # what the classifier tells about an image
    loss: Literal["log-odds", "cross-entropy"] = "log-odds"  # cross-entropy: as published; the default for labels

    @model_validator(mode="before")
    @classmethod
    def fill(cls, given: Any) -> Any:
        """Take the loss that labels allow, where none is given."""
        if isinstance(given, dict) and given.get("answers") == "labels":
            return {"loss": "cross-entropy", **given}
        return given

    @model_validator(mode="after")
    def meaningful(self) -> Surrogate:
        """Refuse a loss that the answers have no numbers for."""
        if self.answers == "labels" and self.loss == "log-odds":
            raise ValueError(
                "found loss log-odds with answers labels, which have no odds; allowed is loss cross-entropy, or "
                "answers probabilities"
            )
        return self
