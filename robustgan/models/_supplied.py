"""Settings of models that the user brings: how images reach them, and what their outputs mean."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from robustgan.config import Number
from robustgan.interfaces import Model
from robustgan.models._head import Head
from robustgan.tensors import Network

Means = tuple[Number, Number, Number]
Deviation = Annotated[Number, Field(gt=0)]
Deviations = tuple[Deviation, Deviation, Deviation]


class Supplied(Model):
    """A classifier that comes with its weights. Images in [0, 1] are normalised as said here, and nowhere else."""

    trains: ClassVar[bool] = False

    head: Head = Head()  # what each output stands for
    mean: Means = (0.0, 0.0, 0.0)  # subtracted from images in [0, 1]; the default: it normalises inside itself
    std: Deviations = (1.0, 1.0, 1.0)  # then divided by; 0.00392156862745098 (1/255) for a model of pixels in 0..255

    def adapted(self, network: Network) -> Network:
        """The network behind its normalisation, with two logits."""
        from robustgan.models._backbone import Normalised
        from robustgan.models._headed import Headed

        return Normalised(network if self.head.plain else Headed(network, self.head), self.mean, self.std)
