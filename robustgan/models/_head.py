"""What the outputs of a classifier stand for: two logits, one, or many classes that collapse to two."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from robustgan.config import Spec

Side = Literal["benign", "malignant"]


class Head(Spec):
    """What each output means; robustgan turns it into two logits (benign, malignant).

    Of several outputs, P(malignant) is the sum of the softmax over the malignant ones. Of one output it is the
    sigmoid, for `[malignant]`, and one minus the sigmoid for `[benign]`.
    """

    classes: Annotated[tuple[Side, ...], Field(min_length=1)] = ("benign", "malignant")  # of each output, in order
    outputs: Literal["logits", "probabilities"] = "logits"  # probabilities: the model ends in a softmax or sigmoid

    @model_validator(mode="after")
    def two_sides(self) -> Head:
        """Refuse a map that leaves one class without an output."""
        if len(self.classes) > 1 and len(set(self.classes)) < 2:
            raise ValueError(f"classes: found {len(self.classes)} times {self.classes[0]}, expected both classes")
        return self

    @property
    def plain(self) -> bool:
        """The outputs are two logits (benign, malignant) already."""
        return self == Head()

    @property
    def words(self) -> str:
        """What the settings say, for a message."""
        many = f"{len(self.classes)} outputs" if len(self.classes) > 1 else "one output"
        return f"{many} ({', '.join(self.classes)}), {self.outputs}"
