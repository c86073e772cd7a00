"""An exported program as a module that behaves like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch

from robustgan.errors import InputError
from robustgan.models._sealed import Sealed, check_size, in_batches
from robustgan.tensors import Images


class Program(Sealed):
    """A program of torch.export; its mode was fixed when it was exported."""

    def __init__(self, program: torch.export.ExportedProgram, sha256: str, name: str) -> None:
        super().__init__(sha256)
        self.module, self.name = program.module(), name
        self.shape = input_shape(program, name)
        self.eval()

    def forward(self, x: Images) -> Any:
        """What the program gives."""
        check_size(self.shape, x, self.name)
        return in_batches(self.module, x, self.shape[0])

    def train(self, mode: bool = True) -> Program:
        """Leave the program as it is: torch refuses to change its mode, and it has none that training could use."""
        for module in self.modules():
            module.training = False
        return self


def read(path: Path, sha256: str) -> Program:
    """Read a .pt2 file; this can run code that it contains.

    Raises:
        InputError: it is none, or of a version that this torch does not read.
    """
    try:
        program = torch.export.load(path)
    except Exception as error:  # torch raises anything here
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: torch {torch.__version__} cannot read it as an exported program ({reason:.200}). Save it with "
            "torch.export.save(torch.export.export(model.eval(), (images,)), path), with this version of torch."
        ) from None
    return Program(program, sha256, str(path))


def input_shape(program: torch.export.ExportedProgram, name: str) -> tuple[int | None, ...]:
    """Shape of the one input; None where any size will do.

    Raises:
        InputError: it takes no or several inputs, or no 32-bit numbers.
    """
    wanted = program.graph_signature.user_inputs
    found = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in wanted]
    if len(found) != 1 or getattr(found[0], "dtype", None) != torch.float32:
        raise InputError(
            f"{name}: found the inputs {', '.join(map(str, wanted)) or 'none'}; expected is one of float32 images."
        )
    return tuple(side if isinstance(side, int) else None for side in cast(torch.Tensor, found[0]).shape)
