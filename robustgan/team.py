"""The processes that share one training: each takes its share of every batch, and all average their gradients.

Every process draws the same batch from the same seed, so the order of the images does not depend on how many there
are. Process 0 leads: it looks at the validation patients, decides, and writes; the others take over what it decides.
A team of one does nothing here, and needs no accelerate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from robustgan.errors import InputError

if TYPE_CHECKING:
    from robustgan.tensors import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Team:
    """Who one process is among those that train together; `launch.py` brings them together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process looks, decides and writes."""
        return self.rank == 0

    def check(self, batch: int, what: str) -> None:
        """Refuse batches that the processes cannot share evenly.

        Raises:
            InputError: says what fits.
        """
        if batch % self.size:
            raise InputError(
                f"{what}: found a batch of {batch} and `processes: {self.size}`, which must divide it. "
                f"Set the batch to {max(1, round(batch / self.size)) * self.size}."
            )

    def share(self, rows: Tensor) -> Tensor:
        """This process's part of a batch; of one that does not divide (an epoch's last), all of it for each."""
        if len(rows) % self.size:
            return rows
        each = len(rows) // self.size
        return rows[self.rank * each : (self.rank + 1) * each]

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        if self.size == 1:
            return value
        from accelerate.utils import reduce

        mean: Tensor = reduce(value, "mean")
        return mean

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients of parameters by their mean over the processes, in one exchange."""
        if self.size == 1:
            return
        import torch

        slopes = [p.grad for p in parameters if p.grad is not None]
        mean = self.mean(torch.cat([slope.flatten() for slope in slopes]))
        for slope, part in zip(slopes, torch.split(mean, [slope.numel() for slope in slopes]), strict=True):
            slope.copy_(part.view_as(slope))

    def agree(self, value: T) -> T:
        """What the leader has, for all: a number, a state with tensors, None."""
        if self.size == 1:
            return value
        from accelerate.utils import broadcast_object_list

        kept: T = broadcast_object_list([value])[0]
        return kept


ALONE = Team()
