"""Shapes and value ranges, written once.

Nothing here imports torch: settings, plans and tables must be readable on a machine without it. In the tests jaxtyping
checks the shape and dtype of whatever array arrives; for the type checker the arrays are torch tensors.
"""

from typing import TYPE_CHECKING, Any

from robustgan.shapes import Float, Int, UInt8

if TYPE_CHECKING:
    from torch import Generator as Rng
    from torch import Tensor
    from torch.nn import Module as Network
else:
    Tensor = Network = Rng = Any

Images = Float[Tensor, "n 3 h w"]  # RGB in [0, 1], never normalised: a model normalises inside itself
Bytes = UInt8[Tensor, "n 3 h w"]  # RGB in 0..255, as written to a file
Labels = Int[Tensor, " n"]  # binary: 0 benign, 1 malignant
Logits = Float[Tensor, "n k"]
Scores = Float[Tensor, " n"]  # one number an image: P(malignant), a distance, a margin

POSITIVE = 1  # malignant is the positive class: sensitivity is about it, specificity about the other

__all__ = ["POSITIVE", "Bytes", "Images", "Labels", "Logits", "Network", "Rng", "Scores", "Tensor"]
